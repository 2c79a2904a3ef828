// et_rm: removes a batch.
#pragma once

#include <string>

#include "cli/commands/context.hpp"

namespace et {

struct rm_options {
  std::string workspace;
  batch_id batch;
};

/// Exit: 0; 1 parameters, no such batch, no service; 2 not authorised.
int run_rm(const rm_options& options, command_context& context);

}  // namespace et
