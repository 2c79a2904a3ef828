// Where the records of a cartridge image lie: runs of equal records instead of one entry each, as
// nearly all blocks of a volume have one size.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "storage/tape/virtual_format.hpp"

namespace et::tape {

/// One record's place in the image.
struct record_place {
  uint64_t offset = 0;      ///< of its header
  uint32_t data_bytes = 0;  ///< 0: a filemark

  friend bool operator==(const record_place&, const record_place&) = default;
};

/// Records numbered from 0 without gaps, one behind the other from the end of the image header on.
/// A look-up is logarithmic in the number of runs, appending is constant. Not thread safe.
class record_index {
 public:
  /// Adds `count` records of `data_bytes` each (0: filemarks) at the end.
  void append(uint32_t data_bytes, uint64_t count = 1);

  /// Forgets record `number` and all behind it; nothing happens when there is none.
  void truncate(uint64_t number);

  /// nullopt when record `number` does not exist.
  std::optional<record_place> find(uint64_t number) const;

  /// Sum of the data of the records in front of `number`; at most records() of them.
  uint64_t data_bytes_before(uint64_t number) const;

  /// How many there are: also the number of the next one.
  uint64_t records() const;
  /// Where the next record's header goes.
  uint64_t end_offset() const;
  /// Memory used is proportional to this.
  size_t runs() const { return runs_.size(); }

 private:
  struct run {
    uint64_t first = 0;
    uint64_t count = 0;
    uint64_t offset = 0;
    uint64_t data_bytes_before = 0;
    uint32_t data_bytes = 0;

    uint64_t stride() const { return record_header_bytes + data_bytes; }
  };

  /// The run that holds `number`; nullptr behind the end.
  const run* run_of(uint64_t number) const;

  std::vector<run> runs_;
};

}  // namespace et::tape
