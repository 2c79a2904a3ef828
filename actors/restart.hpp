// What a start does with what the last run left.
#pragma once

#include <vector>

#include "actors/cache_keeper.hpp"
#include "storage/cache/cache_store.hpp"
#include "storage/catalogue/store.hpp"

namespace et {

/// Makes the cache folder and the catalogue agree, and says in the log what it did:
///  - temporaries and part recalls are deleted;
///  - a CACHED aggregation whose file is gone or has another size becomes REGISTERED again;
///  - a CACHED_SYNCED one whose file is gone becomes SYNCED: it is on tape;
///  - a file that no aggregation in those states owns is deleted.
/// Returns the files that stay. Runs before any actor; may be repeated after a crash.
caf::expected<std::vector<kept_file>> reconcile_cache(catalogue_store& store, cache_store& cache,
                                                      const std::string& node);

}  // namespace et
