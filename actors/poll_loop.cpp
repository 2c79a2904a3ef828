#include "actors/poll_loop.hpp"

#include <spdlog/spdlog.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace et {

namespace {

template <class Handler, class... Args>
void guarded(const Handler& handler, Args... args) {
  try {
    handler(args...);
  } catch (const std::exception& e) {
    spdlog::error("connections: {}", e.what());
  }
}

}  // namespace

caf::expected<std::unique_ptr<poll_loop>> poll_loop::start() {
  unique_fd epoll{::epoll_create1(EPOLL_CLOEXEC)};
  unique_fd wake{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  epoll_event event{.events = EPOLLIN, .data = {.u64 = 0}};
  if (!epoll || !wake || ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, wake.get(), &event) != 0)
    return fail_errno("cannot wait for connections", errno);
  std::unique_ptr<poll_loop> loop{new poll_loop(std::move(epoll), std::move(wake))};
  try {
    loop->thread_ = std::thread{[raw = loop.get()] { raw->run(); }};
  } catch (const std::exception& e) {
    return fail(errc::io_error, std::string{"cannot start a thread: "} + e.what());
  }
  return loop;
}

poll_loop::poll_loop(unique_fd epoll, unique_fd wake)
    : epoll_(std::move(epoll)), wake_(std::move(wake)) {}

poll_loop::~poll_loop() {
  stop();
}

void poll_loop::post(task work) {
  {
    std::lock_guard lock{mutex_};
    posted_.push_back(std::move(work));
  }
  ::eventfd_write(wake_.get(), 1);
}

void poll_loop::stop() {
  {
    std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  ::eventfd_write(wake_.get(), 1);
  if (thread_.joinable()) thread_.join();
}

uint64_t poll_loop::watch(int fd, uint32_t events, event_handler handler) {
  auto number = next_number_++;
  epoll_event event{.events = events, .data = {.u64 = number}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) return 0;
  watches_[number] = std::make_shared<watched>(watched{fd, events, std::move(handler)});
  return number;
}

void poll_loop::change(uint64_t watch_number, uint32_t events) {
  auto found = watches_.find(watch_number);
  if (found == watches_.end() || found->second->events == events) return;
  found->second->events = events;
  epoll_event event{.events = events, .data = {.u64 = watch_number}};
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, found->second->fd, &event);
}

void poll_loop::unwatch(uint64_t watch_number) {
  auto found = watches_.find(watch_number);
  if (found == watches_.end()) return;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, found->second->fd, nullptr);
  watches_.erase(found);
}

uint64_t poll_loop::after(std::chrono::milliseconds delay, task handler) {
  auto number = next_number_++;
  auto time = clock::now() + delay;
  timers_.emplace(std::pair{time, number}, std::move(handler));
  timer_times_.emplace(number, time);
  return number;
}

void poll_loop::cancel(uint64_t timer_number) {
  auto found = timer_times_.find(timer_number);
  if (found == timer_times_.end()) return;
  timers_.erase({found->second, timer_number});
  timer_times_.erase(found);
}

void poll_loop::run_posted() {
  std::vector<task> work;
  {
    std::lock_guard lock{mutex_};
    work.swap(posted_);
  }
  for (auto& item : work) guarded(item);
}

int poll_loop::run_timers() {
  while (!timers_.empty()) {
    auto first = timers_.begin();
    auto wait = first->first.first - clock::now();
    if (wait.count() > 0) {
      auto wait_ms = std::chrono::ceil<std::chrono::milliseconds>(wait).count();
      return static_cast<int>(std::min<int64_t>(wait_ms, 3'600'000));
    }
    auto handler = std::move(first->second);
    timer_times_.erase(first->first.second);
    timers_.erase(first);
    guarded(handler);
  }
  return -1;
}

void poll_loop::dispatch(uint64_t watch_number, uint32_t events) {
  auto found = watches_.find(watch_number);
  if (found == watches_.end()) return;  // unwatched by a handler before it in this round
  auto keep = found->second;
  guarded(keep->handler, events);
}

void poll_loop::run() {
  epoll_event events[64];
  for (;;) {
    int count = ::epoll_wait(epoll_.get(), events, std::size(events), run_timers());
    for (int i = 0; i < count; ++i) {
      if (events[i].data.u64 == 0) {
        eventfd_t value = 0;
        ::eventfd_read(wake_.get(), &value);
        continue;
      }
      dispatch(events[i].data.u64, events[i].events);
    }
    run_posted();
    std::lock_guard lock{mutex_};
    if (stopping_) return;
  }
}

}  // namespace et
