#include "storage/os/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

namespace et {

void unique_fd::reset(int fd) {
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

caf::expected<unique_fd> open_file(const std::filesystem::path& path, int flags, int mode) {
  int fd = -1;
  do {
    fd = ::open(path.c_str(), flags | O_CLOEXEC, mode);
  } while (fd < 0 && errno == EINTR);
  if (fd < 0)
    return fail_errno("cannot open " + path.string(), errno,
                      errno == ENOENT ? errc::not_found : errc::io_error);
  return unique_fd{fd};
}

caf::expected<size_t> read_at(int fd, void* data, size_t size, uint64_t offset) {
  size_t done = 0;
  while (done < size) {
    auto n = ::pread(fd, static_cast<char*>(data) + done, size - done,
                     static_cast<off_t>(offset + done));
    if (n < 0) {
      if (errno == EINTR) continue;
      return fail_errno("cannot read at offset " + std::to_string(offset + done), errno);
    }
    if (n == 0) break;
    done += static_cast<size_t>(n);
  }
  return done;
}

caf::error write_at(int fd, const void* data, size_t size, uint64_t offset) {
  size_t done = 0;
  while (done < size) {
    auto n = ::pwrite(fd, static_cast<const char*>(data) + done, size - done,
                      static_cast<off_t>(offset + done));
    if (n < 0) {
      if (errno == EINTR) continue;
      return fail_errno("cannot write at offset " + std::to_string(offset + done), errno);
    }
    done += static_cast<size_t>(n);
  }
  return caf::none;
}

caf::error write_all(int fd, const void* data, size_t size) {
  size_t done = 0;
  while (done < size) {
    auto n = ::write(fd, static_cast<const char*>(data) + done, size - done);
    if (n < 0) {
      if (errno == EINTR) continue;
      return fail_errno("cannot write", errno);
    }
    done += static_cast<size_t>(n);
  }
  return caf::none;
}

caf::error sync_data(int fd) {
  if (::fdatasync(fd) != 0) return fail_errno("cannot flush to disk", errno);
  return caf::none;
}

caf::error sync_folder(const std::filesystem::path& folder) {
  auto fd = open_file(folder, O_RDONLY | O_DIRECTORY);
  if (!fd) return fd.error();
  if (::fsync(fd->get()) != 0) return fail_errno("cannot flush folder " + folder.string(), errno);
  return caf::none;
}

caf::error make_folders(const std::filesystem::path& folder) {
  std::error_code code;
  auto whole = std::filesystem::absolute(folder, code).lexically_normal();
  // `a/b/` has an empty last part.
  if (!whole.has_filename()) whole = whole.parent_path();
  std::vector<std::filesystem::path> missing;
  for (auto part = whole; !std::filesystem::exists(part, code) && part.has_relative_path();
       part = part.parent_path())
    missing.push_back(part);
  std::filesystem::create_directories(whole, code);
  if (code) return fail_errno("cannot make the folder " + folder.string(), code.value());
  for (auto& made : missing)
    if (auto error = sync_folder(made.parent_path())) return error;
  // Of one that was there it may not be allowed; then it is not ours.
  if (missing.empty()) (void)sync_folder(whole.parent_path());
  return caf::none;
}

void start_writeback(int fd, uint64_t offset, uint64_t size) {
  ::sync_file_range(fd, static_cast<off_t>(offset), static_cast<off_t>(size),
                    SYNC_FILE_RANGE_WRITE);
}

caf::error replace_file(const std::filesystem::path& path, std::string_view text, int mode) {
  auto temporary = path;
  temporary += ".new";
  {
    auto fd = open_file(temporary, O_WRONLY | O_CREAT | O_TRUNC, mode);
    if (!fd) return fd.error();
    if (auto err = write_all(fd->get(), text.data(), text.size())) return err;
    if (auto err = sync_data(fd->get())) return err;
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0)
    return fail_errno("cannot rename " + temporary.string(), errno);
  return sync_folder(path.parent_path());
}

caf::expected<std::string> read_small_file(const std::filesystem::path& path, size_t limit_bytes) {
  auto fd = open_file(path, O_RDONLY);
  if (!fd) return fd.error();
  std::string text(limit_bytes + 1, '\0');
  auto n = read_at(fd->get(), text.data(), text.size(), 0);
  if (!n) return with_context(n.error(), path.string());
  if (*n > limit_bytes)
    return fail(errc::invalid_argument,
                path.string() + " is larger than " + std::to_string(limit_bytes) + " bytes");
  text.resize(*n);
  return text;
}

}  // namespace et
