#include "cli/commands/context.hpp"

#include <cerrno>
#include <cstring>

namespace et {

int exit_code_of(const caf::error& error) {
  switch (code_of(error)) {
    case errc::not_authorised:
      return exit_refused;
    case errc::interrupted:
    case errc::cancelled:
      return exit_interrupted;
    default:
      return exit_parameters;
  }
}

int end_with(command_context& context, const caf::error& error) {
  context.report.error(printable(text_of(error)));
  return exit_code_of(error);
}

int finish_output(command_context& context, int code) {
  if (context.out.flush()) return code;
  // A reader that had enough (head, grep -q) is no error worth a word.
  int error = context.out.failed_errno();
  if (error != EPIPE) {
    context.report.error(std::string{"cannot write standard output: "} + std::strerror(error));
  }
  return exit_interrupted;
}

}  // namespace et
