// Kinds of options that commands are defined with. Of a repeated option the last one wins, as
// scripts of many years expect.
#pragma once

#include <CLI/CLI.hpp>

#include <cstdint>
#include <functional>
#include <string>

#include "cli/command.hpp"

namespace et {

/// The last of several wins.
CLI::Option* last(CLI::Option* option);

/// `names` as in "-t,--tag", or a positional argument's name; `word` stands for the value in help
/// texts ("" for positional arguments). `value` outlives the parsing, as everywhere below.
CLI::Option* text(CLI::App& app, const char* names, std::string& value, const char* help,
                  const char* word);

CLI::Option* flag(CLI::App& app, const char* names, bool& value, const char* help);

/// A decimal number from `low` to `high`, given to `take`; octal and hexadecimal spellings mean
/// nothing here.
CLI::Option* number(CLI::App& app, const char* names, std::function<void(uint64_t)> take,
                    uint64_t low, uint64_t high, const char* help, const char* word);

CLI::Option* batch_option(CLI::App& app, const char* names, batch_id& value, const char* help);

/// -w
void workspace_option(CLI::App& app, command_line& line, const char* names = "-w,--workspace");

/// --server, --state, --reconnect
void server_options(CLI::App& app, command_line& line);

/// -v, -l
void log_options(CLI::App& app, command_line& line);

}  // namespace et
