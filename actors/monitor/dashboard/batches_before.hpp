// The batches of a workspace from the newest on; the catalogue lists them from the oldest.
#pragma once

#include <vector>

#include "storage/catalogue/store.hpp"

namespace et::monitor {

/// Committed batches of a workspace with an id below `before` (UINT64_MAX: the newest), newest
/// first, at most `limit`. Looks at about as many batches as it gives, however many there are.
caf::expected<std::vector<batch_record>> batches_before(catalogue_view& view,
                                                        workspace_id workspace, batch_id before,
                                                        size_t limit);

}  // namespace et::monitor
