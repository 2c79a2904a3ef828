// Where a get writes: files beneath one folder, whatever paths the service sends and whatever links
// stand there.
#pragma once

#include <atomic>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/commands/target_file.hpp"
#include "cli/commands/temporary_names.hpp"

namespace et {

/// Opens DIR of a get. Errors: invalid_argument (not absolute); io_error (missing, not a folder,
/// cannot be written to).
caf::expected<unique_fd> open_target(const std::string& folder);

/// What the threads of one get share about the folder they write to.
struct target_tree {
  /// `fd` stays the caller's. When `stop_flag` is set, compare() ends with interrupted.
  target_tree(int fd, const std::atomic<bool>& stop_flag) : folder_fd(fd), stop(stop_flag) {}

  /// Whether `size_bytes` more find room now, as far as the file system tells.
  bool has_room(uint64_t size_bytes) const;

  const int folder_fd;
  const std::atomic<bool>& stop;
  const temporary_names temporaries;
  std::atomic<unsigned> cursors{0};
  std::atomic<int> owner_errno{0};  ///< of the last change of owner that root was refused
};

/// What stands where a file is to go.
enum class target_state : uint8_t {
  absent,
  same,       ///< a regular file with the row's size, mtime and content
  different,  ///< anything else
};

/// Finds and makes places beneath a target folder, never through a link and never outside.
/// Remembers the folder it was in last, so neighbours are cheap. Each thread has its own.
class target_cursor {
 public:
  explicit target_cursor(target_tree& tree);

  /// Looks at the place of `row`; reads the file there when only its content can tell. Where no
  /// folder was, it does not look again for the rows that follow: what appears there is found when
  /// a file gets its name. On the way, removes what dead gets have left in the folders it enters.
  /// Errors: invalid_argument (a path that leads outside or through a link), io_error, interrupted.
  caf::expected<target_state> compare(const file_row& row);

  /// Writes the file of `row`, all of whose bytes are `data`, making folders as needed. Nothing is
  /// made when they are not the registered ones. With `replace`, what stands there is replaced.
  /// Errors: those of create() and target_file.
  caf::error put(const file_row& row, std::span<const uint8_t> data, bool replace);

  /// Begins to write the file of `row`, which must outlive it; at most one at a time, and nothing
  /// else meanwhile. Errors: invalid_argument as above, no_space, io_error.
  caf::expected<std::unique_ptr<target_file>> create(const file_row& row, bool replace);

 private:
  caf::expected<const char*> enter(const std::string& path, bool make);
  caf::error enter_folder(std::string_view folder, bool make);
  caf::error make_folders(const std::string& folder);
  void clean(const std::string& folder);
  target_place place(const char* name, bool replace);
  caf::expected<bool> same_content(const char* name, const file_row& row);

  target_tree& tree_;
  const std::string temporary_;
  std::string folder_;  // with a slash at both ends, as in `/a/b/`
  unique_fd folder_fd_;
  std::string absent_;                // a folder that was not there, written as folder_
  std::vector<std::string> cleaned_;  // folder_ or what it lies in
  std::unique_ptr<uint8_t[]> buffer_;
};

}  // namespace et
