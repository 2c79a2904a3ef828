#include "actors/monitor/server/worker_pool.hpp"

#include <pthread.h>

namespace et::monitor {

worker_pool::worker_pool(size_t threads, size_t queue) : queue_(queue) {
  for (size_t i = 0; i < threads; ++i) {
    threads_.emplace_back([this] { work(); });
    ::pthread_setname_np(threads_.back().native_handle(), "monitor-page");
  }
}

worker_pool::~worker_pool() {
  {
    std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  changed_.notify_all();
  for (auto& thread : threads_) thread.join();
}

bool worker_pool::begin(task what) {
  std::lock_guard lock{mutex_};
  if (requests_.size() >= queue_) return false;
  requests_.push_back(std::move(what));
  changed_.notify_one();
  return true;
}

void worker_pool::go_on(task what) {
  std::lock_guard lock{mutex_};
  pieces_.push_back(std::move(what));
  changed_.notify_one();
}

void worker_pool::work() {
  std::unique_lock lock{mutex_};
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || !requests_.empty() || !pieces_.empty(); });
    if (stopping_) return;
    bool request = pieces_.empty() || (!requests_.empty() && request_is_next_);
    request_is_next_ = !request;
    auto& from = request ? requests_ : pieces_;
    auto what = std::move(from.front());
    from.pop_front();
    lock.unlock();
    what();
    what = nullptr;
    lock.lock();
  }
}

}  // namespace et::monitor
