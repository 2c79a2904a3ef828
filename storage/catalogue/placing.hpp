// Matches what a cache writer found with the registered files of an aggregation.
#pragma once

#include "storage/catalogue/database.hpp"
#include "storage/catalogue/store.hpp"

namespace et {

struct placement_result {
  uint64_t failures = 0;          ///< failed files of the aggregation, earlier ones included
  uint64_t new_failures = 0;      ///< those that this call added
  uint64_t new_failed_bytes = 0;  ///< their registered sizes
  file_failure first;             ///< the first of them in path order
};

/// Adds the placement and the failures of `cached` to `changes`. What failed in an earlier attempt
/// stays failed: it has been announced, and may be in another batch by now. When every file failed,
/// no placement is kept. Error: invalid_argument when `cached` does not fit the aggregation's
/// files.
caf::expected<placement_result> place_files(const database& db, change_set& changes,
                                            const aggregation_record& aggregation,
                                            const cached_aggregation& cached);

/// The error for a cached aggregation that does not fit the catalogue's.
caf::error cached_mismatch(aggregation_id id, const std::string& why);

}  // namespace et
