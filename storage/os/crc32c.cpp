#include "storage/os/crc32c.hpp"

#include <isa-l/crc.h>

#include <algorithm>

namespace et {

uint32_t crc32c(uint32_t seed, std::span<const uint8_t> data) {
  // ISA-L leaves both inversions to the caller, takes an int as length, and does not write through
  // its non-const pointer.
  constexpr size_t max_step = size_t{1} << 30;
  uint32_t crc = ~seed;
  while (!data.empty()) {
    auto step = std::min(data.size(), max_step);
    crc = crc32_iscsi(const_cast<unsigned char*>(data.data()), static_cast<int>(step), crc);
    data = data.subspan(step);
  }
  return ~crc;
}

}  // namespace et
