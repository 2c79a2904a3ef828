#include "cli/commands/target_tree.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <cstring>
#include <vector>

#include "cli/list_file.hpp"

namespace et {

namespace {

constexpr size_t read_piece_bytes = 1024 * 1024;
constexpr unsigned no_replace = 1;  // RENAME_NOREPLACE, which headers only show with extensions

file_checksum checksum_of(XXH128_hash_t hash) {
  return {hash.high64, hash.low64};
}

// Several files of one folder may have names that are cut to the same temporary one.
std::string temporary_name(const std::string& name) {
  static std::atomic<uint64_t> counter{0};
  std::string end = ".et-part-" + std::to_string(getpid());
  if (name.size() + 1 + end.size() <= NAME_MAX) return "." + name + end;
  end = "." + std::to_string(++counter) + end;
  return "." + name.substr(0, NAME_MAX - 1 - end.size()) + end;
}

bool is_plain(const std::string& path) {
  std::string plain = path;
  return path.size() > 1 && path.front() == '/' && path.size() < PATH_MAX && make_plain(plain) &&
         plain == path && path.find('\0') == std::string::npos;
}

caf::error folder_error(const std::string& folder, int error) {
  if (error == ELOOP || error == ENOTDIR || error == EXDEV) {
    return fail(errc::invalid_argument,
                "will not write there: a link or no folder stands in the way at " + folder);
  }
  return fail_errno("cannot enter " + folder, error);
}

}  // namespace

caf::expected<unique_fd> open_target(const std::string& folder) {
  if (folder.empty() || folder.front() != '/') {
    return fail(errc::invalid_argument, "-r: DIR must be an absolute path");
  }
  int fd = ::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return fail_errno("cannot write to " + folder, errno);
  unique_fd owned{fd};
  if (::faccessat(fd, ".", W_OK | X_OK, AT_EACCESS) != 0) {
    int error = errno;
    return fail(errc::io_error, "cannot write to " + folder + ": " + std::strerror(error));
  }
  return owned;
}

caf::error target_cursor::make_folders(const std::string& folder) {
  unique_fd current;
  size_t at = 0;
  while (at < folder.size()) {
    size_t end = std::min(folder.find('/', at), folder.size());
    std::string part = folder.substr(at, end - at);
    int in = current ? current.get() : top_;
    if (::mkdirat(in, part.c_str(), 0755) != 0 && errno != EEXIST) {
      return fail_errno("cannot make the folder " + folder.substr(0, end), errno);
    }
    int fd = open_without_links(in, part.c_str(), O_PATH | O_DIRECTORY);
    if (fd < 0) return folder_error(folder.substr(0, end), errno);
    current.reset(fd);
    at = end + 1;
  }
  folder_fd_ = std::move(current);
  return caf::none;
}

// Returns the file's name in its folder, which is folder_fd_ then; not_found when there is no
// folder.
caf::expected<std::string> target_cursor::enter(const file_row& row, bool make) {
  const std::string& path = row.entry.path;
  if (!is_plain(path))
    return fail(errc::invalid_argument, "not a plain absolute path; not written");
  size_t slash = path.rfind('/');
  std::string name = path.substr(slash + 1);
  std::string folder = slash == 0 ? "." : path.substr(1, slash - 1);
  if (folder_fd_ && folder == folder_) return name;
  folder_fd_.reset(open_without_links(top_, folder.c_str(), O_PATH | O_DIRECTORY));
  int error = folder_fd_ ? 0 : errno;
  if (error == ENOENT && !make) return fail(errc::not_found, "no folder");
  if (error == ENOENT) {
    if (auto failed = make_folders(folder)) return failed;
  } else if (error != 0) {
    return folder_error(folder, error);
  }
  folder_ = std::move(folder);
  return name;
}

caf::expected<target_state> target_cursor::compare(const file_row& row) {
  auto name = enter(row, false);
  if (!name) {
    if (code_of(name.error()) == errc::not_found) return target_state::absent;
    return name.error();
  }
  struct stat found {};
  if (::fstatat(folder_fd_.get(), name->c_str(), &found, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return target_state::absent;
    return fail_errno("cannot look at the target", errno);
  }
  int64_t mtime_ns = found.st_mtim.tv_sec * 1'000'000'000 + found.st_mtim.tv_nsec;
  if (!S_ISREG(found.st_mode) || static_cast<uint64_t>(found.st_size) != row.entry.size_bytes ||
      mtime_ns != row.entry.mtime_ns) {
    return target_state::different;
  }
  if (row.entry.size_bytes == 0) return target_state::same;
  auto same = same_content(*name, row);
  if (!same) return same.error();
  return *same ? target_state::same : target_state::different;
}

caf::expected<bool> target_cursor::same_content(const std::string& name, const file_row& row) {
  unique_fd file{::openat(folder_fd_.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC)};
  if (!file) return fail_errno("cannot read the existing file", errno);
  std::vector<uint8_t> buffer(
      static_cast<size_t>(std::min<uint64_t>(read_piece_bytes, row.entry.size_bytes)));
  std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> hash{XXH3_createState(),
                                                                &XXH3_freeState};
  XXH3_128bits_reset(hash.get());
  for (uint64_t at = 0; at < row.entry.size_bytes;) {
    if (stop_) return fail(errc::interrupted, "interrupted");
    auto n = read_at(file.get(), buffer.data(), buffer.size(), at);
    if (!n) return n.error();
    if (*n == 0) return false;
    XXH3_128bits_update(hash.get(), buffer.data(), *n);
    at += *n;
  }
  return checksum_of(XXH3_128bits_digest(hash.get())) == row.checksum;
}

caf::expected<std::unique_ptr<target_file>> target_cursor::create(const file_row& row,
                                                                  bool replace) {
  auto name = enter(row, true);
  if (!name) return name.error();
  unique_fd folder{::fcntl(folder_fd_.get(), F_DUPFD_CLOEXEC, 3)};
  if (!folder) return fail_errno("cannot keep the folder open", errno);
  std::unique_ptr<target_file> file{new target_file{std::move(folder), *name, row, replace}};
  if (auto error = file->open_temporary()) return error;
  return file;
}

caf::error target_file::open_temporary() {
  // A temporary file with our process id is left over from a process long gone: one more try.
  for (int attempt = 0; attempt < 2; ++attempt) {
    std::string name = temporary_name(name_);
    int fd = ::openat(folder_.get(), name.c_str(),
                      O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd >= 0) {
      file_.reset(fd);
      temporary_ = std::move(name);
      return caf::none;
    }
    if (errno != EEXIST) break;
    ::unlinkat(folder_.get(), name.c_str(), 0);
  }
  return fail_errno("cannot create", errno);
}

target_file::~target_file() {
  if (hash_ != nullptr) XXH3_freeState(hash_);
  if (!temporary_.empty()) ::unlinkat(folder_.get(), temporary_.c_str(), 0);
}

caf::error target_file::write(std::span<const uint8_t> data) {
  bool whole = size_bytes_ == 0 && data.size() == row_.entry.size_bytes;
  if (whole) {
    checksum_ = checksum_of(XXH3_128bits(data.data(), data.size()));
  } else {
    if (hash_ == nullptr) {
      hash_ = XXH3_createState();
      XXH3_128bits_reset(hash_);
    }
    XXH3_128bits_update(hash_, data.data(), data.size());
  }
  size_bytes_ += data.size();
  if (auto error = write_all(file_.get(), data.data(), data.size())) {
    return with_context(error, "cannot write");
  }
  return caf::none;
}

caf::error target_file::set_attributes() {
  uint32_t mode = row_.entry.mode & 07777;
  if (geteuid() == 0) {
    // Before the mode: a change of owner clears the bits that give its rights away.
    if (::fchown(file_.get(), row_.entry.uid, row_.entry.gid) != 0) mode &= 01777;
  } else if (row_.entry.uid != geteuid()) {
    mode &= 01777;
  }
  if (::fchmod(file_.get(), mode) != 0) return fail_errno("cannot set the mode", errno);
  timespec times[2] = {{0, UTIME_OMIT}, {}};
  int64_t seconds = row_.entry.mtime_ns / 1'000'000'000;
  int64_t rest = row_.entry.mtime_ns % 1'000'000'000;
  if (rest < 0) {
    rest += 1'000'000'000;
    --seconds;
  }
  times[1].tv_sec = seconds;
  times[1].tv_nsec = rest;
  if (::futimens(file_.get(), times) != 0) return fail_errno("cannot set the time", errno);
  return caf::none;
}

caf::error target_file::give_name() {
  const char* from = temporary_.c_str();
  int in = folder_.get();
  unsigned flags = replace_ ? 0 : no_replace;
  long result = ::syscall(SYS_renameat2, in, from, in, name_.c_str(), flags);
  if (result != 0 && errno == EINVAL && !replace_) {
    // A file system without the flag: the check and the rename are two steps there.
    if (::faccessat(in, name_.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
      errno = EEXIST;
    } else {
      result = ::renameat(in, from, in, name_.c_str());
    }
  }
  if (result == 0) {
    temporary_.clear();
    return caf::none;
  }
  if (errno == EEXIST) {
    return fail(errc::already_exists, "another file has appeared there meanwhile; not replaced");
  }
  return fail_errno("cannot give it its name", errno);
}

caf::error target_file::finish() {
  if (hash_ != nullptr) checksum_ = checksum_of(XXH3_128bits_digest(hash_));
  if (size_bytes_ != row_.entry.size_bytes) {
    return fail(errc::corrupt, "got " + std::to_string(size_bytes_) + " of " +
                                   std::to_string(row_.entry.size_bytes) + " bytes; not written");
  }
  if (size_bytes_ > 0 && checksum_ != row_.checksum) {
    return fail(errc::corrupt, "checksum " + to_string(checksum_) + " instead of " +
                                   to_string(row_.checksum) + "; not written");
  }
  if (auto error = set_attributes()) return error;
  // Network file systems tell late that there is no room.
  if (::close(file_.release()) != 0 && errno != EINTR) return fail_errno("cannot write", errno);
  return give_name();
}

}  // namespace et
