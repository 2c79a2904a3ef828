// The virtual library with drives and a changer that fail as the dice decide.
#pragma once

#include "storage/tape/virtual_library.hpp"
#include "tests/simulation/faults.hpp"

namespace et::simulation {

/// `with` and `rates` outlive the library; rates may change.
caf::expected<std::unique_ptr<tape::virtual_library>> open_dicey_library(
    const std::filesystem::path& folder, const tape::virtual_library_options& options, dice& with,
    const faults& rates);

}  // namespace et::simulation
