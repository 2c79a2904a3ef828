// Strong types for what must not be mixed up: ids, barcodes, block addresses, states.
#pragma once

#include <caf/meta/type_name.hpp>
#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace et {

/// A value of `Rep` that only converts to itself. `Tag` keeps two of them apart.
template <class Tag, class Rep>
struct strong {
  Rep value{};

  strong() = default;
  explicit strong(Rep rep) : value(std::move(rep)) {}
  friend auto operator<=>(const strong&, const strong&) = default;
  friend bool operator==(const strong&, const strong&) = default;

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, strong& x) {
    return f(x.value);
  }
};

/// Number of a batch: the user's ticket. Starts at 1, never used twice; 0 is "none".
using batch_id = strong<struct batch_tag, uint64_t>;
/// Number of a workspace in the catalogue's keys. Starts at 1.
using workspace_id = strong<struct workspace_tag, uint32_t>;
/// Number of a retrieval. Starts at 1.
using retrieval_id = strong<struct retrieval_tag, uint64_t>;
/// A cartridge's barcode, 1 to 16 characters of A-Z 0-9; the name of a volume.
using barcode = strong<struct barcode_tag, std::string>;
/// Number of a block or filemark on a volume, from 0 at the beginning of the tape.
using block_address = strong<struct block_tag, uint64_t>;

/// Bytes as they travel in messages and lie in buffers.
using bytes = std::vector<uint8_t>;

/// One aggregation: the batch it belongs to and its number there, from 1.
/// Written `BATCH.NUMBER` to people and in tape labels.
struct aggregation_id {
  batch_id batch;
  uint32_t number = 0;

  friend auto operator<=>(const aggregation_id&, const aggregation_id&) = default;

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, aggregation_id& x) {
    return f(caf::meta::type_name("aggregation_id"), x.batch, x.number);
  }
};

std::string to_string(const aggregation_id& id);

/// States of an aggregation, and of a batch as the least advanced of its aggregations (design 2).
/// Stored and sent as numbers: append only.
enum class state : uint8_t {
  registered = 1,     ///< in the catalogue
  cached = 2,         ///< in the disk cache, fsynced
  cached_synced = 3,  ///< safe: every copy behind a flushed filemark and recorded; still cached
  synced = 4,         ///< safe, on tape only
  failed = 5,         ///< not everything could be archived
};

/// `REGISTERED`, `CACHED`, `CACHED_SYNCED`, `SYNCED`, `FAILED`.
const char* to_string(state s);

/// XXH3, 128 bits, of a file's bytes; stored big-endian (the canonical form).
struct file_checksum {
  uint64_t high = 0;
  uint64_t low = 0;

  friend auto operator<=>(const file_checksum&, const file_checksum&) = default;

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, file_checksum& x) {
    return f(x.high, x.low);
  }
};

/// 32 hexadecimal digits.
std::string to_string(const file_checksum& sum);

/// Checksums of a whole aggregation as it lies in the cache and on tape.
struct aggregation_checksum {
  uint32_t adler32 = 1;
  uint32_t crc32c = 0;

  friend bool operator==(const aggregation_checksum&, const aggregation_checksum&) = default;

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, aggregation_checksum& x) {
    return f(x.adler32, x.crc32c);
  }
};

/// Block size on tape unless configured otherwise, and the unit an aggregation is padded to.
constexpr uint32_t default_block_bytes = 256 * 1024;

}  // namespace et
