#include "cli/command.hpp"

#include "actors/version.hpp"
#include "cli/command_definitions.hpp"

namespace et {

namespace {

std::string version_line() {
  return std::string{"elastictape "} + version_text;
}

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
  for (const auto& one : all_subcommands()) {
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
  for (const auto& one : all_subcommands()) {
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
