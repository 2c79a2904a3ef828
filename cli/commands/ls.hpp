// et_ls: lists workspaces, batches and files.
#pragma once

#include <string>

#include "cli/commands/context.hpp"

namespace et {

enum class ls_level { workspace, batch, file };
enum class ls_format { text, json, csv };

struct ls_options {
  std::string workspace;  ///< empty at level workspace: all that the user may see
  batch_id batch;         ///< 0: all
  ls_level level = ls_level::batch;
  ls_format format = ls_format::text;
  bool header = false;
  std::string xml_source;  ///< -x: a monitor's address
  std::string caller;      ///< as whom the monitor is asked
  std::string token;       ///< the login there; empty: none
};

/// With `xml_source` the holdings come from a monitor and no service is needed; what its XML lacks
/// is a dash, null or empty. What was received before an error is printed.
/// Exit: 0; 1 parameters, configuration, not there; 2 not authorised; 4 the reader went away.
int run_ls(const ls_options& options, command_context& context);

}  // namespace et
