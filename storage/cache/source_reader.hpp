// Opens source files with the rights of the requester, so that the service, which may run as root,
// never reads for anyone what they could not read themselves.
#pragma once

#include <caf/expected.hpp>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "storage/catalogue/records.hpp"
#include "storage/error.hpp"
#include "storage/os/file.hpp"

namespace et {

/// Whose rights are used.
struct source_credentials {
  uint32_t uid = 0;
  uint32_t gid = 0;
  std::vector<uint32_t> groups;  ///< supplementary
  std::string user;              ///< name, for reasons
};

/// The credentials of `uid` with the supplementary groups that the system's group database gives
/// them now; a uid without a name has none. May wait for a directory service. Error: unavailable.
caf::expected<source_credentials> look_up_credentials(uint32_t uid, uint32_t gid);

/// What must stay the same while a file is read.
struct source_stamp {
  uint64_t size_bytes = 0;
  int64_t mtime_ns = 0;
  int64_t ctime_ns = 0;

  friend bool operator==(const source_stamp&, const source_stamp&) = default;
};

/// A regular file that was as registered when it was opened.
struct open_source {
  unique_fd fd;
  source_stamp stamp;
};

/// Whether an error of that code is about one file, so that the others of its aggregation go on.
/// All other codes are about this machine, and the aggregation is tried again later.
bool concerns_source(errc code);

/// Call behind the last read. Error: source_changed when the file is not as it was opened. A write
/// within one tick of the file system's clock that keeps the size cannot be seen.
caf::error check_unchanged(const open_source& source);

/// Reads exactly `size_bytes` at `offset_bytes`. Errors: source_changed when the file ends before,
/// source_unreadable when its file system fails.
caf::error read_source(const open_source& source, uint8_t* data, size_t size_bytes,
                       uint64_t offset_bytes);

/// Where a reader of many files gets them opened. Both calls may come from several threads at once.
class source_opener {
 public:
  virtual ~source_opener() = default;

  /// Prepares the calling thread; open() may then be called in it until another opener is entered
  /// there. An error for which concerns_source() holds stands for every file opened here.
  virtual caf::error enter_thread() = 0;

  /// Opens `file` and checks that it is what was registered. Reasons are written to follow the
  /// path. Errors: source_changed (other size, modification time, owner or mode, not a regular
  /// file),
  /// source_unreadable (gone, not readable by the requester, a link in its path), not_authorised
  /// (beneath no root), invalid_argument (NUL in the path); about the machine: limit_reached,
  /// unavailable.
  virtual caf::expected<open_source> open(const file_entry& file) = 0;
};

/// The real one. enter_thread() gives the calling thread, and no other, the requester's file system
/// identity; it keeps that until another reader is entered, so use threads of your own. When the
/// process is not root, only files of its own user can be read: source_unreadable for any other.
///
/// Links are not followed below a root; a root itself is what the administrator wrote, and may lead
/// over links. Opening never waits (fifos, leases). The access time is left alone where that is
/// allowed.
class source_reader final : public source_opener {
 public:
  /// `roots`: absolute folders; "/" is allowed.
  source_reader(source_credentials credentials, const std::vector<std::string>& roots);

  caf::error enter_thread() override;
  caf::expected<open_source> open(const file_entry& file) override;

 private:
  struct workspace_root {
    std::string path;  // without a slash at the end: "/" is empty
    unique_fd folder;
    int open_errno = 0;
  };

  void open_roots();
  const workspace_root* root_of(std::string_view path) const;
  int open_beneath(int folder, const char* relative, size_t length, bool keep_access_time) const;
  caf::error open_failed(int errno_value) const;

  source_credentials credentials_;
  std::vector<workspace_root> roots_;  // longest first
  std::once_flag roots_opened_;
};

}  // namespace et
