// The log of the service.
#pragma once

#include <caf/error.hpp>
#include <filesystem>

#include "cli/service_config.hpp"

namespace et {

/// The log goes to standard error, and to a file that is changed at a size, in `state` where the
/// configuration names none; errors are given to the alerts (error_alerts). Error: io_error.
caf::error open_log(const service_config& config, const std::filesystem::path& state);

}  // namespace et
