#include "actors/monitor/dashboard/figures.hpp"

#include <array>
#include <cstdio>

namespace et::monitor {

namespace {

// U+00A0.
constexpr const char* hard_space = "\xc2\xa0";

}  // namespace

std::string bytes_text(uint64_t bytes) {
  constexpr std::array units{"B", "kB", "MB", "GB", "TB", "PB", "EB"};
  if (bytes < 1000) return std::to_string(bytes) + hard_space + units[0];
  auto value = static_cast<double>(bytes);
  size_t unit = 0;
  // What would be rounded to 1000 is 1.00 of the next unit.
  while (value >= 999.5) {
    value /= 1000;
    ++unit;
  }
  char digits[32];
  std::snprintf(digits, sizeof digits, "%.*f", value < 9.995 ? 2 : value < 99.95 ? 1 : 0, value);
  return std::string{digits} + hard_space + units.at(unit);
}

std::string rate_text(uint64_t bytes_per_s) {
  return bytes_text(bytes_per_s) + "/s";
}

std::string count_text(uint64_t count) {
  auto digits = std::to_string(count);
  for (auto at = static_cast<int>(digits.size()) - 3; at > 0; at -= 3)
    digits.insert(static_cast<size_t>(at), ",");
  return digits;
}

std::string duration_text(int64_t ms) {
  struct step {
    int64_t seconds;
    const char* name;
  };
  constexpr std::array steps{step{86'400, "d"}, step{3'600, "h"}, step{60, "min"}, step{1, "s"}};
  auto left = ms < 0 ? 0 : ms / 1000;
  std::string text;
  for (size_t i = 0; i < steps.size(); ++i) {
    auto whole = left / steps[i].seconds;
    if (whole == 0 && i + 1 < steps.size()) continue;
    text = std::to_string(whole) + hard_space + steps[i].name;
    left -= whole * steps[i].seconds;
    if (i + 1 == steps.size()) return text;
    auto rest = left / steps[i + 1].seconds;
    if (rest > 0) text += hard_space + std::to_string(rest) + hard_space + steps[i + 1].name;
    return text;
  }
  return text;
}

uint64_t percent_of(uint64_t part, uint64_t whole) {
  if (whole == 0) return 0;
  // Without an overflow; shares of less than 100 bytes are exact too.
  return whole < 100 || part < UINT64_MAX / 100 ? part * 100 / whole : part / (whole / 100);
}

std::string counted(uint64_t count, const std::string& thing) {
  return count_text(count) + hard_space + thing + (count == 1 ? "" : "s");
}

}  // namespace et::monitor
