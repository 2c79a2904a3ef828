// What every command is run with.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cli/output.hpp"
#include "cli/reporter.hpp"
#include "cli/service_api.hpp"

namespace et {

// Exit codes. What 2, 3 and 5 mean in detail: each command's header.
constexpr int exit_ok = 0;
constexpr int exit_parameters = 1;
constexpr int exit_refused = 2;
constexpr int exit_failed = 3;
constexpr int exit_interrupted = 4;
constexpr int exit_bad_files = 5;

struct command_context {
  output& out;       ///< standard output
  reporter& report;  ///< standard error and the log file
  /// Connects to the service that options, environment and configuration name.
  std::function<caf::expected<std::unique_ptr<service_api>>()> connect;
  /// Asks for signals to be caught from now on; the flag is set by the first one.
  std::function<const std::atomic<bool>&()> catch_interrupt;
  /// Between two questions about a state.
  unsigned poll_ms = 50;
  /// The command line, for messages that tell what to repeat.
  std::string program;
  std::vector<std::string> arguments;
  /// True when a signal has come that is caught. May be empty.
  std::function<bool()> stopped;
  /// To the service of a state folder of this machine. Error: unavailable when none runs there.
  std::function<caf::expected<std::unique_ptr<service_api>>(const std::string& state)>
      connect_to_state = {};
};

/// The exit code for an error that ends a command: 2 not authorised, 4 interrupted, else 1.
int exit_code_of(const caf::error& error);

/// Reports `error` and returns its exit code.
int end_with(command_context& context, const caf::error& error);

/// The command line as a shell takes it, with `extra` words behind the program's name unless the
/// first of them is there already.
std::string repeated(const command_context& context, const std::vector<std::string>& extra = {});

/// Flushes standard output; exit_interrupted when its reader has gone away, else `code`.
int finish_output(command_context& context, int code);

}  // namespace et
