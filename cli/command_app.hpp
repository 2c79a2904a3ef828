// The commands as the argument library sees them, under every name that the program has.
#pragma once

#include <CLI/CLI.hpp>

#include <memory>
#include <string>
#include <vector>

#include "cli/command.hpp"

namespace et {

/// The name that counts in what a program was called with: without folders and `.py`.
std::string program_name(const std::string& path);

/// Every name that the program is installed under: `elastictape`, `et_put`, `et_put.py`, ...
std::vector<std::string> program_names();

/// The command that `program` (of program_name()) stands for, or `elastictape` with all of its
/// subcommands. Parsing it fills in `line`, which must outlive it.
std::unique_ptr<CLI::App> make_command_app(const std::string& program, command_line& line);

}  // namespace et
