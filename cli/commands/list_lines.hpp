// The lines of a list that may have to be read a second time, also from a pipe.
#pragma once

#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "cli/list_file.hpp"

namespace et {

/// Reads lines as line_reader does. What comes from a pipe is kept in a temporary file without a
/// name, so that again() can begin anew; where there is no room for that, again() is refused.
class list_lines {
 public:
  /// Reads `fd` from where it stands; it stays the caller's.
  explicit list_lines(int fd);

  bool next(std::string& line);
  /// Of the line that next() gave, from 1.
  uint64_t number() const { return replay_ ? replay_->number() : lines_->number(); }
  /// What ended the reading, if not the end.
  const caf::error& error() const { return lines_->error(); }

  /// The next line is the first one again. Error: io_error, then nothing more can be read.
  caf::error again();

 private:
  void keep(const std::string& line);

  const int fd_;
  const off_t begin_;  ///< of a file; -1: a pipe
  std::optional<line_reader> lines_;
  struct closer {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::unique_ptr<std::FILE, closer> kept_;  ///< what a pipe gave so far
  std::optional<line_reader> replay_;        ///< of these, until they are used up
};

}  // namespace et
