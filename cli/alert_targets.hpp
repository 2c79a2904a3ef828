// From the configuration's [[alert.mail]] and [[alert.webhook]] to what the service delivers to.
#pragma once

#include <vector>

#include "actors/alert_delivery.hpp"
#include "cli/service_config.hpp"

namespace et {

/// Reads the files with secrets. Errors: those of reading; not_authorised when others than its
/// owner may read or write one; invalid_argument when it is empty. Each names the file.
caf::expected<std::vector<alert_target>> alert_targets(const service_config& config);

}  // namespace et
