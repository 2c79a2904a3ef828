#include "cli/reporter.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/output.hpp"
#include "storage/os/clock.hpp"

namespace et {

namespace {

constexpr auto terminal_interval = std::chrono::milliseconds{200};
constexpr auto plain_interval = std::chrono::seconds{5};

size_t terminal_columns(int fd) {
  winsize size{};
  return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 80;
}

// A reader of standard error that has gone away must not end the command.
void write_text(int fd, std::string_view text) {
  [[maybe_unused]] auto ignored = write_all(fd, text.data(), text.size());
}

}  // namespace

reporter::reporter(std::string program, int fd, bool verbose)
    : program_(std::move(program)),
      fd_(fd),
      verbose_(verbose),
      terminal_(isatty(fd) == 1),
      next_progress_(steady::now() + (terminal_ ? steady::duration{terminal_interval}
                                                : steady::duration{plain_interval})) {}

reporter::~reporter() {
  if (drawn_) write_text(fd_, "\r\x1b[K");
}

caf::error reporter::open_log(const std::string& path) {
  auto file = open_file(path, O_WRONLY | O_APPEND | O_CREAT | O_NOCTTY, 0644);
  if (!file) return with_context(file.error(), "cannot write the log file");
  log_ = std::move(*file);
  return caf::none;
}

void reporter::error(std::string_view text) {
  line(program_ + ": ", text, true);
}
void reporter::note(std::string_view text) {
  line(program_ + ": ", text, true);
}
void reporter::plain(std::string_view text) {
  line("", text, true);
}
void reporter::detail(std::string_view text) {
  line(program_ + ": ", text, verbose_);
}

void reporter::line(std::string_view prefix, std::string_view text, bool shown) {
  std::lock_guard lock{mutex_};
  if (shown) {
    std::string out{drawn_ ? "\r\x1b[K" : ""};
    drawn_ = false;
    out.append(prefix).append(text) += '\n';
    write_text(fd_, out);
  }
  if (log_) {
    std::string out;
    append_time(out, system_clock().now_ns());
    out += ' ' + program_ + '[' + std::to_string(getpid()) + "] ";
    out.append(text) += '\n';
    // One write: the kernel keeps lines of several processes apart.
    if (::write(log_.get(), out.data(), out.size()) < 0) log_.reset();
  }
}

bool reporter::due_locked() const {
  return steady::now() >= next_progress_;
}

bool reporter::progress_due() {
  std::lock_guard lock{mutex_};
  return due_locked();
}

void reporter::progress(std::string_view text) {
  std::lock_guard lock{mutex_};
  if (!due_locked()) return;
  if (terminal_) {
    std::string out{"\r\x1b[K"};
    out.append(text.substr(0, terminal_columns(fd_) - 1));
    write_text(fd_, out);
    drawn_ = true;
    next_progress_ = steady::now() + terminal_interval;
  } else {
    write_text(fd_, program_ + ": " + std::string{text} + "\n");
    next_progress_ = steady::now() + plain_interval;
  }
}

}  // namespace et
