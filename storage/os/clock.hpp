// Time as the service sees it, injected so that tests and simulations run on a virtual clock.
#pragma once

#include <cstdint>

namespace et {

class wall_clock {
 public:
  virtual ~wall_clock() = default;
  /// Nanoseconds since 1970-01-01 UTC.
  virtual int64_t now_ns() const = 0;
};

/// The operating system's clock. Thread safe, lives for ever.
const wall_clock& system_clock();

/// A clock that stands still until told.
class manual_clock : public wall_clock {
 public:
  explicit manual_clock(int64_t start_ns = 1'700'000'000'000'000'000) : now_ns_(start_ns) {}
  int64_t now_ns() const override { return now_ns_; }
  void advance_ns(int64_t step_ns) { now_ns_ += step_ns; }

 private:
  int64_t now_ns_;
};

}  // namespace et
