// Actors that block: in the disk, a drive, or until another actor has answered. Which of them have
// a thread of their own is decided here, and nowhere else: all of them, unless one thread runs the
// whole system, as in a simulation on a virtual clock.
#pragma once

#include "actors/caf_compat.hpp"

namespace et {

/// Besides an actor_system_config: one thread runs all actors of the system. An actor that waits
/// for another's answer inside of a handler holds that thread, so it must let the others run.
class one_thread {
 public:
  virtual ~one_thread() = default;
  /// Runs another actor for one message, or moves the clock. May throw, which ends the handler that
  /// waits.
  virtual void turn() const = 0;
};

/// Null: actors run in threads as they come.
inline const one_thread* one_thread_of(caf::actor_system& system) {
  return dynamic_cast<const one_thread*>(&system.config());
}

inline caf::actor_system& system_of(caf::actor_system& system) {
  return system;
}
template <class Self>
caf::actor_system& system_of(Self& self) {
  return self.system();
}

/// Spawns an actor that may block; `spawner` is the system or an actor.
template <caf::spawn_options Os = caf::no_spawn_options, class Spawner, class F, class... Ts>
auto spawn_blocking(Spawner& spawner, F behaviour, Ts&&... xs) {
  if (one_thread_of(system_of(spawner)))
    return spawner.template spawn<Os>(std::move(behaviour), std::forward<Ts>(xs)...);
  return spawner.template spawn<Os + caf::detached>(std::move(behaviour), std::forward<Ts>(xs)...);
}

/// To be called before the answer to a request of `self` is received.
template <class Answer>
void wait_for(caf::scoped_actor& self, const Answer& answer) {
  auto* thread = one_thread_of(self->system());
  if (!thread) return;  // receive() waits
  auto has_come = [&] {
    auto& mailbox = self->mailbox();
    mailbox.flush_cache();
    mailbox.fetch_more();
    bool found = false;
    mailbox.queue().peek_all(
        [&](const caf::mailbox_element& one) { found = found || one.mid == answer.id(); });
    return found;
  };
  while (!has_come()) thread->turn();
}

}  // namespace et
