// One thread that waits for descriptors and times on behalf of many: the front door and its links.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "storage/os/file.hpp"

namespace et {

/// An epoll thread. Sleeps while nothing happens. Handlers run on its thread and must not block;
/// what they throw (out of memory) is logged and forgotten. All calls but start(), post() and
/// stop() belong to that thread.
class poll_loop {
 public:
  using task = std::function<void()>;
  using event_handler = std::function<void(uint32_t events)>;
  using clock = std::chrono::steady_clock;

  static caf::expected<std::unique_ptr<poll_loop>> start();
  ~poll_loop();

  /// Runs `work` on the thread, after what was posted before. After stop() it is dropped.
  void post(task work);
  /// Ends the thread; handlers that have not run never will. Must not be called on the thread.
  void stop();

  /// Calls `handler` with epoll events of `fd` (level-triggered; errors and hang-ups always).
  /// Returns a number that names the watch, 0 when the kernel refuses. unwatch() before closing
  /// `fd`.
  uint64_t watch(int fd, uint32_t events, event_handler handler);
  void change(uint64_t watch_number, uint32_t events);
  void unwatch(uint64_t watch_number);

  /// Calls `handler` once, `delay` from now. Returns a number for cancel().
  uint64_t after(std::chrono::milliseconds delay, task handler);
  void cancel(uint64_t timer_number);

 private:
  struct watched {
    int fd;
    uint32_t events;
    event_handler handler;
  };

  poll_loop(unique_fd epoll, unique_fd wake);
  void run();
  void dispatch(uint64_t watch_number, uint32_t events);
  void run_posted();
  int run_timers();  ///< milliseconds until the next one, -1 for none

  unique_fd epoll_;
  unique_fd wake_;
  std::mutex mutex_;
  std::vector<task> posted_;
  bool stopping_ = false;
  uint64_t next_number_ = 1;
  std::map<uint64_t, std::shared_ptr<watched>> watches_;
  std::map<std::pair<clock::time_point, uint64_t>, task> timers_;
  std::map<uint64_t, clock::time_point> timer_times_;
  std::thread thread_;
};

}  // namespace et
