// The command line: what may stand there, as data; parsing apart from running.
#pragma once

#include <string>
#include <vector>

#include "cli/commands/admin.hpp"
#include "cli/commands/cancel.hpp"
#include "cli/commands/complete.hpp"
#include "cli/commands/documents.hpp"
#include "cli/commands/export.hpp"
#include "cli/commands/find.hpp"
#include "cli/commands/get.hpp"
#include "cli/commands/ls.hpp"
#include "cli/commands/put.hpp"
#include "cli/commands/release.hpp"
#include "cli/commands/rm.hpp"
#include "cli/commands/serve.hpp"
#include "cli/commands/status.hpp"
#include "cli/user_config.hpp"

namespace et {

enum class command {
  none,  ///< only something to print
  serve,
  put,
  get,
  rm,
  ls,
  status,
  find,
  cancel,
  retry,
  release,
  admin_workspace,
  admin_volume,
  admin_token,
  admin_cluster,
  admin_inspect,
  admin_alerts,
  admin_audit,
  export_image,
  manual,
  documents,
  completion,
  complete,
};

/// A parsed command line. The options of `what` are filled in as far as the line says; workspace
/// and level are settled by run_command(), with the configuration.
struct command_line {
  command what = command::none;
  std::string program;                 ///< stands before messages: `et_put`, `elastictape status`
  std::vector<std::string> arguments;  ///< what was called, for the log

  // With command::none:
  int exit_code = 0;
  std::string out_text;
  std::string err_text;

  std::string server;
  std::string state;
  std::string workspace;
  std::string log_file;
  std::string level;  ///< -L
  bool verbose = false;
  uint64_t reconnect_seconds = 60;  ///< --reconnect

  serve_options serve;
  put_options put;
  get_options get;
  rm_options rm;
  ls_options ls;
  status_options status;
  find_options find;
  cancel_options cancel;
  release_options release;
  admin_workspace_options workspaces;
  admin_volume_options volumes;
  admin_token_options tokens;
  admin_cluster_options cluster;
  admin_inspect_options inspect;
  admin_alerts_options alerts;
  admin_audit_options audit;
  export_options exporting;
  manual_options manual;
  documents_options documents;
  completion_options completion;
  complete_options complete;
};

/// Parses what a process was started with; `arguments[0]` is the program's name, which may be one
/// of the eight that stand for a subcommand. Usage errors give exit code 1 and usage for stderr.
command_line parse_command_line(const std::vector<std::string>& arguments);

/// Runs it with the process's standard descriptors and returns the exit code.
int run_command(command_line& line, const environment& env);

}  // namespace et
