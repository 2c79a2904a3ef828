// elastictape complete: what may stand at the cursor, asked by the scripts that `elastictape
// completion` prints.
#pragma once

#include <string>
#include <vector>

#include "cli/commands/context.hpp"
#include "cli/user_config.hpp"

namespace et {

struct complete_options {
  size_t current = 0;  ///< index of the word at the cursor
  std::vector<std::string> words;
};

struct completion_options {
  std::string shell;  ///< bash or zsh
};

/// Prints a line that says what is wanted: `words`, `files` or `folders`. After `words`, a line for
/// each: the word, or the word, a tab and something about it. Workspaces and batches come from the
/// service, if it answers soon. Says nothing else, ever; exit 0.
int run_complete(const complete_options& options, const environment& env, command_context& context);

/// The same with a service at hand: `connect` is called if one is needed, with the options
/// --server and --state of the line being completed.
using service_connector = std::function<caf::expected<std::unique_ptr<service_api>>(
    const std::string& server, const std::string& state)>;
void write_completion(const complete_options& options, const std::string& default_workspace,
                      const service_connector& connect, output& out);

/// Prints the script that a shell sources. Exit: 0; 4.
int run_completion(const completion_options& options, command_context& context);

}  // namespace et
