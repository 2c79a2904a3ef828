// The threads that make answers. They compute and read the catalogue; none ever waits for a client.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace et::monitor {

class worker_pool {
 public:
  using task = std::function<void()>;  ///< throws nothing

  /// At most `queue` requests wait for a thread.
  worker_pool(size_t threads, size_t queue);
  /// Waits for running tasks; those that have not begun are dropped.
  ~worker_pool();

  /// A new request. False: too many wait already.
  bool begin(task what);
  /// The next piece of an answer. Takes turns with new requests, so that neither a crowd of readers
  /// nor a crowd of requests stops the other. The caller bounds how many there are.
  void go_on(task what);

 private:
  void work();

  size_t queue_;
  std::mutex mutex_;  ///< guards the rest
  std::condition_variable changed_;
  bool stopping_ = false;
  bool request_is_next_ = true;
  std::deque<task> requests_;
  std::deque<task> pieces_;
  std::vector<std::thread> threads_;
};

}  // namespace et::monitor
