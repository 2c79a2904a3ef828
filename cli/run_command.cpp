#include <unistd.h>

#include "cli/command.hpp"
#include "cli/interrupt.hpp"
#include "cli/monitor_url.hpp"
#include "cli/renewing_service.hpp"
#include "storage/os/users.hpp"

namespace et {

namespace {

// What needs neither a service nor a configuration.
std::optional<int> run_alone(command_line& line, const environment& env, command_context& context) {
  if (line.what == command::export_image) return run_export(line.exporting, context);
  if (line.what == command::manual) return run_manual(line.manual, context);
  if (line.what == command::documents) return run_documents(line.documents, context);
  if (line.what == command::completion) return run_completion(line.completion, context);
  if (line.what == command::complete) return run_complete(line.complete, env, context);
  if (line.what != command::serve) return std::nullopt;
  auto state = resolve_state(line.serve.state, env);
  if (!state) return end_with(context, state.error());
  if (!line.serve.state.empty()) line.serve.state = *state;
  line.serve.default_state = *state;
  return run_serve(line.serve);
}

bool needs_workspace(const command_line& line) {
  switch (line.what) {
    case command::put:
    case command::get:
    case command::rm:
    case command::status:
    case command::find:
    case command::cancel:
    case command::retry:
    case command::release:
      return true;
    case command::ls:
      return line.ls.level != ls_level::workspace && !names_workspace(line.ls.xml_source);
    default:
      return false;
  }
}

caf::error settle_workspace(command_line& line, const environment& env, const user_config& config) {
  if (line.what == command::ls) {
    std::string level = !line.level.empty() ? line.level : config.output_level;
    if (level == "file") line.ls.level = ls_level::file;
    if (level == "workspace") line.ls.level = ls_level::workspace;
  }
  // What stands in a monitor's address comes before the configuration.
  if (line.what == command::ls && line.workspace.empty() && names_workspace(line.ls.xml_source)) {
    return caf::none;
  }
  auto workspace = resolve_workspace(line.workspace, env, config);
  if (!workspace && needs_workspace(line)) return workspace.error();
  line.workspace = workspace ? *workspace : std::string{};
  return caf::none;
}

int run_connected(command_line& line, command_context& context) {
  switch (line.what) {
    case command::put:
    case command::retry:
      line.put.workspace = line.workspace;
      return run_put(line.put, context);
    case command::get:
      line.get.workspace = line.workspace;
      return run_get(line.get, context);
    case command::rm:
      line.rm.workspace = line.workspace;
      return run_rm(line.rm, context);
    case command::ls:
      line.ls.workspace = line.workspace;
      return run_ls(line.ls, context);
    case command::status:
      line.status.workspace = line.workspace;
      line.status.verbose = line.verbose;
      return run_status(line.status, context);
    case command::find:
      line.find.workspace = line.workspace;
      return run_find(line.find, context);
    case command::cancel:
      line.cancel.workspace = line.workspace;
      return run_cancel(line.cancel, context);
    case command::release:
      line.release.workspace = line.workspace;
      return run_release(line.release, context);
    case command::admin_workspace:
      return run_admin_workspace(line.workspaces, context);
    case command::admin_volume:
      return run_admin_volume(line.volumes, context);
    case command::admin_token:
      return run_admin_token(line.tokens, context);
    case command::admin_cluster:
      return run_admin_cluster(line.cluster, context);
    case command::admin_inspect:
      return run_admin_inspect(line.inspect, context);
    case command::admin_alerts:
      return run_admin_alerts(line.alerts, context);
    case command::admin_audit:
      return run_admin_audit(line.audit, context);
    default:
      return exit_parameters;
  }
}

/// On the head's machine, whether it runs or not.
bool needs_no_service(const command_line& line) {
  return line.what == command::admin_cluster &&
         (line.cluster.what == admin_cluster_options::action::init ||
          line.cluster.what == admin_cluster_options::action::token);
}

int run_parsed(command_line& line, const environment& env, command_context& context) {
  if (needs_no_service(line)) {
    auto state = resolve_state(line.cluster.state, env);
    if (!state) return end_with(context, state.error());
    line.cluster.default_state = *state;
    context.connect_to_state =
        [](const std::string& of) -> caf::expected<std::unique_ptr<service_api>> {
      auto address = embedded_address(of);
      if (!address) return address.error();
      return connect_service(*address);
    };
    return run_admin_cluster(line.cluster, context);
  }
  if (auto code = run_alone(line, env, context)) return *code;
  auto config = load_user_config(env);
  if (!config) return end_with(context, config.error());
  if (auto error = settle_workspace(line, env, *config)) return end_with(context, error);
  if (line.what == command::ls && !line.ls.xml_source.empty()) {
    line.ls.workspace = line.workspace;
    line.ls.caller = user_name(geteuid());
    auto token = resolve_token(env, *config);
    if (!token) return end_with(context, token.error());
    line.ls.token = std::move(*token);
    return run_ls(line.ls, context);
  }
  auto server = resolve_server(line.server, line.state, env, *config);
  if (!server) return end_with(context, server.error());
  client_options options;
  if (!server->starts_with("unix:")) {
    auto remote = resolve_remote(env, *config);
    if (!remote) return end_with(context, remote.error());
    options = std::move(*remote);
  }
  auto connect = [&] { return connect_service(*server, options); };
  renewal_options renewal;
  renewal.wait = std::chrono::seconds{line.reconnect_seconds};
  renewal.stopped = &interrupt_caught;
  context.connect = [&]() -> caf::expected<std::unique_ptr<service_api>> {
    auto first = connect();
    if (!first) return first;
    return make_renewing(connect, std::move(*first), context.report, renewal);
  };
  return run_connected(line, context);
}

}  // namespace

int run_command(command_line& line, const environment& env) {
  output out{STDOUT_FILENO};
  reporter report{line.program, STDERR_FILENO, line.verbose};
  command_context context{out, report, {}, &catch_interrupt};
  context.program = line.program;
  context.arguments = line.arguments;
  context.stopped = &interrupt_caught;
  if (line.what == command::none) {
    out.write(line.out_text);
    [[maybe_unused]] auto ignored =
        write_all(STDERR_FILENO, line.err_text.data(), line.err_text.size());
    return finish_output(context, line.exit_code);
  }
  if (!line.log_file.empty()) {
    if (auto error = report.open_log(line.log_file)) return end_with(context, error);
    report.log_begin(line.arguments);
  }
  int code = run_parsed(line, env, context);
  report.log_end(code);
  return code;
}

}  // namespace et
