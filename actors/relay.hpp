// Stands in for an actor of another node. Who has its handle need not know where the other is, or
// whether: while there is none, requests fail at once with `node_lost`, and those under way fail
// when it is lost. (The framework would let them wait for their time-out.)
#pragma once

#include <functional>
#include <map>
#include <string>
#include <type_traits>

#include "actors/actor_base.hpp"
#include "actors/atoms.hpp"
#include "actors/defaults.hpp"
#include "actors/kept_alerts.hpp"
#include "actors/watch.hpp"

namespace et {

/// Requests under way through one relay.
constexpr size_t max_relayed_requests = 4096;

template <class Handle>
using relay_actor = typename Handle::template extend<
    // From now on it stands for that actor; null: for none, and the text says why.
    handles<void(link_atom, caf::strong_actor_ptr, std::string)>>;

template <class Handle>
struct relay_state {
  /// Without this, the framework would make the state out of the actor itself: an aggregate whose
  /// first member can be made of it.
  relay_state() = default;
  relay_state(const relay_state&) = delete;

  static inline const char* name = "relay";
  Handle target;
  std::string missing = "the node has not joined yet";
  std::map<uint64_t, std::function<void(const caf::error&)>> under_way;
  uint64_t next_number = 1;
  kept_alerts alerts;

  caf::error unavailable() const { return fail(errc::node_lost, missing); }
  /// Why nothing can be passed on now; no error: it can.
  caf::error refusal() const {
    if (!target) return unavailable();
    if (under_way.size() < max_relayed_requests) return {};
    return fail(errc::limit_reached, "too many requests to another node at once");
  }

  void link(const caf::strong_actor_ptr& to, const std::string& why) {
    target = caf::actor_cast<Handle>(to);
    missing = why;
    for (auto& [number, give_up] : std::exchange(under_way, {})) give_up(unavailable());
  }
};

template <class Pointer, class Message>
struct relayed;

template <class Pointer, class... Args, class Result>
struct relayed<Pointer,
               caf::typed_mpi<caf::detail::type_list<Args...>, caf::output_tuple<Result>>> {
  static auto make(Pointer self) {
    return [self](Args&... args) -> caf::result<Result> {
      auto& state = self->state;
      if (auto refused = state.refusal()) return refused;
      auto number = state.next_number++;
      auto promise = self->template make_response_promise<Result>();
      state.under_way.emplace(number,
                              [promise](const caf::error& why) mutable { promise.deliver(why); });
      self->request(state.target, defaults::drive_timeout, std::move(args)...)
          .then(
              [self, number, promise](Result& result) mutable {
                forget_timeout(self);
                if (self->state.under_way.erase(number)) promise.deliver(std::move(result));
              },
              [self, number, promise](caf::error& error) mutable {
                forget_timeout(self);
                if (self->state.under_way.erase(number)) promise.deliver(std::move(error));
              });
      return promise;
    };
  }
};

template <class Pointer, class... Args>
struct relayed<Pointer, caf::typed_mpi<caf::detail::type_list<Args...>, caf::output_tuple<void>>> {
  static auto make(Pointer self) {
    return [self](Args&... args) {
      if (self->state.target) self->send(self->state.target, std::move(args)...);
    };
  }
};

template <class Message>
struct is_alert : std::false_type {};

template <>
struct is_alert<caf::typed_mpi<caf::detail::type_list<alert_atom, alert_record>,
                               caf::output_tuple<void>>> : std::true_type {};

/// What was raised while there is no head is news when there is one.
template <class Pointer>
struct relayed<Pointer, caf::typed_mpi<caf::detail::type_list<alert_atom, alert_record>,
                                       caf::output_tuple<void>>> {
  static auto make(Pointer self) {
    return [self](alert_atom, alert_record& draft) {
      auto& state = self->state;
      auto now = self->clock().now();
      if (!state.target) return state.alerts.keep(draft, now);
      state.alerts.passed_on(draft, now);
      self->send(state.target, alert_atom_v, std::move(draft));
    };
  }
};

template <class Handle>
using relay_pointer = typename relay_actor<Handle>::template stateful_pointer<relay_state<Handle>>;

template <class Handle, class... Messages>
typename relay_actor<Handle>::behavior_type relay_all(relay_pointer<Handle> self,
                                                      caf::detail::type_list<Messages...>) {
  return {relayed<relay_pointer<Handle>, Messages>::make(self)...,
          [self](link_atom, const caf::strong_actor_ptr& to, const std::string& why) {
            auto& state = self->state;
            if (state.target && state.target != to) state.alerts.doubt(self->clock().now());
            state.link(to, why);
            if constexpr ((is_alert<Messages>::value || ...))
              if (state.target)
                for (auto& one : state.alerts.take(self->clock().now()))
                  self->send(state.target, alert_atom_v, std::move(one));
          }};
}

template <class Handle>
typename relay_actor<Handle>::behavior_type relay(relay_pointer<Handle> self) {
  guard(self);
  return relay_all<Handle>(self, typename Handle::signatures{});
}

/// For one actor, until that has ended or its link has; `missing` says then why nothing can be
/// passed on.
template <class Handle>
typename relay_actor<Handle>::behavior_type relay_until_end(relay_pointer<Handle> self,
                                                            const Handle& to,
                                                            const std::string& missing) {
  guard(self);
  self->state.target = to;
  self->set_down_handler([=](caf::down_msg&) { self->state.link(nullptr, missing); });
  if (!watch(self, caf::actor_cast<caf::actor_addr>(to))) self->state.link(nullptr, missing);
  return relay_all<Handle>(self, typename Handle::signatures{});
}

}  // namespace et
