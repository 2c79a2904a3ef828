// Walks a directory tree for a put: in parallel, in path order, in bounded memory, following no
// link.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "storage/catalogue/records.hpp"
#include "storage/os/file.hpp"

namespace et {

/// Something of the tree that is not a file to put.
struct walk_note {
  std::string path;
  std::string reason;
};

/// A run of what a walk finds.
struct walk_page {
  std::vector<file_entry> files;
  std::vector<walk_note> left_out;  ///< links and special files
  std::vector<walk_note> errors;    ///< folders and files that cannot be read
};

/// A folder to walk.
struct walk_root {
  std::string path;  ///< plain and absolute
  unique_fd fd;
};

/// Opens a folder given by a user. Errors (all invalid_argument): not absolute, missing, not a
/// directory, cannot be read; a link in the path or `..`, then the text tells the real path.
caf::expected<walk_root> open_walk_root(const std::string& folder);

/// One walk. Threads read folders ahead of the caller; entries come in the byte order of their
/// paths (in folders with very many names: in the order of runs of them).
class walker {
 public:
  /// Starts to read at once.
  walker(walk_root root, unsigned threads);
  /// Stops the threads; may be called at any time.
  ~walker();
  walker(const walker&) = delete;
  walker& operator=(const walker&) = delete;

  /// Puts the next things into `page` (cleared first), at most `limit` files. False at the end,
  /// with an empty page.
  bool next(walk_page& page, size_t limit);

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace et
