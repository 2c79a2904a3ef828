// elastictape export: brings data back from a cartridge image without any service.
#pragma once

#include <string>

#include "cli/commands/context.hpp"

namespace et {

struct export_options {
  std::string image;
  std::string aggregation;  ///< BATCH.NUMBER or the sequence number on tape; empty: list
  bool json = false;        ///< of the list
};

/// Lists the aggregations of a cartridge image, or writes the tar of one to standard output.
/// Exit: 0; 1 cannot be read, not there, damaged; 4 the reader went away.
int run_export(const export_options& options, command_context& context);

}  // namespace et
