// How a client's story asks: what the files of the client share.
#pragma once

#include "actors/defaults.hpp"
#include "tests/simulation/client.hpp"

namespace et::simulation {

/// What an asked actor, or the clock, will say.
template <class R>
class client::answer {
 public:
  struct state {
    std::optional<caf::expected<R>> value;
    std::coroutine_handle<> then;

    void come(caf::expected<R> what) {
      if (value) return;
      value.emplace(std::move(what));
      if (then) std::exchange(then, nullptr).resume();
    }
  };

  std::shared_ptr<state> shared = std::make_shared<state>();

  bool await_ready() const { return shared->value.has_value(); }
  void await_suspend(std::coroutine_handle<> then) { shared->then = then; }
  caf::expected<R> await_resume() { return std::move(*shared->value); }
};

template <class R, class... Ts>
client::answer<R> client::ask(Ts&&... xs) {
  return ask_at<R>(session_, std::forward<Ts>(xs)...);
}

template <class R, class... Ts>
client::answer<R> client::ask_at(const std::optional<site::session>& at, Ts&&... xs) {
  answer<R> made;
  if (!at) {
    made.shared->value.emplace(fail(errc::unavailable, "there is no session"));
    return made;
  }
  auto number = next_wait_++;
  auto shared = made.shared;
  waiting_[number] = {at->link, [shared](const caf::error& why) { shared->come(why); }};
  self_->request(at->port, defaults::client_timeout, std::forward<Ts>(xs)...)
      .then(
          [me = me_, shared, number](R& value) {
            if (!*me) return;
            (*me)->waiting_.erase(number);
            shared->come(std::move(value));
          },
          [me = me_, shared, number](caf::error& error) {
            if (!*me) return;
            (*me)->waiting_.erase(number);
            shared->come(std::move(error));
          });
  return made;
}

}  // namespace et::simulation
