#include "actors/cluster/store_users.hpp"

namespace et::cluster {

std::shared_ptr<const void> store_users::begin() {
  {
    std::lock_guard lock{mutex_};
    ++now_;
    ++begun_;
  }
  return {static_cast<const void*>(this),
          [self = shared_from_this()](const void*) { self->end(); }};
}

void store_users::end() {
  std::lock_guard lock{mutex_};
  --now_;
  changed_.notify_all();
}

bool store_users::wait(std::chrono::milliseconds limit) {
  std::unique_lock lock{mutex_};
  return changed_.wait_for(lock, limit, [this] { return now_ == 0; });
}

uint64_t store_users::begun() const {
  std::lock_guard lock{mutex_};
  return begun_;
}

}  // namespace et::cluster
