// The alerts of a node that its head may not have heard. Without CAF, so that it can be tried alone.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <vector>

#include "storage/catalogue/records.hpp"

namespace et {

/// Alerts that wait for a head: of those behind them, only how many there were is told. And of those
/// that were just passed on, the last.
constexpr size_t max_kept_alerts = 100;
/// What was passed on in this time before a link's end may not have come. Longer than it takes until
/// a silent link is given up, unless down_after_ms is set to more.
constexpr auto alert_doubt_time = std::chrono::seconds{60};
/// Links that break again and again tell an alert no more often than that.
constexpr int max_tellings = 3;

class kept_alerts {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  /// It was given to the head's link.
  void passed_on(const alert_record& draft, time_point now);
  /// It was raised while there is no head.
  void keep(const alert_record& draft, time_point now);
  /// The link has ended: what was passed on a moment ago is told again.
  void doubt(time_point now);
  /// What a head that is there now has to be told, oldest first; it counts as passed on then. Each
  /// text says that it comes late, and how late, since the head gives it the time of its coming.
  std::vector<alert_record> take(time_point now);

 private:
  struct raised {
    alert_record draft;
    time_point when;
    time_point passed_on;
    int tellings = 0;
  };

  void keep(raised one);
  void forget_old(time_point now);

  std::deque<raised> kept_;
  std::deque<raised> passed_on_;
  uint64_t dropped_ = 0;
};

}  // namespace et
