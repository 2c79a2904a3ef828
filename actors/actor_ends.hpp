// Waits until actors have ended to the last. The framework's wait_for() returns while the actor is
// still telling others that it ends: peers' links hear of it last. When the system ends in between,
// what they did not hear keeps a detached actor in memory, and the system waits for its thread for
// ever.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>

#include "actors/basp_link.hpp"

namespace et {

class actor_ends {
 public:
  /// To be called right behind the spawning, before anybody else knows `one`: those who asked first
  /// are told last.
  template <class Handle>
  void add(const Handle& one) {
    {
      std::lock_guard lock{shared_->mutex};
      ++shared_->running;
    }
    caf::actor_cast<caf::strong_actor_ptr>(one)->get()->attach_functor(
        [shared = shared_](const caf::error&) {
          std::lock_guard lock{shared->mutex};
          --shared->running;
          shared->changed.notify_all();
        });
  }
  /// All of them have ended, and the links of `system` have taken note of it. Whoever is to end
  /// them has been told so.
  void wait(caf::actor_system& system) {
    {
      std::unique_lock lock{shared_->mutex};
      shared_->changed.wait(lock, [this] { return shared_->running == 0; });
    }
    settle_links(system);
  }

 private:
  struct shared_state {
    std::mutex mutex;
    std::condition_variable changed;
    size_t running = 0;
  };
  std::shared_ptr<shared_state> shared_ = std::make_shared<shared_state>();
};

}  // namespace et
