// What --help and the manual pages say about a command beyond its options. Everything else on them
// comes from the command's definition.
//
// In all texts `this` stands for what is typed or shown literally, a blank line begins a paragraph,
// and words that stand for values (BATCH, DIR) are recognised by the definition's own words.
// ASCII only.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace et {

struct exit_meaning {
  int code;
  const char* meaning;
};

struct manual_item {
  std::string term;  ///< literal
  std::string text;
};

struct manual_section {
  std::string title;  ///< in capitals
  std::string text;
  std::vector<manual_item> items;
};

struct command_manual {
  const char* command;  ///< name of the subcommand; empty: elastictape itself
  /// Its first paragraph is also part of --help.
  const char* description;
  /// Options and arguments of which the command needs one: `-f`, `DIR`.
  std::vector<std::string> one_of;
  std::vector<exit_meaning> exits;
  /// The term is a command line, the text says what it does.
  std::vector<manual_item> examples;
  std::vector<manual_section> sections;  ///< after the options
  /// Beyond those that the options bring with them.
  std::vector<manual_item> environment;
  std::vector<manual_item> files;
};

/// Null for a command without texts: its page is made of its definition alone.
const command_manual* find_manual(std::string_view command);

const std::vector<command_manual>& all_manuals();

}  // namespace et
