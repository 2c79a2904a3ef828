#include "cli/commands/list_lines.hpp"

#include <unistd.h>

#include <cerrno>

namespace et {

list_lines::list_lines(int fd) : fd_(fd), begin_(::lseek(fd, 0, SEEK_CUR)), lines_(fd) {
  if (begin_ < 0) kept_.reset(std::tmpfile());
}

bool list_lines::next(std::string& line) {
  if (replay_) {
    if (replay_->next(line)) return true;
    // Behind what was kept the pipe goes on.
    replay_.reset();
    if (kept_ && std::fseek(kept_.get(), 0, SEEK_END) != 0) kept_.reset();
  }
  if (!lines_->next(line)) return false;
  keep(line);
  return true;
}

void list_lines::keep(const std::string& line) {
  if (!kept_) return;
  bool written = std::fwrite(line.data(), 1, line.size(), kept_.get()) == line.size() &&
                 std::fputc('\n', kept_.get()) != EOF;
  // Half a list is none.
  if (!written) kept_.reset();
}

caf::error list_lines::again() {
  if (begin_ >= 0) {
    if (::lseek(fd_, begin_, SEEK_SET) < 0)
      return fail_errno("cannot read the list a second time", errno);
    lines_.emplace(fd_);
    return caf::none;
  }
  if (!kept_ || std::fflush(kept_.get()) != 0 || ::lseek(::fileno(kept_.get()), 0, SEEK_SET) < 0)
    return fail(errc::io_error,
                "the list from the pipe could not be kept for a second reading (no room in /tmp?)");
  replay_.emplace(::fileno(kept_.get()));
  return caf::none;
}

}  // namespace et
