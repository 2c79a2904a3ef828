#include "actors/monitor/throughput.hpp"

#include <algorithm>

#include "actors/defaults.hpp"

namespace et::monitor {

namespace {

void keep(std::deque<throughput_sample>& samples, const throughput_sample& next, size_t at_most) {
  samples.push_back(next);
  if (samples.size() > at_most) samples.pop_front();
}

/// Share `part` of `parts`; all of them together are `whole`.
uint64_t share(uint64_t whole, int64_t part, int64_t parts) {
  auto count = static_cast<uint64_t>(parts);
  return whole / count + (static_cast<uint64_t>(part) < whole % count ? 1 : 0);
}

}  // namespace

void throughput_history::sample(int64_t time_s, const moved_bytes& so_far) {
  std::lock_guard lock{mutex_};
  auto seconds = time_s - time_s_;
  if (seconds == 0) return;
  if (seconds < 0 || seconds > static_cast<int64_t>(defaults::live_seconds)) {
    time_s_ = time_s - 1;
    seconds = 1;
  }
  for (int64_t i = 0; i < seconds; ++i)
    add({time_s_ + i, share(so_far.put - last_.put, i, seconds),
         share(so_far.tape_write - last_.tape_write, i, seconds),
         share(so_far.tape_read - last_.tape_read, i, seconds),
         share(so_far.get - last_.get, i, seconds)});
  time_s_ = time_s;
  last_ = so_far;
}

void throughput_history::add(const throughput_sample& second) {
  keep(seconds_, second, defaults::live_seconds);
  auto minute_s = second.time_s / 60 * 60;
  if (minute_.time_s != minute_s) {
    if (minute_.time_s != 0) keep(minutes_, minute_, defaults::live_minutes);
    minute_ = {};
    minute_.time_s = minute_s;
  }
  minute_.put_bytes += second.put_bytes;
  minute_.tape_write_bytes += second.tape_write_bytes;
  minute_.tape_read_bytes += second.tape_read_bytes;
  minute_.get_bytes += second.get_bytes;
}

std::vector<throughput_sample> throughput_history::list(bool minutes, size_t at_most) const {
  std::lock_guard lock{mutex_};
  const auto& all = minutes ? minutes_ : seconds_;
  auto count = static_cast<std::ptrdiff_t>(std::min(all.size(), at_most));
  return {all.end() - count, all.end()};
}

}  // namespace et::monitor
