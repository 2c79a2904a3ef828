// elastictape status: what batches and retrievals are doing, and why they wait.
#pragma once

#include <string>

#include "cli/commands/context.hpp"

namespace et {

struct status_options {
  std::string workspace;
  batch_id batch;  ///< 0: all of the workspace, unless a retrieval is named
  bool json = false;
  bool verbose = false;    ///< every aggregation
  retrieval_id retrieval;  ///< 0: none
  bool wait = false;
};

/// Exit: 0; 1 parameters, not there; 2 not authorised; 3 with `wait`: it failed; 4.
int run_status(const status_options& options, command_context& context);

/// Waits with progress until the batch is safe or has failed and nothing of it is in motion; then
/// prints its status. Exit: 0, 3 when it failed, 4 interrupted, else as run_status().
int wait_for_batch(const status_options& options, service_api& service, command_context& context);

}  // namespace et
