// How many bytes moved in each of the last seconds and minutes.
#pragma once

#include <deque>
#include <mutex>
#include <vector>

#include "actors/metrics.hpp"
#include "actors/monitor/live.hpp"

namespace et::monitor {

/// Thread-safe.
class throughput_history {
 public:
  /// `so_far`: what had moved at `time_s`, to which the first sample is the difference.
  throughput_history(int64_t time_s, const moved_bytes& so_far) : time_s_(time_s), last_(so_far) {}

  /// What has moved until `time_s`. Seconds that nobody took a sample of get equal shares; a clock
  /// that was set back or far forward begins anew from there.
  void sample(int64_t time_s, const moved_bytes& so_far);

  /// As live_source::throughput().
  std::vector<throughput_sample> list(bool minutes, size_t at_most) const;

 private:
  void add(const throughput_sample& second);

  mutable std::mutex mutex_;
  int64_t time_s_;
  moved_bytes last_;
  std::deque<throughput_sample> seconds_;
  std::deque<throughput_sample> minutes_;
  throughput_sample minute_;  ///< the running one; time 0: none
};

}  // namespace et::monitor
