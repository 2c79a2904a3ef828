#include <charconv>
#include <limits>
#include <optional>

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
      for (auto status : volume_statuses) {
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

/// `90d`, `12h`, `never`; nothing: not a time.
std::optional<int64_t> parse_lifetime_s(const std::string& words) {
  if (words == "never") return 0;
  int64_t count = 0;
  auto [end, error] = std::from_chars(words.data(), words.data() + words.size(), count);
  constexpr int64_t hour_s = 3600;
  constexpr int64_t most = 100'000;
  if (error != std::errc{} || count < 1 || count > most || end + 1 != words.data() + words.size())
    return std::nullopt;
  if (*end == 'h') return count * hour_s;
  if (*end == 'd') return count * 24 * hour_s;
  return std::nullopt;
}

void define_token(CLI::App& app, command_line& line, admin_token_options::action action) {
  using what = admin_token_options::action;
  auto& options = line.tokens;
  if (action == what::create) {
    text(app, "--user", options.user, "for whom; default: oneself", "USER");
    text(app, "--workspace", options.workspace,
         "the only one that it is good for; default: all of the user", "WORKSPACE");
    text(app, "--label", options.label, "what it is for", "TEXT");
    CLI::callback_t take = [&options](const CLI::results_t& words) {
      auto lifetime = parse_lifetime_s(words.back());
      if (lifetime) options.lifetime_s = *lifetime;
      return lifetime.has_value();
    };
    last(app.add_option("--expires", take,
                        "after how many days or hours, as in 90d (the default) "
                        "or 12h, or 'never'"))
        ->type_name("TIME");
  }
  if (action == what::revoke)
    number(
        app, "ID", [&options](uint64_t n) { options.id = n; }, 1,
        std::numeric_limits<uint64_t>::max(), "which token", "")
        ->required();
  flag(app, "--json", options.json, "one JSON object a line");
  server_options(app, line);
  app.final_callback([&line, action] {
    line.tokens.what = action;
    line.what = command::admin_token;
  });
}

void define_cluster(CLI::App& app, command_line& line, admin_cluster_options::action action) {
  using what = admin_cluster_options::action;
  auto& options = line.cluster;
  if (action == what::init)
    text(app, "--name", options.name, "of this node; default: as configured, or the host's",
         "NODE");
  if (action == what::token) {
    CLI::callback_t take = [&options](const CLI::results_t& words) {
      auto lifetime = parse_lifetime_s(words.back());
      if (lifetime && *lifetime > 0) options.lifetime_s = *lifetime;
      return lifetime && *lifetime > 0;
    };
    last(app.add_option("--expires", take, "after how many hours or days, as in 1h (the default)"))
        ->type_name("TIME");
  }
  if (action == what::promote) {
    flag(app, "--force", options.force,
         "also when the head is connected, which fences it, or the copy may lack something");
    server_options(app, line);
  } else if (action == what::status) {
    flag(app, "--json", options.json, "one JSON object a line");
    server_options(app, line);
  } else {
    text(app, "--config", options.config_file, "configuration of the head", "FILE");
    text(app, "--state", options.state, "state folder of the head", "DIR");
  }
  app.final_callback([&line, action] {
    line.cluster.what = action;
    line.what = command::admin_cluster;
  });
}

void define_audit(CLI::App& app, command_line& line) {
  number(
      app, "--after", [&line](uint64_t n) { line.audit.after = n; }, 0,
      std::numeric_limits<uint64_t>::max(), "only records with a higher number", "NUMBER");
  text(app, "--user", line.audit.user, "only what this one did or was refused", "USER");
  flag(app, "--json", line.audit.json, "one JSON object a line");
  server_options(app, line);
  app.final_callback([&line] { line.what = command::admin_audit; });
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
  auto* token = app.add_subcommand(
      "token", "logins for the monitor and for other machines: create, list, revoke");
  token->require_subcommand(1);
  using token_what = admin_token_options::action;
  define_token(*token->add_subcommand("create", "make a token, and show it this once"), line,
               token_what::create);
  define_token(*token->add_subcommand("list", "list tokens"), line, token_what::list);
  define_token(*token->add_subcommand("revoke", "end a token"), line, token_what::revoke);
  using cluster_what = admin_cluster_options::action;
  auto* cluster = app.add_subcommand("cluster", "nodes: init, token, status, promote");
  cluster->require_subcommand(1);
  define_cluster(*cluster->add_subcommand("init", "make this node the head of a cluster"), line,
                 cluster_what::init);
  define_cluster(*cluster->add_subcommand("token", "make a token by which one node can join"), line,
                 cluster_what::token);
  define_cluster(*cluster->add_subcommand("status", "list nodes"), line, cluster_what::status);
  define_cluster(*cluster->add_subcommand("promote", "make this standby the head"), line,
                 cluster_what::promote);
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
  define_audit(*app.add_subcommand("audit", "who did what from where, with what outcome"), line);
}

}  // namespace et
