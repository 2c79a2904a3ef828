// Where a get writes: files beneath one folder, whatever paths the service sends and whatever links
// stand there.
#pragma once

#include <xxhash.h>

#include <atomic>
#include <memory>
#include <span>
#include <string>

#include "storage/catalogue/records.hpp"
#include "storage/os/file.hpp"

namespace et {

/// Opens DIR of a get. Errors: invalid_argument (not absolute); io_error (missing, not a folder,
/// cannot be written to).
caf::expected<unique_fd> open_target(const std::string& folder);

/// What stands where a file is to go.
enum class target_state : uint8_t {
  absent,
  same,       ///< a regular file with the row's size, mtime and content
  different,  ///< anything else
};

class target_file;

/// Finds and makes places beneath a target folder, never through a link and never outside.
/// Remembers the folder it was in last. Each thread has its own; they may share the folder.
class target_cursor {
 public:
  /// `folder_fd` stays the caller's. When `stop` is set, compare() and writing end with
  /// interrupted.
  target_cursor(int folder_fd, const std::atomic<bool>& stop) : top_(folder_fd), stop_(stop) {}

  /// Looks at the place of `row`; reads the file there when only its content can tell. Errors:
  /// invalid_argument (a path that leads outside or through a link), io_error, interrupted.
  caf::expected<target_state> compare(const file_row& row);

  /// Begins to write the file of `row`, making folders as needed. With `replace`, what stands there
  /// is replaced in the end; else something that appears meanwhile is an error of finish().
  caf::expected<std::unique_ptr<target_file>> create(const file_row& row, bool replace);

 private:
  caf::expected<std::string> enter(const file_row& row, bool make);
  caf::error make_folders(const std::string& folder);
  caf::expected<bool> same_content(const std::string& name, const file_row& row);

  const int top_;
  const std::atomic<bool>& stop_;
  std::string folder_;
  unique_fd folder_fd_;
};

/// A file being written under a temporary name. Destroyed before finish() succeeded, it leaves
/// nothing.
class target_file {
 public:
  ~target_file();
  target_file(const target_file&) = delete;
  target_file& operator=(const target_file&) = delete;

  /// The next bytes. Errors: no_space, io_error.
  caf::error write(std::span<const uint8_t> data);
  /// Checks size and checksum, sets mode, mtime and, for root, the owner, and gives the file its
  /// name. Errors: corrupt (not the registered bytes), already_exists, no_space, io_error.
  caf::error finish();

 private:
  friend class target_cursor;
  target_file(unique_fd folder, std::string name, const file_row& row, bool replace)
      : folder_(std::move(folder)), name_(std::move(name)), row_(row), replace_(replace) {}
  caf::error open_temporary();
  caf::error set_attributes();
  caf::error give_name();

  unique_fd folder_;
  const std::string name_;
  const file_row row_;
  const bool replace_;
  std::string temporary_;
  unique_fd file_;
  uint64_t size_bytes_ = 0;
  XXH3_state_t* hash_ = nullptr;  // only of files that come in several pieces
  file_checksum checksum_;
};

}  // namespace et
