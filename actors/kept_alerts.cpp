#include "actors/kept_alerts.hpp"

#include <string>
#include <utility>

namespace et {

void kept_alerts::forget_old(time_point now) {
  while (!passed_on_.empty() && (passed_on_.size() > max_kept_alerts ||
                                 now - passed_on_.front().passed_on > alert_doubt_time))
    passed_on_.pop_front();
}

void kept_alerts::passed_on(const alert_record& draft, time_point now) {
  passed_on_.push_back({draft, now, now, 1});
  forget_old(now);
}

void kept_alerts::keep(raised one) {
  if (kept_.size() < max_kept_alerts)
    kept_.push_back(std::move(one));
  else
    ++dropped_;
}

void kept_alerts::keep(const alert_record& draft, time_point now) {
  keep({draft, now, {}, 0});
}

void kept_alerts::doubt(time_point now) {
  forget_old(now);
  for (auto& one : std::exchange(passed_on_, {}))
    if (one.tellings < max_tellings) keep(std::move(one));
}

std::vector<alert_record> kept_alerts::take(time_point now) {
  std::vector<alert_record> all;
  for (auto& one : std::exchange(kept_, {})) {
    all.push_back(one.draft);
    auto late = std::chrono::duration_cast<std::chrono::seconds>(now - one.when).count();
    all.back().text += one.tellings > 0 ? " (perhaps told before, the link broke: " : " (no head: ";
    all.back().text += "raised " + std::to_string(late) + " s before this)";
    one.passed_on = now;
    ++one.tellings;
    passed_on_.push_back(std::move(one));
  }
  forget_old(now);
  if (auto dropped = std::exchange(dropped_, 0)) {
    alert_record others;
    others.level = severity::error;
    others.text = std::to_string(dropped) +
                  " more alerts were raised while there was no head: see the log of their node";
    all.push_back(std::move(others));
  }
  return all;
}

}  // namespace et
