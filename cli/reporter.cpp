#include "cli/reporter.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "cli/interrupt.hpp"
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

// A word of a command line as a shell would read it, in printable bytes.
std::string quoted(const std::string& word) {
  bool plain = !word.empty() && word.find_first_of(" \t\n'\"\\$`*?[]{}()<>|&;#~!") == word.npos;
  if (plain) return printable(word);
  std::string text = "'";
  for (char c : word) text += c == '\'' ? std::string{"'\\''"} : std::string{c};
  return printable(text + "'");
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
  if (log_) log_locked(text);
}

std::string reporter::log_prefix() const {
  return ' ' + program_ + '[' + std::to_string(getpid()) + "] ";
}

void reporter::log_locked(std::string_view text) {
  std::string out;
  append_time(out, system_clock().now_ns());
  out += log_prefix();
  out.append(text) += '\n';
  // One write: the kernel keeps lines of several processes apart.
  auto written = ::write(log_.get(), out.data(), out.size());
  if (written == static_cast<ssize_t>(out.size())) return;
  const char* why = written < 0 ? std::strerror(errno) : "no room for a line";
  write_text(fd_, program_ + ": cannot go on writing the log file: " + why + '\n');
  log_interrupt(-1, {});
  log_.reset();
}

void reporter::log_begin(const std::vector<std::string>& arguments) {
  std::string text = "begins:";
  for (const auto& word : arguments) text += ' ' + quoted(word);
  std::lock_guard lock{mutex_};
  if (!log_) return;
  log_interrupt(log_.get(), log_prefix() + "ends: exit code 4, interrupted");
  log_locked(text);
}

void reporter::log_end(int exit_code) {
  std::lock_guard lock{mutex_};
  if (!log_) return;
  no_interrupt();
  auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(steady::now() - started_).count();
  auto rest = std::to_string(1000 + ms % 1000);
  log_locked("ends: exit code " + std::to_string(exit_code) + " after " +
             std::to_string(ms / 1000) + '.' + rest.substr(1) + " s");
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
