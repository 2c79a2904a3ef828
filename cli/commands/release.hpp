// elastictape release: deletes the user's source files of a batch that is safe.
#pragma once

#include <string>

#include "cli/commands/context.hpp"

namespace et {

struct release_options {
  std::string workspace;
  batch_id batch;
  bool dry_run = false;  ///< only print what would be removed
  bool json = false;     ///< the summary as JSON
};

/// Removes source files of the batch that are safe and still what was stored, as the user
/// (source_remover). Refuses unless the batch is safe; one with failed files counts as safe when
/// each of them is safe in another batch, and they are left alone. With `dry_run` the paths go to
/// standard output; files that are kept and the summary go to standard error. Exit: 0; 1
/// parameters, not there; 2 not authorised; 3 the batch is not safe; 4 interrupted; 5 done, but
/// some files were kept.
int run_release(const release_options& options, command_context& context);

}  // namespace et
