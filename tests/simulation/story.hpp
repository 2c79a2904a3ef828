// Clients as they are written: one thing after the other. A story is a coroutine that an actor's
// answers and a clock carry on; another story may wait for it.
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

namespace et::simulation {

template <class T>
class story {
 public:
  struct promise_type {
    std::optional<T> value;
    std::coroutine_handle<> then;

    story get_return_object() {
      return story{std::coroutine_handle<promise_type>::from_promise(*this)};
    }
    std::suspend_always initial_suspend() noexcept { return {}; }
    auto final_suspend() noexcept {
      struct carry_on {
        bool await_ready() noexcept { return false; }
        std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> done) noexcept {
          auto next = done.promise().then;
          return next ? next : std::coroutine_handle<>{std::noop_coroutine()};
        }
        void await_resume() noexcept {}
      };
      return carry_on{};
    }
    void return_value(T result) { value = std::move(result); }
    void unhandled_exception() { std::terminate(); }
  };

  explicit story(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  story(story&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  story(const story&) = delete;
  ~story() {
    if (handle_) handle_.destroy();
  }

  /// Of the outermost story.
  void begin() { handle_.resume(); }
  bool ended() const { return handle_.done(); }

  bool await_ready() const { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> then) {
    handle_.promise().then = then;
    return handle_;
  }
  T await_resume() { return std::move(*handle_.promise().value); }

 private:
  std::coroutine_handle<promise_type> handle_;
};

}  // namespace et::simulation
