// `/batch/ID/files`.
#pragma once

#include "actors/monitor/answer.hpp"

namespace et::monitor {

/// What is typed into the search box as a pattern of the catalogue: a glob as it is, anything else
/// wherever it stands in a path.
std::string pattern_for(const std::string& search);

/// A page of the files of a batch that the viewer may see. Parameters: dashboard_pages.hpp.
caf::expected<answer> dashboard_files(const page_context& context, const query& asked,
                                      const batch_record& batch);

}  // namespace et::monitor
