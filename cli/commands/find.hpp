// elastictape find: the files of all batches of a workspace whose original path matches a glob.
#pragma once

#include <string>

#include "cli/commands/ls.hpp"

namespace et {

struct find_options {
  std::string workspace;
  std::string pattern;
  batch_id batch;  ///< 0: all of the workspace
  ls_format format = ls_format::text;
  bool header = false;
};

/// What the service is asked for: a pattern that begins neither with `/` nor with `*` means a name
/// in any folder.
std::string pattern_for_paths(const std::string& pattern);

/// Prints lines as `et_ls -L file` does, by batch and path. Finding nothing is no error. Exit: 0; 1
/// parameters, malformed pattern; 2 not authorised; 4 the reader went away.
int run_find(const find_options& options, command_context& context);

}  // namespace et
