// A command's definition as words: what --help, the manual page and completion are made of.
#pragma once

#include <CLI/CLI.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace et {

/// An option or argument of a command as it is written.
struct option_words {
  std::vector<std::string> names;    ///< `-w`, `--workspace`; none: an argument
  std::string value;                 ///< WORKSPACE; an argument's name; empty: takes no value
  std::vector<std::string> choices;  ///< the only values there are; empty: any
  std::string help;
  bool required = false;
  bool many = false;  ///< takes several values
  const CLI::Option* option = nullptr;

  bool is_argument() const { return names.empty(); }
  bool has_name(std::string_view name) const;
  /// The short name if there is one; an argument's value.
  const std::string& short_form() const;
};

/// What may be given to `app`, without what is hidden, in the order of its definition.
std::vector<option_words> options_of(const CLI::App& app);

/// The subcommands of `app`, without those that are hidden.
std::vector<const CLI::App*> visible_subcommands(const CLI::App& app);

/// Which command `app` is: `put` (also for et_put), `admin workspace add`; empty: elastictape
/// itself.
std::string command_name(const CLI::App& app);

/// What stands together on a usage line: `[-w WORKSPACE]`, `(-f LISTFILE | DIR)`.
struct synopsis_part {
  std::vector<option_words> alternatives;
  bool required = false;
};
std::vector<synopsis_part> synopsis_of(const CLI::App& app);

/// Gives `app`, and subcommands added to it later, our form of --help.
void use_help_form(CLI::App& app);

/// The end of --help from the texts of manual_texts.hpp; empty for a command without any.
std::string help_footer(std::string_view command);

/// Breaks `text` into lines of at most `width` characters where words allow.
std::string wrapped(std::string_view text, size_t width, size_t indent);

}  // namespace et
