// What may follow `elastictape`: every subcommand with its options. A new one is a function here
// and a row in the table.
#pragma once

#include <CLI/CLI.hpp>

#include <span>

#include "cli/command.hpp"

namespace et {

/// Makes the options of one command in `app`; their values go to `line` when they are parsed, so
/// both outlive the parsing. The command's final callback sets `line.what`. Longer texts and exit
/// codes stand in manual_texts.cpp.
using command_definition = void (*)(CLI::App& app, command_line& line);

struct subcommand {
  const char* name;
  const char* alias;  ///< also as a program name, and with .py; null: none
  const char* help;   ///< one line
  command_definition define;
  bool hidden = false;  ///< not in --help, no manual page: for scripts and the build
};

/// In the order of --help.
std::span<const subcommand> all_subcommands();

/// In a file of its own, with the subcommands of `admin`.
void define_admin(CLI::App& app, command_line& line);

}  // namespace et
