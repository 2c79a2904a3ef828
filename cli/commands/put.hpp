// et_put: registers a batch.
#pragma once

#include <string>

#include "cli/commands/context.hpp"

namespace et {

struct put_options {
  std::string workspace;
  std::string tag;
  std::string list_file;  ///< `-`: standard input; empty: a folder is put
  std::string folder;
  bool skip_bad = false;      ///< -c
  bool only_changed = false;  ///< --update: what is held unchanged is left out
  bool wait = false;
  bool json = false;
  batch_id retry;    ///< not 0: its failed files are put again, none of the above sources
  int input_fd = 0;  ///< what `-` reads
  /// 32 hexadecimal digits by which the service knows this put if it is asked for again; empty: a
  /// random one.
  std::string request_id;
};

/// Prints `Batch ID: N`, or `BATCH REJECTED` after every reason on stderr.
/// With `only_changed` a put of nothing new is a success without a batch. A retry takes the tag of
/// its batch, and leaves files out that a later batch holds as they are.
/// When the session is lost, the put begins again in another one, as the same: it never becomes two
/// batches. When there is none in time, the command to repeat is told.
/// Exit: 0; 1 parameters or no service; 2 rejected or not authorised; 3 with `wait`: the batch
/// failed; 4 interrupted: nothing is registered.
/// The 16 bytes of a request id. Error: invalid_argument.
caf::expected<std::string> parse_request_id(const std::string& text);

int run_put(const put_options& options, command_context& context);

}  // namespace et
