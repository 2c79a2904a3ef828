// Numbers as people read them. A space within them does not break.
#pragma once

#include <cstdint>
#include <string>

namespace et::monitor {

/// Three digits and a unit: `12.3 GB`. Units are powers of 1000, as on cartridges.
std::string bytes_text(uint64_t bytes);
/// The same a second: `112 MB/s`.
std::string rate_text(uint64_t bytes_per_s);
/// `1,234,567`.
std::string count_text(uint64_t count);
/// Two units at most: `4 s`, `3 min 5 s`, `2 h 10 min`, `3 d 4 h`. Below 0: `0 s`.
std::string duration_text(int64_t ms);
/// How much of `whole` that is, rounded down: 100 is all of it. 0 of nothing.
uint64_t percent_of(uint64_t part, uint64_t whole);
/// `1 volume`, `2 volumes`.
std::string counted(uint64_t count, const std::string& thing);

}  // namespace et::monitor
