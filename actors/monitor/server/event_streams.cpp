#include "actors/monitor/server/event_streams.hpp"

#include <pthread.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "actors/defaults.hpp"

namespace et::monitor {

using std::chrono::steady_clock;

event_streams::event_streams(sender send) : send_(std::move(send)) {
  thread_ = std::thread{[this] { serve(); }};
  ::pthread_setname_np(thread_.native_handle(), "monitor-events");
}

event_streams::~event_streams() {
  {
    std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

bool event_streams::add(uint64_t stream, std::string viewer, source events) {
  std::lock_guard lock{mutex_};
  auto own = std::count_if(entries_.begin(), entries_.end(),
                           [&](const auto& one) { return one->viewer == viewer; });
  if (entries_.size() >= defaults::monitor_event_streams ||
      static_cast<size_t>(own) >= defaults::monitor_event_streams_per_viewer)
    return false;
  auto made = std::make_shared<entry>();
  made->stream = stream;
  made->viewer = std::move(viewer);
  made->events = std::move(events);
  made->said = steady_clock::now();
  entries_.push_front(std::move(made));
  changed_.notify_all();
  return true;
}

void event_streams::remove(uint64_t stream) {
  std::lock_guard lock{mutex_};
  entries_.remove_if([&](const auto& one) { return one->stream == stream; });
}

/// The first of the list when it is its turn; it then stands at the end.
std::shared_ptr<event_streams::entry> event_streams::next_due(steady_clock::time_point now) {
  if (entries_.empty() || entries_.front()->asked + defaults::monitor_event_period > now)
    return nullptr;
  entries_.splice(entries_.end(), entries_, entries_.begin());
  entries_.back()->asked = now;
  return entries_.back();
}

void event_streams::serve() {
  std::unique_lock lock{mutex_};
  while (!stopping_) {
    if (auto one = next_due(steady_clock::now())) {
      lock.unlock();
      ask(*one);
      one.reset();
      lock.lock();
    } else if (entries_.empty()) {
      changed_.wait(lock);
    } else {
      changed_.wait_until(lock, entries_.front()->asked + defaults::monitor_event_period);
    }
  }
}

void event_streams::ask(entry& one) {
  std::string bytes;
  bool goes_on = false;
  try {
    goes_on = one.events(bytes);
  } catch (const std::exception& e) {
    spdlog::error("monitor: a stream of events ends: {}", e.what());
  }
  auto now = steady_clock::now();
  if (bytes.empty() && goes_on && now - one.said >= defaults::monitor_event_heartbeat)
    bytes = ": \n\n";
  if (!bytes.empty()) one.said = now;
  if (bytes.empty() && goes_on) return;
  if (!goes_on) remove(one.stream);
  send_(one.stream, std::move(bytes), !goes_on);
}

}  // namespace et::monitor
