// The two checksums of the archive, streaming: XXH3-128 of a file's content, adler32 together with
// CRC32C of a whole aggregation.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "storage/types.hpp"

namespace et {

/// The checksum of content that is in memory as a whole.
file_checksum hash_file_content(std::span<const uint8_t> content);

/// The same for content that arrives in pieces; the cut does not matter.
class file_hasher {
 public:
  file_hasher();
  ~file_hasher();
  file_hasher(file_hasher&&) noexcept;
  file_hasher& operator=(file_hasher&&) noexcept;

  /// Starts anew, for the next file.
  void reset();
  void update(std::span<const uint8_t> data);
  /// Of all bytes since construction or reset(); may be asked at any time.
  file_checksum checksum() const;

 private:
  struct state_deleter {
    void operator()(void* state) const;
  };
  std::unique_ptr<void, state_deleter> state_;
};

/// Checksums of an aggregation. The cut into pieces does not matter; big pieces are faster.
class aggregation_hasher {
 public:
  void update(std::span<const uint8_t> data);
  aggregation_checksum checksum() const { return sum_; }

 private:
  aggregation_checksum sum_;
};

}  // namespace et
