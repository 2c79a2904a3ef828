// Which server, workspace and state folder a command means: options, environment, et_config files.
#pragma once

#include <optional>
#include <string>

#include "cli/remote_client.hpp"
#include "storage/error.hpp"

namespace et {

/// What commands take from their surroundings, so that tests can give other surroundings.
struct environment {
  std::string home;  ///< of the user; empty when there is none
  bool root = false;
  std::optional<std::string> server;         ///< ELASTICTAPE_SERVER
  std::optional<std::string> state;          ///< ELASTICTAPE_STATE
  std::optional<std::string> system_config;  ///< ELASTICTAPE_SYSTEM_CONFIG
  std::optional<std::string> token_file;     ///< ELASTICTAPE_TOKEN_FILE
  std::optional<std::string> ca;             ///< ELASTICTAPE_CA

  /// Of this process. Variables that are set but empty count as not set.
  static environment of_process();
};

/// The settings of one et_config file, or of several laid over each other. Empty: not set.
struct user_config {
  std::string host;          ///< [Server] Host
  std::string port;          ///< [Server] Port
  std::string workspace;     ///< [Batch] Workspace
  std::string output_level;  ///< [DIRECTORY] outputLevel: workspace, batch or file
  std::string token_file;    ///< [Server] TokenFile, or token_file
  std::string ca;            ///< [Server] CA
  std::string fingerprint;   ///< [Server] Fingerprint
  std::string munge;         ///< [Server] Munge: yes or no
  std::string munge_socket;  ///< [Server] MungeSocket; empty: the usual one
};

/// Reads one file; names of sections and keys in any case, unknown ones are skipped. A file that
/// does not exist sets nothing. Errors: io_error (cannot be read), invalid_argument (names file and
/// line).
caf::expected<user_config> read_user_config(const std::string& path);

/// The user's `~/.et_config` laid over the system's file, setting by setting.
caf::expected<user_config> load_user_config(const environment& env);

/// `--state`, else ELASTICTAPE_STATE, else the folder of this kind of user.
/// Error: invalid_argument when nothing tells (no home).
caf::expected<std::string> resolve_state(const std::string& option, const environment& env);

/// Where the service of a state folder listens. Errors: io_error, invalid_argument.
caf::expected<std::string> embedded_address(const std::string& state);

/// `--server`, else ELASTICTAPE_SERVER, else the configured one, else the embedded service on
/// `state_option`'s state folder: the address that its file `address` holds, or the socket
/// `elastictape.sock`. Error: invalid_argument for an address that is neither `unix:/PATH` nor
/// `HOST:PORT`.
caf::expected<std::string> resolve_server(const std::string& option,
                                          const std::string& state_option, const environment& env,
                                          const user_config& config);

/// How to reach a service at HOST:PORT: by what it is known, and who we are: the token in the
/// file that is named as for resolve_token(), else MUNGE where that is configured. Errors are those
/// of resolve_token().
caf::expected<client_options> resolve_remote(const environment& env, const user_config& config);

/// The token in the file that ELASTICTAPE_TOKEN_FILE names, else the configured one;
/// empty when neither does. Errors: not_found, io_error; invalid_argument for a file that is not
/// the user's own or that others can read, or that holds no token.
caf::expected<std::string> resolve_token(const environment& env, const user_config& config);

/// `-w`, else the configured one. Error: invalid_argument; it says where to set it.
caf::expected<std::string> resolve_workspace(const std::string& option, const environment& env,
                                             const user_config& config);

}  // namespace et
