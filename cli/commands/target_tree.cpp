#include "cli/commands/target_tree.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>

#include "cli/list_file.hpp"

namespace et {

namespace {

constexpr size_t read_piece_bytes = 1024 * 1024;

bool is_plain(const std::string& path) {
  std::string plain = path;
  return path.size() > 1 && path.front() == '/' && path.size() < PATH_MAX && make_plain(plain) &&
         plain == path && path.find('\0') == std::string::npos;
}

// Whether a path in a folder that is known to be plain is plain itself.
bool is_plain_name(std::string_view name, size_t path_bytes) {
  return !name.empty() && name != "." && name != ".." && path_bytes < PATH_MAX &&
         name.find('\0') == std::string_view::npos;
}

caf::error folder_error(const std::string& folder, int error) {
  if (error == ELOOP || error == ENOTDIR || error == EXDEV) {
    return fail(errc::invalid_argument,
                "will not write there: a link or no folder stands in the way at " + folder);
  }
  return fail_errno("cannot enter " + folder, error);
}

// `/a/b/` beneath the target, as the kernel is asked for it.
std::string relative(std::string_view folder) {
  return folder.size() <= 1 ? "." : std::string{folder.substr(1, folder.size() - 2)};
}

int open_folder(int top_fd, std::string_view folder) {
  return open_without_links(top_fd, relative(folder).c_str(), O_PATH | O_DIRECTORY);
}

// The topmost folder that is missing of `folder`, which is.
std::string first_missing(int top_fd, const std::string& folder) {
  for (size_t end = folder.find('/', 1); end != std::string::npos;
       end = folder.find('/', end + 1)) {
    auto part = folder.substr(0, end + 1);
    unique_fd fd{open_folder(top_fd, part)};
    if (!fd) return errno == ENOENT ? part : folder;
  }
  return folder;
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

bool target_tree::has_room(uint64_t size_bytes) const {
  struct statvfs found {};
  if (::fstatvfs(folder_fd, &found) != 0) return true;
  uint64_t blocks = ::geteuid() == 0 ? found.f_bfree : found.f_bavail;
  return blocks * found.f_frsize >= size_bytes;
}

target_cursor::target_cursor(target_tree& tree)
    : tree_(tree), temporary_(tree.temporaries.name(tree.cursors++)) {}

caf::error target_cursor::make_folders(const std::string& folder) {
  unique_fd current;
  for (size_t at = 1; at < folder.size();) {
    size_t end = folder.find('/', at);
    std::string part = folder.substr(at, end - at);
    int in = current ? current.get() : tree_.folder_fd;
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

// In path order a folder comes up again only after folders inside it: those it lies in are enough
// to remember.
void target_cursor::clean(const std::string& folder) {
  while (!cleaned_.empty() && !folder.starts_with(cleaned_.back())) cleaned_.pop_back();
  if (!cleaned_.empty() && cleaned_.back() == folder) return;
  cleaned_.push_back(folder);
  tree_.temporaries.remove_dead(folder_fd_.get());
}

caf::error target_cursor::enter_folder(std::string_view folder, bool make) {
  std::string wanted{folder};
  folder_.clear();
  folder_fd_.reset(open_folder(tree_.folder_fd, wanted));
  int error = folder_fd_ ? 0 : errno;
  if (error == ENOENT && !make) {
    absent_ = first_missing(tree_.folder_fd, wanted);
    return fail(errc::not_found, "no folder");
  }
  if (error == ENOENT) {
    if (auto failed = make_folders(wanted)) return failed;
  } else if (error != 0) {
    return folder_error(wanted.substr(0, wanted.size() - 1), error);
  }
  folder_ = std::move(wanted);
  if (!make) clean(folder_);
  return caf::none;
}

// Returns the file's name in its folder, which is folder_fd_ then; not_found when there is no
// folder.
caf::expected<const char*> target_cursor::enter(const std::string& path, bool make) {
  size_t slash = path.rfind('/');
  if (slash == std::string::npos) slash = 0;
  auto folder = std::string_view{path}.substr(0, slash + 1);
  bool here = !folder_.empty() && folder == folder_;
  bool plain =
      here ? is_plain_name(std::string_view{path}.substr(slash + 1), path.size()) : is_plain(path);
  if (!plain) return fail(errc::invalid_argument, "not a plain absolute path; not written");
  if (!here) {
    if (!make && !absent_.empty() && folder.starts_with(absent_)) {
      return fail(errc::not_found, "no folder");
    }
    if (auto error = enter_folder(folder, make)) return error;
  }
  return path.c_str() + slash + 1;
}

caf::expected<target_state> target_cursor::compare(const file_row& row) {
  auto name = enter(row.entry.path, false);
  if (!name) {
    if (code_of(name.error()) == errc::not_found) return target_state::absent;
    return name.error();
  }
  struct stat found {};
  if (::fstatat(folder_fd_.get(), *name, &found, AT_SYMLINK_NOFOLLOW) != 0) {
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

caf::expected<bool> target_cursor::same_content(const char* name, const file_row& row) {
  unique_fd file{::openat(folder_fd_.get(), name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)};
  if (!file) return fail_errno("cannot read the existing file", errno);
  if (!buffer_) buffer_ = std::make_unique_for_overwrite<uint8_t[]>(read_piece_bytes);
  uint64_t size = row.entry.size_bytes;
  std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> hash{nullptr, &XXH3_freeState};
  if (size > read_piece_bytes) {
    hash.reset(XXH3_createState());
    XXH3_128bits_reset(hash.get());
  }
  for (uint64_t at = 0; at < size;) {
    if (tree_.stop) return fail(errc::interrupted, "interrupted");
    auto wanted = static_cast<size_t>(std::min<uint64_t>(read_piece_bytes, size - at));
    auto n = read_at(file.get(), buffer_.get(), wanted, at);
    if (!n) return n.error();
    if (*n < wanted) return false;
    if (!hash) return checksum_of({buffer_.get(), wanted}) == row.checksum;
    XXH3_128bits_update(hash.get(), buffer_.get(), wanted);
    at += wanted;
  }
  auto digest = XXH3_128bits_digest(hash.get());
  return file_checksum{digest.high64, digest.low64} == row.checksum;
}

target_place target_cursor::place(const char* name, bool replace) {
  return {folder_fd_.get(), name, temporary_.c_str(), replace, &tree_.owner_errno};
}

caf::error target_cursor::put(const file_row& row, std::span<const uint8_t> data, bool replace) {
  if (data.size() != row.entry.size_bytes) {
    return fail(errc::corrupt, "got " + std::to_string(data.size()) + " of " +
                                   std::to_string(row.entry.size_bytes) + " bytes; not written");
  }
  auto checksum = checksum_of(data);
  if (!data.empty() && checksum != row.checksum) {
    return fail(errc::corrupt, "checksum " + to_string(checksum) + " instead of " +
                                   to_string(row.checksum) + "; not written");
  }
  auto name = enter(row.entry.path, true);
  if (!name) return name.error();
  target_file file{place(*name, replace), row};
  if (auto error = file.open(true)) return error;
  if (auto error = file.write(data)) return error;
  return file.finish();
}

caf::expected<std::unique_ptr<target_file>> target_cursor::create(const file_row& row,
                                                                  bool replace) {
  auto name = enter(row.entry.path, true);
  if (!name) return name.error();
  auto file = std::make_unique<target_file>(place(*name, replace), row);
  if (auto error = file->open(false)) return error;
  return file;
}

}  // namespace et
