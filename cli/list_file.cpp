#include "cli/list_file.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstring>

#include "cli/interrupt.hpp"

namespace et {

namespace {

constexpr int look_interval_ms = 100;
constexpr std::string_view white_space = " \t\r\v\f";

// A pipe may stay silent for ever. False when a signal has come.
bool wait_readable(int fd) {
  pollfd watched{fd, POLLIN, 0};
  for (;;) {
    if (interrupt_caught()) return false;
    int n = ::poll(&watched, 1, look_interval_ms);
    if (n > 0 || (n < 0 && errno != EINTR)) return true;
  }
}

}  // namespace

bool line_reader::fill() {
  at_ = size_ = 0;
  for (;;) {
    if (!wait_readable(fd_)) {
      error_ = fail(errc::interrupted, "interrupted");
      return false;
    }
    ssize_t n = ::read(fd_, buffer_.data(), buffer_.size());
    if (n >= 0) {
      size_ = static_cast<size_t>(n);
      return n > 0;
    }
    if (errno == EINTR) continue;
    error_ = fail_errno("cannot read", errno);
    return false;
  }
}

bool line_reader::next(std::string& line) {
  line.clear();
  bool any = false;
  for (;;) {
    if (at_ == size_ && !fill()) break;
    any = true;
    const char* from = buffer_.data() + at_;
    auto* newline = static_cast<const char*>(std::memchr(from, '\n', size_ - at_));
    size_t length = newline != nullptr ? static_cast<size_t>(newline - from) : size_ - at_;
    if (line.size() < max_line_bytes) line.append(from, std::min(length, max_line_bytes));
    at_ += length + (newline != nullptr ? 1 : 0);
    if (newline != nullptr) break;
  }
  if (!any || error_) return false;
  ++number_;
  return true;
}

bool make_plain(std::string& path) {
  std::string plain;
  plain.reserve(path.size());
  size_t at = 0;
  while (at < path.size()) {
    size_t end = std::min(path.find('/', at), path.size());
    std::string_view part{path.data() + at, end - at};
    if (part == "..") return false;
    if (!part.empty() && part != ".") (plain += '/') += part;
    at = end + 1;
  }
  if (plain.empty()) plain = "/";
  path = std::move(plain);
  return true;
}

std::string check_line(std::string_view line, std::string& path) {
  size_t first = line.find_first_not_of(white_space);
  if (first == std::string_view::npos) return "blank line";
  if (first != 0 || line.find_last_not_of(white_space) + 1 != line.size()) {
    return line.back() == '\r' ? "white space at the end (carriage return)"
                               : "white space around the path";
  }
  if (line.find('\0') != std::string_view::npos) return "NUL byte in the path";
  if (line.front() != '/') return "not an absolute path";
  if (line.size() >= PATH_MAX) return "path longer than 4095 bytes";
  path = line;
  bool plain = line.find("//") == std::string_view::npos &&
               line.find("/.") == std::string_view::npos && line.back() != '/';
  if (plain) return {};
  bool folder = path.back() == '/' || path.ends_with("/.");
  if (!make_plain(path)) return "'..' in the path";
  return folder ? "directory" : "";
}

const char* kind_of(uint32_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return "regular file";
    case S_IFDIR:
      return "directory";
    case S_IFLNK:
      return "symbolic link";
    case S_IFSOCK:
      return "socket";
    case S_IFIFO:
      return "named pipe";
    case S_IFCHR:
      return "character device";
    case S_IFBLK:
      return "block device";
    default:
      return "special file";
  }
}

int open_without_links(int folder_fd, const char* path, int flags) {
  open_how how{};
  how.flags = static_cast<uint64_t>(flags) | O_CLOEXEC;
  how.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  if (folder_fd != AT_FDCWD) how.resolve |= RESOLVE_BENEATH;
  for (;;) {
    long fd = ::syscall(SYS_openat2, folder_fd, path, &how, sizeof how);
    // EAGAIN: a rename somewhere in the tree raced with the beneath check.
    if (fd >= 0 || (errno != EINTR && errno != EAGAIN)) return static_cast<int>(fd);
  }
}

std::string first_link(const std::string& path) {
  for (size_t at = path.find('/', 1);; at = path.find('/', at + 1)) {
    std::string part = path.substr(0, at);
    struct stat found {};
    if (::lstat(part.c_str(), &found) == 0 && S_ISLNK(found.st_mode)) return part;
    if (at == std::string::npos) return {};
  }
}

file_inspector::file_inspector() : all_readable_(geteuid() == 0) {}

std::string file_inspector::enter(const std::string& folder) {
  if (folder_fd_ && folder == folder_) return {};
  folder_fd_.reset(open_without_links(AT_FDCWD, folder.c_str(), O_PATH | O_DIRECTORY));
  folder_ = folder;
  if (folder_fd_) return {};
  int error = errno;
  if (error == ELOOP || error == ENOTDIR) {
    auto link = first_link(folder);
    if (!link.empty()) return "symbolic link in the path: " + link;
  }
  if (error == ENOENT || error == ENOTDIR) return "no such file";
  return std::strerror(error);
}

std::string file_inspector::look(const std::string& path, file_entry& entry) {
  size_t slash = path.rfind('/');
  auto reason = enter(slash == 0 ? "/" : path.substr(0, slash));
  if (!reason.empty()) return reason;
  const char* name = path.c_str() + slash + 1;
  struct stat found {};
  if (::fstatat(folder_fd_.get(), name, &found, AT_SYMLINK_NOFOLLOW) != 0) {
    return errno == ENOENT ? "no such file" : std::strerror(errno);
  }
  if (!S_ISREG(found.st_mode)) return kind_of(found.st_mode);
  if (!all_readable_ && ::faccessat(folder_fd_.get(), name, R_OK, AT_EACCESS) != 0) {
    return std::string{"cannot be read: "} + std::strerror(errno);
  }
  entry.path = path;
  entry.size_bytes = static_cast<uint64_t>(found.st_size);
  entry.mtime_ns = found.st_mtim.tv_sec * 1'000'000'000 + found.st_mtim.tv_nsec;
  entry.mode = found.st_mode & 07777;
  entry.uid = found.st_uid;
  entry.gid = found.st_gid;
  return {};
}

}  // namespace et
