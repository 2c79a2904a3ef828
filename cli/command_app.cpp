#include "cli/command_app.hpp"

#include "actors/version.hpp"
#include "cli/command_definitions.hpp"
#include "cli/command_help.hpp"

namespace et {

namespace {

std::string version_line() {
  return std::string{"elastictape "} + version_text;
}

void define(CLI::App& app, const subcommand& one, command_line& line) {
  app.set_version_flag("--version", version_line(), "print the version");
  one.define(app, line);
  if (auto footer = help_footer(one.name); !footer.empty()) app.footer(footer);
}

}  // namespace

std::string program_name(const std::string& path) {
  std::string name = path.substr(path.rfind('/') + 1);
  if (name.ends_with(".py")) name.resize(name.size() - 3);
  return name;
}

std::vector<std::string> program_names() {
  std::vector<std::string> names{"elastictape"};
  for (const auto& one : all_subcommands()) {
    if (one.alias == nullptr) continue;
    names.emplace_back(one.alias);
    names.push_back(names.back() + ".py");
  }
  return names;
}

std::unique_ptr<CLI::App> make_command_app(const std::string& program, command_line& line) {
  for (const auto& one : all_subcommands()) {
    if (one.alias == nullptr || program != one.alias) continue;
    auto app = std::make_unique<CLI::App>(one.help, program);
    use_help_form(*app);
    line.program = program;
    define(*app, one, line);
    return app;
  }
  auto app = std::make_unique<CLI::App>("Elastic Tape: moves data to tape and back", "elastictape");
  use_help_form(*app);
  app->set_version_flag("--version", version_line(), "print the version");
  app->require_subcommand(1);
  line.program = app->get_name();
  for (const auto& one : all_subcommands()) {
    auto* sub = app->add_subcommand(one.name, one.help);
    if (one.alias != nullptr) sub->alias(one.alias);
    if (one.hidden) sub->group("");
    define(*sub, one, line);
    sub->preparse_callback(
        [&line, name = one.name](size_t) { line.program = std::string{"elastictape "} + name; });
  }
  app->footer(help_footer(""));  // last, for subcommands inherit it
  return app;
}

}  // namespace et
