// et_get: brings a batch or listed files back.
#pragma once

#include <string>

#include "cli/commands/context.hpp"

namespace et {

struct get_options {
  std::string workspace;
  batch_id batch;         ///< 0: the newest batch that holds each listed file
  std::string list_file;  ///< `-`: standard input; empty: the whole batch
  std::string folder;     ///< DIR: files go to DIR + their original path
  unsigned streams = 5;
  bool overwrite = false;
  int input_fd = 0;  ///< what `-` reads
};

/// Exit: 0; 1 parameters, no service; 2 cannot write to DIR, or not authorised; 3 error during
/// download; 4 interrupted; 5 completed with bad files, which are listed on stderr.
int run_get(const get_options& options, command_context& context);

}  // namespace et
