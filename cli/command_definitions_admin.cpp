#include <limits>

#include "cli/command_definitions.hpp"
#include "cli/command_options.hpp"
#include "cli/service_config.hpp"

namespace et {

namespace {

void define_workspace(CLI::App& app, command_line& line, admin_workspace_options::action action) {
  using what = admin_workspace_options::action;
  auto& options = line.workspaces;
  bool is_new = action == what::add;
  auto* name = text(app, is_new ? "NAME" : "WORKSPACE", options.name,
                    is_new                 ? "of the new workspace"
                    : action == what::list ? "only this one; default: all"
                                           : "which workspace",
                    "");
  if (action != what::list) name->required();
  if (action == what::add || action == what::set) {
    auto many = [&](const char* names, std::optional<std::vector<std::string>>& values,
                    const char* help, const char* word) {
      CLI::callback_t take = [&values](const CLI::results_t& words) {
        values = words;
        return true;
      };
      return app.add_option(names, take, help)->type_name(word)->expected(1, 1 << 20);
    };
    auto* roots = many("--root", options.roots, "folders whose files may be put", "DIR...");
    many("--manager", options.managers, "users who manage it", "USER...");
    CLI::callback_t take_quota = [&options](const CLI::results_t& words) {
      auto size = parse_size(words.back());
      if (size) options.quota_bytes = *size;
      return static_cast<bool>(size);
    };
    auto* quota = last(app.add_option("--quota", take_quota, "quota, as in 10T"));
    quota->type_name("SIZE");
    if (action == what::add) {
      roots->required();
      quota->required();
    }
  }
  if (action != what::remove) flag(app, "--json", options.json, "as JSON");
  server_options(app, line);
  app.final_callback([&line, action] {
    line.workspaces.what = action;
    line.what = command::admin_workspace;
  });
}

void define_volume(CLI::App& app, command_line& line, bool set) {
  auto& options = line.volumes;
  if (set) {
    text(app, "BARCODE", options.id, "which volume", "")->required();
    CLI::callback_t take = [&options](const CLI::results_t& words) {
      for (auto status : {volume_status::blank, volume_status::appendable, volume_status::full,
                          volume_status::suspect, volume_status::quarantined}) {
        if (words.back() != to_string(status)) continue;
        options.status = status;
        return true;
      }
      return false;
    };
    last(app.add_option("--status", take,
                        "blank, appendable, full, suspect (read but not written) or quarantined "
                        "(not mounted)"))
        ->type_name("STATUS")
        ->required();
  }
  flag(app, "--json", options.json, "one JSON object a line");
  server_options(app, line);
  app.final_callback([&line] { line.what = command::admin_volume; });
}

}  // namespace

void define_admin(CLI::App& app, command_line& line) {
  using what = admin_workspace_options::action;
  app.require_subcommand(1);
  auto* workspace = app.add_subcommand("workspace", "workspaces: add, set, list, remove");
  workspace->require_subcommand(1);
  define_workspace(*workspace->add_subcommand("add", "add a workspace"), line, what::add);
  define_workspace(*workspace->add_subcommand("set", "change what is named"), line, what::set);
  define_workspace(*workspace->add_subcommand("list", "list workspaces"), line, what::list);
  define_workspace(*workspace->add_subcommand("remove", "remove an empty workspace"), line,
                   what::remove);
  auto* volume = app.add_subcommand("volume", "volumes: list, set");
  volume->require_subcommand(1);
  define_volume(*volume->add_subcommand("list", "list volumes"), line, false);
  define_volume(*volume->add_subcommand("set", "set what a volume is used for"), line, true);
  auto* inspect = app.add_subcommand("inspect", "what every part of the service does now");
  flag(*inspect, "--json", line.inspect.json, "one JSON object a line");
  server_options(*inspect, line);
  inspect->final_callback([&line] { line.what = command::admin_inspect; });
  auto* alerts = app.add_subcommand("alerts", "what managers and operators were told");
  number(
      *alerts, "--after", [&line](uint64_t n) { line.alerts.after = n; }, 0,
      std::numeric_limits<uint64_t>::max(), "only those with a higher number", "NUMBER");
  flag(*alerts, "--json", line.alerts.json, "one JSON object a line");
  server_options(*alerts, line);
  alerts->final_callback([&line] { line.what = command::admin_alerts; });
}

}  // namespace et
