// Lists of files: their lines, what may stand there, and a look at the files they name.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "storage/catalogue/records.hpp"
#include "storage/os/file.hpp"

namespace et {

/// Lines of a descriptor, with their numbers. Memory: one buffer and one line.
class line_reader {
 public:
  /// A line longer than this is cut off in memory and told as such by check_line().
  static constexpr size_t max_line_bytes = 64 * 1024;

  /// `fd` stays the caller's.
  explicit line_reader(int fd) : fd_(fd), buffer_(256 * 1024, '\0') {}

  /// The next line without its newline; false at the end or after an error.
  bool next(std::string& line);
  /// Of the line that next() gave, from 1.
  uint64_t number() const { return number_; }
  /// What ended the reading, if not the end.
  const caf::error& error() const { return error_; }

 private:
  bool fill();

  int fd_;
  std::string buffer_;
  size_t at_ = 0;
  size_t size_ = 0;
  uint64_t number_ = 0;
  caf::error error_;
};

/// Looks at one line of a list. Empty when it is a plain absolute path, which is put into `path`
/// with doubled slashes and `/./` taken out; else the reason why not.
std::string check_line(std::string_view line, std::string& path);

/// Makes `/a//b/./c` out of an absolute path's other spellings; false when it holds `..`.
bool make_plain(std::string& path);

/// Looks at files by path as a put must see them: no link followed, not even in a parent folder.
/// Remembers the folder it was in last, so looking at neighbours is cheap.
class file_inspector {
 public:
  file_inspector();
  /// Fills `entry` from the regular file at `path` (plain and absolute) and returns an empty text;
  /// or the reason why it cannot be put, then `entry` is unchanged.
  std::string look(const std::string& path, file_entry& entry);

 private:
  std::string enter(const std::string& folder);

  bool all_readable_;  // root need not ask
  std::string folder_;
  unique_fd folder_fd_;
};

/// The first component of `path` that is a symbolic link, or an empty text.
std::string first_link(const std::string& path);

/// `directory`, `symbolic link`, `socket`, …: what `mode` of a stat says.
const char* kind_of(uint32_t mode);

/// Opens `path` beneath `folder_fd` (or an absolute one with AT_FDCWD) without following any link.
/// -1 and errno on failure; ELOOP for a link.
int open_without_links(int folder_fd, const char* path, int flags);

}  // namespace et
