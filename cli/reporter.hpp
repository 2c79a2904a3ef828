// What a command tells its user besides its data: errors, notes, progress; and its log file.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "storage/error.hpp"
#include "storage/os/file.hpp"

namespace et {

/// Writes lines to standard error and, if asked, to a log file that several commands may share.
/// Thread safe. Texts are shown as given: make names printable() first.
class reporter {
 public:
  /// `program` stands before each line; `fd` stays the caller's.
  reporter(std::string program, int fd, bool verbose);
  ~reporter();
  reporter(const reporter&) = delete;
  reporter& operator=(const reporter&) = delete;

  /// From now on each line also goes to `path`, appended with one write a line, so that the lines
  /// of several commands never mix.
  /// A disk without room for a line is told once, then nothing more is logged.
  caf::error open_log(const std::string& path);

  /// The first line in the log: what was called. Also sees to it that a signal which ends the
  /// command leaves a last line there.
  void log_begin(const std::vector<std::string>& arguments);
  /// The last line in the log: how it ended.
  void log_end(int exit_code);

  /// `PROGRAM: text`: something is wrong.
  void error(std::string_view text);
  /// `PROGRAM: text`: worth knowing.
  void note(std::string_view text);
  /// A line without the program's name.
  void plain(std::string_view text);
  /// Only shown with -v; always logged.
  void detail(std::string_view text);
  /// False when detail() would do nothing.
  bool wants_detail() const { return verbose_ || log_; }
  /// What is going on. On a terminal one line that replaces the one before; elsewhere a line every
  /// few seconds at most. Not logged.
  void progress(std::string_view text);
  /// True when progress() would show something now: asks before a costly text is made.
  bool progress_due();

 private:
  using steady = std::chrono::steady_clock;
  void line(std::string_view prefix, std::string_view text, bool shown);
  std::string log_prefix() const;
  void log_locked(std::string_view text);
  bool due_locked() const;

  const std::string program_;
  const int fd_;
  const bool verbose_;
  const bool terminal_;
  std::mutex mutex_;
  unique_fd log_;
  bool drawn_ = false;  // a progress line stands on the terminal
  steady::time_point next_progress_;
  const steady::time_point started_ = steady::now();
};

}  // namespace et
