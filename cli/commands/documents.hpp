// What the program says about itself: manual pages, to look at and to install, and scripts.
#pragma once

#include <string>

#include "cli/commands/context.hpp"

namespace et {

struct manual_options {
  std::string command;  ///< empty: elastictape itself
};

struct documents_options {
  std::string folder;
};

/// Prints a manual page as roff. Exit: 0; 1 no such command; 4.
int run_manual(const manual_options& options, command_context& context);

/// Writes all manual pages to `man/man1` under the folder, and the completion scripts where
/// bash-completion and zsh look for them. Folders are made. The build runs it. Exit: 0; 1 cannot
/// write.
int run_documents(const documents_options& options, command_context& context);

}  // namespace et
