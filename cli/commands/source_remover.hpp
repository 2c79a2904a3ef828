// Deletes source files that are archived, and never anything else: one careful step a file.
#pragma once

#include <sys/stat.h>

#include <string>

#include "storage/catalogue/records.hpp"
#include "storage/os/file.hpp"

namespace et {

enum class removal : uint8_t {
  removed,  ///< or with `dry_run`: would be
  gone,     ///< there was nothing
  kept,     ///< it must not or cannot be removed; `reason` says why
};

struct removal_result {
  removal what = removal::kept;
  std::string reason;
};

/// Removes files as the user of this process. Remembers the folder it was in last. No link is
/// followed, not even in a parent folder. Not thread safe.
class source_remover {
 public:
  /// Ignores SIGIO for the process: a lease that somebody waits for would end it.
  explicit source_remover(bool dry_run);

  /// Removes the file of `row` if it is still the regular file that was stored: size and mtime of
  /// the row, the user's own (or any for root), opened by nobody else as far as the file system can
  /// tell. Precondition: the row is safe. A file put in its place at any moment is left alone: what
  /// is there is moved aside, looked at once more, and moved back unless it is the one. If the
  /// process is killed between these two, the next call for that file finishes.
  removal_result remove(const file_row& row);

 private:
  std::string enter(const std::string& folder);
  std::string check(const std::string& name, const file_row& row, struct stat& found) const;
  removal_result take_away(const std::string& name, const file_row& row, const struct stat& seen);
  void bring_back(const std::string& name) const;

  const bool dry_run_;
  const uint32_t user_;
  std::string folder_;
  unique_fd folder_fd_;
  bool leases_ = false;  // of folder_fd_'s file system tell who has a file open
};

}  // namespace et
