// Thin wrappers of file descriptors: owned, retried on EINTR, failures as caf::error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "storage/error.hpp"

namespace et {

/// Owns a file descriptor; closes it on destruction.
class unique_fd {
 public:
  unique_fd() = default;
  explicit unique_fd(int fd) : fd_(fd) {}
  unique_fd(unique_fd&& other) noexcept : fd_(other.release()) {}
  unique_fd& operator=(unique_fd&& other) noexcept {
    reset(other.release());
    return *this;
  }
  ~unique_fd() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release() {
    int fd = fd_;
    fd_ = -1;
    return fd;
  }
  void reset(int fd = -1);

 private:
  int fd_ = -1;
};

/// Opens `path` with O_CLOEXEC added to `flags`. Errors: not_found for ENOENT, else io_error.
caf::expected<unique_fd> open_file(const std::filesystem::path& path, int flags, int mode = 0640);

/// Reads up to `size` bytes at `offset`; fewer only at the end of the file.
caf::expected<size_t> read_at(int fd, void* data, size_t size, uint64_t offset);

/// Writes all `size` bytes at `offset`. After a failure any part of them may be there.
caf::error write_at(int fd, const void* data, size_t size, uint64_t offset);

/// Writes all `size` bytes to a stream descriptor.
caf::error write_all(int fd, const void* data, size_t size);

/// fdatasync(2): what was written to `fd` before is on the disk afterwards.
caf::error sync_data(int fd);

/// Makes a rename or a new name in `folder` durable.
caf::error sync_folder(const std::filesystem::path& folder);

/// Makes a folder, with those above it that are missing, and their names durable: without that, all
/// that is ever synced in it goes with its name when the power does. Also of a folder that is there:
/// who made it may not have come to that. Errors: io_error, no_space.
caf::error make_folders(const std::filesystem::path& folder);

/// Asks the kernel to begin writing the range to disk; no promise, no wait for it.
void start_writeback(int fd, uint64_t offset, uint64_t size);

/// Replaces `path` by `text` so that after a crash either the old or the new content is there.
caf::error replace_file(const std::filesystem::path& path, std::string_view text, int mode = 0640);

/// The whole of a small file; invalid_argument when it exceeds `limit_bytes`.
caf::expected<std::string> read_small_file(const std::filesystem::path& path, size_t limit_bytes);

}  // namespace et
