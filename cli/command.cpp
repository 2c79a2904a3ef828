#include "cli/command.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include "cli/command_app.hpp"

namespace et {

namespace {

// The usage line of a help text, and where there is more.
std::string usage_of(const std::string& help) {
  auto begin = std::min(help.find("Usage: "), help.size());
  return help.substr(begin, help.find("\n\n", begin) + 1 - begin) + "Try --help.\n";
}

// What stands where the name of a subcommand should, if anything does.
std::optional<std::string> unknown_word(const CLI::App& app,
                                        const std::vector<std::string>& arguments) {
  if (app.get_require_subcommand_min() == 0 || !app.get_subcommands().empty()) return std::nullopt;
  if (arguments.size() < 2 || arguments[1].starts_with("-")) return std::nullopt;
  return "there is no command '" + printable(arguments[1]) + "'";
}

// The library only says what it could not take, as `Could not convert: NAME = VALUE`.
std::string conversion_text(const CLI::App& app, const std::string& what) {
  auto begin = what.find(": ");
  auto equals = what.find(" = ");
  if (begin == std::string::npos || equals == std::string::npos) return what;
  auto name = what.substr(begin + 2, equals - begin - 2);
  const auto* leaf = &app;
  while (!leaf->get_subcommands().empty()) leaf = leaf->get_subcommands().front();
  const auto* option = leaf->get_option_no_throw(name);
  if (option == nullptr) return what;
  return name + ": '" + printable(what.substr(equals + 3)) + "' cannot be used (" + name + ": " +
         option->get_description() + ")";
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
    line.out_text = app.version() + '\n';
  } catch (const CLI::Error& error) {
    line.what = command::none;
    line.exit_code = exit_parameters;
    std::string what = error.what();
    // The library only says that one is missing.
    if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::RequiredError))
      what = unknown_word(app, arguments).value_or(what);
    if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::ConversionError))
      what = conversion_text(app, what);
    line.err_text = line.program + ": " + what + "\n" + usage_of(app.help());
  }
}

// `complete INDEX -- WORD...`. The words are not for the argument library: it would look into them.
bool parse_complete(const std::vector<std::string>& arguments, command_line& line) {
  if (arguments.size() < 2 || arguments[1] != "complete") return false;
  line.what = command::complete;
  if (arguments.size() < 4 || arguments[3] != "--") return true;
  const auto& index = arguments[2];
  std::from_chars(index.data(), index.data() + index.size(), line.complete.current);
  line.complete.words.assign(arguments.begin() + 4, arguments.end());
  return true;
}

}  // namespace

command_line parse_command_line(const std::vector<std::string>& arguments) {
  command_line line;
  auto called = program_name(arguments.empty() ? "elastictape" : arguments[0]);
  if (called == "elastictape" && parse_complete(arguments, line)) return line;
  auto app = make_command_app(called, line);
  parse(*app, arguments.empty() ? std::vector<std::string>{called} : arguments, line);
  return line;
}

}  // namespace et
