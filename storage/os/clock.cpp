#include "storage/os/clock.hpp"

#include <ctime>

namespace et {

const wall_clock& system_clock() {
  struct os_clock : wall_clock {
    int64_t now_ns() const override {
      timespec now{};
      clock_gettime(CLOCK_REALTIME, &now);
      return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
    }
  };
  static const os_clock clock;
  return clock;
}

}  // namespace et
