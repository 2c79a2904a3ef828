// elastictape cancel: gives up a batch that is not safe yet, or ends a retrieval.
#pragma once

#include <string>

#include "cli/commands/context.hpp"

namespace et {

struct cancel_options {
  std::string workspace;
  batch_id batch;  ///< exactly one of the two is not 0
  retrieval_id retrieval;
};

/// Exit: 0; 1 parameters, not there, nothing in motion; 2 not authorised.
int run_cancel(const cancel_options& options, command_context& context);

}  // namespace et
