#include "cli/command.hpp"

#include <charconv>

#include "cli/command_app.hpp"

namespace et {

namespace {

// The usage line of a help text, and where there is more.
std::string usage_of(const std::string& help) {
  auto begin = std::min(help.find("Usage: "), help.size());
  return help.substr(begin, help.find("\n\n", begin) + 1 - begin) + "Try --help.\n";
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
    line.err_text = line.program + ": " + error.what() + "\n" + usage_of(app.help());
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
