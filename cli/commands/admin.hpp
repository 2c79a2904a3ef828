// elastictape admin: workspaces, volumes, tokens, the inspector, alerts, the audit.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "cli/commands/context.hpp"

namespace et {

struct admin_workspace_options {
  enum class action { add, set, list, remove } what = action::list;
  std::string name;  ///< with list: empty for all
  std::optional<std::vector<std::string>> roots;
  std::optional<std::vector<std::string>> managers;
  std::optional<uint64_t> quota_bytes;
  bool json = false;
};

struct admin_volume_options {
  std::string id;  ///< whose status is set; empty: all are listed
  volume_status status = volume_status::blank;
  bool json = false;
};

struct admin_token_options {
  enum class action { create, list, revoke } what = action::list;
  std::string user;                     ///< with create; empty: one's own
  std::string label;                    ///< with create
  std::string workspace;                ///< with create; the only one; empty: all of the user
  int64_t lifetime_s = 90 * 24 * 3600;  ///< with create; 0: for ever
  uint64_t id = 0;                      ///< with revoke
  bool json = false;
};

struct admin_inspect_options {
  bool json = false;
};

struct admin_alerts_options {
  uint64_t after = 0;
  bool json = false;
};

struct admin_cluster_options {
  enum class action { init, token, status, promote } what = action::status;
  std::string name;         ///< with init: of the head's node; empty: as configured, or the host's
  std::string config_file;  ///< with init and token: the head's; empty: none
  std::string state;        ///< with init and token; empty: as configured, or the default
  std::string default_state;  ///< absolute
  int64_t lifetime_s = 3600;  ///< with token
  bool force = false;         ///< with promote
  bool json = false;
};

struct admin_audit_options {
  uint64_t after = 0;
  std::string user;  ///< only of this one; empty: of all
  bool json = false;
};

/// Exit of all: 0; 1 parameters, not there, already there; 2 not authorised; 4 the reader went
/// away.
int run_admin_workspace(const admin_workspace_options& options, command_context& context);
int run_admin_volume(const admin_volume_options& options, command_context& context);
int run_admin_token(const admin_token_options& options, command_context& context);
int run_admin_inspect(const admin_inspect_options& options, command_context& context);
int run_admin_cluster(const admin_cluster_options& options, command_context& context);
int run_admin_alerts(const admin_alerts_options& options, command_context& context);
int run_admin_audit(const admin_audit_options& options, command_context& context);

/// A report as a block of lines, or as one JSON object.
void append_report(std::string& text, const report& one, bool json);

/// The name of the node with this state folder, which need not exist. Error: io_error.
caf::expected<std::string> node_name_of(const std::filesystem::path& state,
                                        const std::string& configured);

}  // namespace et
