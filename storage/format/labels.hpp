// The labels of a volume: blocks of exactly 80 ASCII characters as in ANSI X3.27 (ECMA-13), level
// 3, with user labels for what does not fit. docs/tape-format.md has the table of every field.
//
//   VOL1 { HDR1 HDR2 UHL1 FM data... FM EOF1 EOF2 UTL1 FM }      (FM: filemark)
//
// Parsing is strict: a character where none belongs, a number that is not all digits, a constant
// that differs is errc::corrupt, and the text names label and field. Encoding fails with
// invalid_argument for a value that does not fit.
#pragma once

#include <array>
#include <caf/expected.hpp>
#include <cstdint>
#include <span>
#include <string>

#include "storage/error.hpp"
#include "storage/types.hpp"

namespace et {

constexpr size_t label_bytes = 80;
using label = std::array<uint8_t, label_bytes>;

/// Block count and file sequence number in the standard labels are these remainders; the user
/// labels have the whole numbers.
constexpr uint64_t standard_block_count_limit = 1'000'000;
constexpr uint64_t standard_sequence_limit = 10'000;

/// VOL1: whose cartridge this is. The volume identifier holds the barcode's first 6 characters, the
/// owner identifier the rest.
struct volume_label {
  barcode volume;

  friend bool operator==(const volume_label&, const volume_label&) = default;
};

/// HDR1 before an aggregation, EOF1 behind it.
struct file_label {
  aggregation_id aggregation;
  std::string file_set;      ///< volume identifier of the volume: the barcode's first 6 characters
  uint32_t sequence = 0;     ///< number of the aggregation on the volume, modulo 10,000
  int64_t written_day = 0;   ///< days since 1970-01-01 UTC
  uint32_t block_count = 0;  ///< 0 in HDR1; in EOF1 the data blocks, modulo 1,000,000

  friend bool operator==(const file_label&, const file_label&) = default;
};

/// UHL1 before an aggregation: what a reader needs to find the labels behind it.
struct user_header_label {
  uint64_t sequence = 0;  ///< number of the aggregation on the volume, from 1
  uint32_t block_bytes = 0;
  uint64_t blocks = 0;
  uint64_t size_bytes = 0;
  int64_t written_s = 0;  ///< seconds since 1970

  friend bool operator==(const user_header_label&, const user_header_label&) = default;
};

/// UTL1 behind an aggregation: what was written, with its checksums.
struct user_trailer_label {
  uint64_t sequence = 0;
  uint64_t blocks = 0;
  uint64_t size_bytes = 0;
  aggregation_checksum checksum;

  friend bool operator==(const user_trailer_label&, const user_trailer_label&) = default;
};

/// Which of two labels of the same shape.
enum class label_side : uint8_t { header, trailer };

caf::expected<label> encode(const volume_label& value);
caf::expected<label> encode(const file_label& value, label_side side);
caf::expected<label> encode(const user_header_label& value);
caf::expected<label> encode(const user_trailer_label& value);
/// HDR2 and EOF2 say the same for every aggregation: fixed blocks, their size in UHL1.
label encode_format_label(label_side side);

caf::expected<volume_label> parse_volume_label(std::span<const uint8_t> block);
caf::expected<file_label> parse_file_label(std::span<const uint8_t> block, label_side side);
caf::error parse_format_label(std::span<const uint8_t> block, label_side side);
caf::expected<user_header_label> parse_user_header_label(std::span<const uint8_t> block);
caf::expected<user_trailer_label> parse_user_trailer_label(std::span<const uint8_t> block);

/// The 6 characters of `volume` in VOL1, HDR1, EOF1: its first 6, filled up with spaces.
std::string volume_identifier(const barcode& volume);

/// True for 1 to 16 characters of A-Z 0-9.
bool is_barcode(const std::string& text);

}  // namespace et
