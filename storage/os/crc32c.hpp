// CRC32C (Castagnoli, as in iSCSI and logical block protection), computed by ISA-L.
#pragma once

#include <cstdint>
#include <span>

namespace et {

/// CRC32C of `data` behind what `seed` covers: 0 for the first part, then the result of the part
/// before. crc32c(crc32c(0, a), b) is the CRC of a followed by b; "123456789" gives 0xE3069283.
uint32_t crc32c(uint32_t seed, std::span<const uint8_t> data);

}  // namespace et
