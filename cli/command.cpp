#include "cli/command.hpp"

#include <CLI/CLI.hpp>

#include <charconv>
#include <functional>
#include <limits>
#include <map>

#include "actors/version.hpp"
#include "cli/service_config.hpp"

namespace et {

namespace {

std::string version_line() {
  return std::string{"elastictape "} + version_text;
}

// Makes one command of `app`; its values go to `line` when they are parsed.
using definition = void (*)(CLI::App& app, command_line& line);

// The last of several wins, as scripts of many years expect.
CLI::Option* last(CLI::Option* option) {
  return option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
}

CLI::Option* text(CLI::App& app, const char* names, std::string& value, const char* help,
                  const char* word) {
  return last(app.add_option(names, value, help))->type_name(word);
}

CLI::Option* flag(CLI::App& app, const char* names, bool& value, const char* help) {
  return app.add_flag(names, value, help);
}

bool read_number(const std::string& word, uint64_t& value) {
  auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  return error == std::errc{} && end == word.data() + word.size();
}

// A decimal number of at least `low`; octal and hexadecimal spellings mean nothing here.
CLI::Option* number(CLI::App& app, const char* names, std::function<void(uint64_t)> take,
                    uint64_t low, uint64_t high, const char* help, const char* word) {
  CLI::callback_t parse = [take = std::move(take), low, high](const CLI::results_t& results) {
    uint64_t value = 0;
    if (!read_number(results.back(), value) || value < low || value > high) return false;
    take(value);
    return true;
  };
  return last(app.add_option(names, parse, help))->type_name(word);
}

CLI::Option* batch_option(CLI::App& app, const char* names, batch_id& value, const char* help) {
  return number(
      app, names, [&value](uint64_t id) { value = batch_id{id}; }, 1,
      std::numeric_limits<uint64_t>::max(), help, "BATCH");
}

void server_options(CLI::App& app, command_line& line) {
  text(app, "--server", line.server, "the service: unix:/PATH or HOST:PORT", "ADDRESS");
  text(app, "--state", line.state, "state folder of the embedded service", "DIR");
}

void workspace_option(CLI::App& app, command_line& line, const char* names = "-w,--workspace") {
  text(app, names, line.workspace, "workspace; default: [Batch] Workspace in ~/.et_config",
       "WORKSPACE");
}

void log_options(CLI::App& app, command_line& line) {
  flag(app, "-v,--verbose", line.verbose, "say more");
  text(app, "-l,--logfile", line.log_file, "append what the command does to this file", "LOGFILE");
}

void define_put(CLI::App& app, command_line& line) {
  auto& options = line.put;
  log_options(app, line);
  workspace_option(app, line);
  flag(app, "-c,--continue", options.skip_bad, "leave bad files out instead of rejecting all");
  text(app, "-t,--tag", options.tag, "a word to know the batch by", "TAG")
      ->check([](const std::string& tag) {
        return tag.empty() ? std::string{"the tag must be one word"} : std::string{};
      });
  auto* list = text(app, "-f,--listfile", options.list_file,
                    "file with one absolute path a line; - for standard input", "LISTFILE");
  flag(app, "--wait", options.wait, "stay until the batch is safe on tape");
  flag(app, "--json", options.json, "print the result as JSON");
  server_options(app, line);
  auto* folder = text(app, "DIR", options.folder, "folder whose files are put; absolute", "");
  app.final_callback([&line, list, folder] {
    if (list->count() + folder->count() == 0) throw CLI::RequiredError("-f LISTFILE or DIR");
    if (list->count() > 0 && folder->count() > 0) throw CLI::ExcludesError("-f LISTFILE", "DIR");
    line.what = command::put;
  });
  app.footer(
      "Prints 'Batch ID: N'. Exit: 0, 1 parameters, 2 the list was rejected,\n"
      "3 with --wait: the batch failed, 4 interrupted.");
}

void define_get(CLI::App& app, command_line& line) {
  auto& options = line.get;
  log_options(app, line);
  auto* batch = batch_option(app, "-b,--batch", options.batch, "batch to get, or to look in");
  auto* list = text(app, "-f,--filelist", options.list_file,
                    "file with one original path a line; - for standard input", "FILELIST");
  workspace_option(app, line);
  text(app, "-r,--target", options.folder, "folder to write to; absolute, must exist", "DIR")
      ->required();
  number(
      app, "-t,--maxproc", [&](uint64_t n) { options.streams = static_cast<unsigned>(n); }, 1, 48,
      "parallel streams, 1 to 48; default 5", "MAXPROC");
  flag(app, "--overwrite", options.overwrite, "replace existing files that differ");
  server_options(app, line);
  app.final_callback([&line, batch, list] {
    if (batch->count() + list->count() == 0) throw CLI::RequiredError("-b BATCH or -f FILELIST");
    line.what = command::get;
  });
  app.footer(
      "Files go to DIR + their original path. Exit: 0, 1 parameters, 2 cannot write to DIR,\n"
      "3 error during download, 4 interrupted, 5 completed with bad files.");
}

void define_rm(CLI::App& app, command_line& line) {
  flag(app, "-v,--verbose", line.verbose, "say more");
  batch_option(app, "-b,--batch", line.rm.batch, "batch to remove")->required();
  workspace_option(app, line);
  server_options(app, line);
  app.final_callback([&line] { line.what = command::rm; });
  app.footer("Exit: 0, 1 parameters, 2 not authorised.");
}

void define_ls(CLI::App& app, command_line& line) {
  auto& options = line.ls;
  text(app, "-x,-X,--xmlsource", options.xml_source, "monitor to read the holdings from", "URL");
  flag(app, "-H,--headerWanted", options.header, "begin with a header line");
  batch_option(app, "-b,--batchid", options.batch, "only this batch");
  workspace_option(app, line);
  text(app, "-L,--outputLevel", line.level, "file, batch or workspace; default batch", "LEVEL")
      ->check(CLI::IsMember({"file", "batch", "workspace"}));
  const std::map<std::string, ls_format> formats{
      {"text", ls_format::text}, {"json", ls_format::json}, {"csv", ls_format::csv}};
  last(app.add_option_function<std::string>(
           "-F,--outputFormat",
           [&options, formats](const std::string& word) { options.format = formats.at(word); },
           "text, json or csv; default text"))
      ->check(CLI::IsMember({"text", "json", "csv"}))
      ->type_name("FORMAT");
  server_options(app, line);
  app.final_callback([&line] { line.what = command::ls; });
  app.footer(
      "Lines begin with their type: H header, W workspace, B batch, F file.\n"
      "Exit: 0, 1 parameters or configuration, 2 not authorised, 4 interrupted or the\n"
      "reader went away.");
}

void define_status(CLI::App& app, command_line& line) {
  auto& options = line.status;
  flag(app, "-v,--verbose", line.verbose, "every aggregation");
  auto* batch = batch_option(app, "-b,--batch", options.batch, "this batch; default: all");
  auto* retrieval = number(
      app, "-r,--retrieval", [&](uint64_t id) { options.retrieval = retrieval_id{id}; }, 1,
      std::numeric_limits<uint64_t>::max(), "this retrieval", "RETRIEVAL");
  workspace_option(app, line);
  flag(app, "--wait", options.wait, "wait until it is safe, or has failed");
  flag(app, "--json", options.json, "one JSON object a line");
  server_options(app, line);
  app.final_callback([&line, batch, retrieval] {
    if (batch->count() > 0 && retrieval->count() > 0) throw CLI::ExcludesError("-b", "-r");
    line.what = command::status;
  });
  app.footer("Exit: 0, 1 parameters, 2 not authorised, 3 with --wait: it failed, 4 interrupted.");
}

void define_serve(CLI::App& app, command_line& line) {
  auto& options = line.serve;
  text(app, "--config", options.config_file, "configuration (TOML); default: embedded", "FILE");
  text(app, "--state", options.state, "folder of everything the service keeps", "DIR");
  text(app, "--listen", options.listen, "command socket: unix:/PATH or HOST:PORT", "ADDRESS");
  text(app, "--http", options.http, "monitor; port 0 picks a free one", "HOST:PORT");
  app.final_callback([&line] { line.what = command::serve; });
}

void define_export(CLI::App& app, command_line& line) {
  auto& options = line.exporting;
  text(app, "IMAGE", options.image, "cartridge image", "")->required();
  text(app, "AGGREGATION", options.aggregation,
       "BATCH.NUMBER or sequence number: its tar goes to standard output; default: list", "");
  flag(app, "--json", options.json, "the list as JSON");
  app.final_callback([&line] { line.what = command::export_image; });
}

void define_workspace(CLI::App& app, command_line& line, admin_workspace_options::action action) {
  using what = admin_workspace_options::action;
  auto& options = line.workspaces;
  auto* name = text(app, "NAME", options.name, "workspace", "");
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

struct subcommand {
  const char* name;
  const char* alias;  // also as a program name, and with .py
  const char* help;
  definition define;
};

constexpr subcommand subcommands[] = {
    {"serve", nullptr, "run the service", define_serve},
    {"put", "et_put", "register a batch of files for tape", define_put},
    {"get", "et_get", "bring a batch or listed files back", define_get},
    {"rm", "et_rm", "remove a batch", define_rm},
    {"ls", "et_ls", "list workspaces, batches or files", define_ls},
    {"status", nullptr, "what batches and retrievals are doing", define_status},
    {"admin", nullptr, "workspaces, inspector, alerts", define_admin},
    {"export", nullptr, "bring data back from a cartridge image alone", define_export},
};

std::string base_name(const std::string& path) {
  std::string name = path.substr(path.rfind('/') + 1);
  if (name.ends_with(".py")) name.resize(name.size() - 3);
  return name;
}

void parse(CLI::App& app, const std::vector<std::string>& arguments, command_line& line) {
  // The library wants them in reverse.
  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend() - 1);
  try {
    app.parse(std::move(reversed));
  } catch (const CLI::CallForHelp&) {
    line.what = command::none;
    line.out_text = app.help();
  } catch (const CLI::CallForVersion&) {
    line.what = command::none;
    line.out_text = version_line() + "\n";
  } catch (const CLI::Error& error) {
    line.what = command::none;
    line.exit_code = exit_parameters;
    line.err_text = line.program + ": " + error.what() + "\n" + app.help();
  }
}

}  // namespace

command_line parse_command_line(const std::vector<std::string>& arguments) {
  command_line line;
  std::string called = arguments.empty() ? "elastictape" : base_name(arguments[0]);
  for (const auto& one : subcommands) {
    if (one.alias == nullptr || called != one.alias) continue;
    CLI::App app{one.help, called};
    app.set_version_flag("--version", version_line(), "print the version");
    line.program = called;
    one.define(app, line);
    parse(app, arguments, line);
    return line;
  }
  CLI::App app{"Elastic Tape: moves data to tape and back", "elastictape"};
  app.set_version_flag("--version", version_line(), "print the version");
  app.require_subcommand(1);
  line.program = "elastictape";
  for (const auto& one : subcommands) {
    auto* sub = app.add_subcommand(one.name, one.help);
    sub->set_version_flag("--version", version_line(), "print the version");
    if (one.alias != nullptr) sub->alias(one.alias);
    one.define(*sub, line);
    sub->preparse_callback(
        [&line, name = one.name](size_t) { line.program = std::string{"elastictape "} + name; });
  }
  parse(app, arguments.empty() ? std::vector<std::string>{called} : arguments, line);
  return line;
}

}  // namespace et
