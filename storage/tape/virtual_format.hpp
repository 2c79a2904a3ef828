// The bytes of a cartridge image, built and parsed here and nowhere else.
//
//   image  = header record*
//   header = 512 bytes: magic, version, flags, capacity, barcode, zeros, CRC32C
//   record = 32 bytes: magic, type, zeros, number, data length, data CRC32C, zeros, CRC32C; data
//
// All numbers are little-endian. The grammar with a worked example: docs/virtual-library.md.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "storage/error.hpp"
#include "storage/types.hpp"

namespace et::tape {

/// One disk sector, so that rewriting the flags touches nothing else.
constexpr size_t image_header_bytes = 512;
constexpr size_t record_header_bytes = 32;
constexpr uint32_t image_version = 1;

/// What the beginning of an image says about the cartridge.
struct image_header {
  barcode id;
  uint64_t capacity_bytes = 0;  ///< nominal: block data that fits, filemarks not counted
  bool write_protected = false;

  friend bool operator==(const image_header&, const image_header&) = default;
};

/// What lies in front of a record's data.
struct record_header {
  uint64_t number = 0;      ///< block address
  uint32_t data_bytes = 0;  ///< 0: a filemark
  uint32_t data_crc = 0;    ///< CRC32C of the data, 0 for a filemark

  bool is_filemark() const { return data_bytes == 0; }
  friend bool operator==(const record_header&, const record_header&) = default;
};

/// 1 to 16 characters of A-Z 0-9.
bool valid_barcode(const barcode& id);

/// Precondition: a valid barcode.
std::array<uint8_t, image_header_bytes> encode(const image_header& header);

/// Errors: corrupt for anything that encode() does not produce, newer_version.
caf::expected<image_header> decode_image_header(std::span<const uint8_t> data);

std::array<uint8_t, record_header_bytes> encode(const record_header& header);

/// nullopt for anything that encode() does not produce.
std::optional<record_header> decode_record_header(std::span<const uint8_t> data);

}  // namespace et::tape
