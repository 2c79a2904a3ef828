// What a seed decides. One sequence of numbers for a run: the same calls give the same numbers.
#pragma once

#include <chrono>
#include <cstdint>

namespace et::simulation {

class dice {
 public:
  explicit dice(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15 + 0x2545f4914f6cdd1d) {}

  uint64_t next() {
    state_ += 0x9e3779b97f4a7c15;
    auto z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  /// 0 .. bound - 1; 0 when bound is 0.
  uint64_t below(uint64_t bound) { return bound == 0 ? 0 : next() % bound; }
  /// low .. high
  uint64_t between(uint64_t low, uint64_t high) { return low + below(high - low + 1); }
  bool chance(double rate) { return static_cast<double>(next() >> 11) * 0x1.0p-53 < rate; }
  std::chrono::nanoseconds span(std::chrono::nanoseconds low, std::chrono::nanoseconds high) {
    return std::chrono::nanoseconds{static_cast<int64_t>(
        between(static_cast<uint64_t>(low.count()), static_cast<uint64_t>(high.count())))};
  }

 private:
  uint64_t state_;
};

}  // namespace et::simulation
