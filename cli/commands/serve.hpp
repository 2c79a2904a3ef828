// elastictape serve: runs a node in the foreground.
#pragma once

#include <string>

namespace et {

struct serve_options {
  std::string config_file;  ///< empty: the embedded default
  /// --state; else [service] state when the configuration has it, else `default_state`.
  std::string state;
  std::string default_state;  ///< absolute: ELASTICTAPE_STATE or the folder of this kind of user
  std::string listen;         ///< empty: as configured
  std::string http;           ///< HOST:PORT or `off`; empty: as configured
  std::string join;           ///< HOST:PORT of a head; empty: no certificate is asked for
  std::string token;          ///< with join
  bool rejoin_as_standby = false;  ///< a former head becomes the standby of the new one
};

/// Serves until SIGTERM or SIGINT; then exit code 0. 1 for a configuration that cannot be used; 3
/// when another node has become the head (fenced_exit_code).
int run_serve(const serve_options& options);

}  // namespace et
