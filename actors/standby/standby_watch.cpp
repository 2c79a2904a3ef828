#include "actors/standby/standby_watch.hpp"

#include <algorithm>

namespace et {

void standby_watch::written(uint64_t sequence, time_point now) {
  written_ = std::max(written_, sequence);
  if (mode_ == mode::following && !since_ && written_ > acknowledged_) since_ = now;
}

standby_watch::step standby_watch::acknowledged(uint64_t sequence, bool caught_up, time_point now) {
  acknowledged_ = std::max(acknowledged_, sequence);
  if (mode_ == mode::following) {
    // Each acknowledgement is progress: the time is one of silence, not of a long queue.
    since_ = written_ > acknowledged_ ? std::optional{now} : std::nullopt;
    return missed_ ? step::begin : step::none;
  }
  if (!caught_up) return step::none;
  mode_ = mode::following;
  since_ = written_ > acknowledged_ ? std::optional{now} : std::nullopt;
  return step::begin;
}

void standby_watch::lost(time_point now) {
  acknowledged_ = 0;
  if (mode_ != mode::following) return;
  mode_ = mode::waiting;
  if (!since_) since_ = now;
}

standby_watch::step standby_watch::passed(time_point now) {
  auto end = deadline();
  if (!end || now < *end) return step::none;
  missed_ = true;
  if (policy_ == standby_policy::wait) return step::complain;
  mode_ = mode::alone;
  since_.reset();
  return step::drop;
}

std::optional<standby_watch::time_point> standby_watch::deadline() const {
  if (!since_ || mode_ == mode::alone) return std::nullopt;
  if (policy_ == standby_policy::wait && missed_) return std::nullopt;
  return *since_ + timeout_;
}

}  // namespace et
