#include "storage/cache/source_reader.hpp"

#include <fcntl.h>
#include <grp.h>
#include <linux/openat2.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>

namespace et {

namespace {

// The C library's setfsuid and friends would be right, but its setgroups changes every thread of
// the process; the bare system calls change the calling thread only.
caf::error act_as(const source_credentials& who) {
  if (::geteuid() != 0) {
    if (who.uid == ::geteuid()) return {};
    return fail(errc::source_unreadable, "cannot be read for " + who.user +
                                             ": the service runs as uid " +
                                             std::to_string(::geteuid()) + ", not as root");
  }
  static_assert(sizeof(gid_t) == sizeof(uint32_t));
  if (::syscall(SYS_setgroups, who.groups.size(), who.groups.data()) != 0)
    return fail_errno("cannot take the groups of " + who.user, errno, errc::unavailable);
  ::syscall(SYS_setfsgid, who.gid);
  ::syscall(SYS_setfsuid, who.uid);
  // These two never fail, they return the id from before; an impossible id only asks.
  auto gid = static_cast<uint32_t>(::syscall(SYS_setfsgid, -1));
  auto uid = static_cast<uint32_t>(::syscall(SYS_setfsuid, -1));
  if (gid != who.gid || uid != who.uid)
    return fail(errc::unavailable, "the service lacks the right to act as " + who.user);
  return {};
}

int open_at(int folder, const char* path, uint64_t flags) {
  open_how how{};
  how.flags = flags | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  long fd = -1;
  do {
    fd = ::syscall(SYS_openat2, folder, path, &how, sizeof how);
  } while (fd < 0 && errno == EINTR);
  return static_cast<int>(fd);
}

int64_t to_ns(const timespec& time) {
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

source_stamp stamp_of(const struct stat& status) {
  return {static_cast<uint64_t>(status.st_size), to_ns(status.st_mtim), to_ns(status.st_ctim)};
}

const char* kind_of(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFDIR:
      return "is a folder";
    case S_IFLNK:
      return "is a link";
    case S_IFIFO:
      return "is a fifo";
    case S_IFSOCK:
      return "is a socket";
    case S_IFCHR:
    case S_IFBLK:
      return "is a device";
    default:
      return "is of an unknown kind";
  }
}

// `1700000000.000000001`: what `stat -c %.9Y` shows.
std::string time_text(int64_t time_ns) {
  auto seconds = time_ns / 1'000'000'000;
  auto rest = time_ns % 1'000'000'000;
  if (rest < 0) {
    --seconds;
    rest += 1'000'000'000;
  }
  char text[40];
  std::snprintf(text, sizeof text, "%lld.%09lld", static_cast<long long>(seconds),
                static_cast<long long>(rest));
  return text;
}

std::string mode_text(uint32_t mode) {
  char text[8];
  std::snprintf(text, sizeof text, "%04o", mode & 07777);
  return text;
}

caf::error check_registered(const struct stat& status, const file_entry& file) {
  if (!S_ISREG(status.st_mode))
    return fail(errc::source_changed,
                std::string{kind_of(status.st_mode)} + ", not a regular file");
  auto now = stamp_of(status);
  if (now.size_bytes != file.size_bytes)
    return fail(errc::source_changed, "has " + std::to_string(now.size_bytes) + " bytes, " +
                                          std::to_string(file.size_bytes) + " were registered");
  if (now.mtime_ns != file.mtime_ns)
    return fail(errc::source_changed, "was modified at " + time_text(now.mtime_ns) + ", " +
                                          time_text(file.mtime_ns) + " was registered");
  // Whoever gets the file as root gets these restored: a client must not make them up.
  if (status.st_uid != file.uid || status.st_gid != file.gid)
    return fail(errc::source_changed, "belongs to " + std::to_string(status.st_uid) + ":" +
                                          std::to_string(status.st_gid) + ", " +
                                          std::to_string(file.uid) + ":" +
                                          std::to_string(file.gid) + " was registered");
  if ((status.st_mode & 07777) != file.mode)
    return fail(errc::source_changed, "has mode " + mode_text(status.st_mode) + ", " +
                                          mode_text(file.mode) + " was registered");
  return {};
}

}  // namespace

bool concerns_source(errc code) {
  return code == errc::source_changed || code == errc::source_unreadable ||
         code == errc::not_authorised || code == errc::invalid_argument;
}

caf::expected<source_credentials> look_up_credentials(uint32_t uid, uint32_t gid) {
  source_credentials found{uid, gid, {}, std::to_string(uid)};
  std::vector<char> text(4096);
  passwd entry{};
  passwd* user = nullptr;
  int result = 0;
  while ((result = ::getpwuid_r(uid, &entry, text.data(), text.size(), &user)) == ERANGE &&
         text.size() < (1u << 20))
    text.resize(text.size() * 2);
  // The manual allows these for "no such user".
  if (result == ENOENT || result == ESRCH || result == EPERM)
    user = nullptr;
  else if (result != 0)
    return fail_errno("cannot look up uid " + std::to_string(uid), result, errc::unavailable);
  if (!user) return found;
  found.user = user->pw_name;
  int count = 64;
  found.groups.resize(64);
  while (::getgrouplist(user->pw_name, gid, found.groups.data(), &count) < 0) {
    if (count <= static_cast<int>(found.groups.size()))
      return fail(errc::unavailable, "cannot look up the groups of " + found.user);
    found.groups.resize(static_cast<size_t>(count));
  }
  found.groups.resize(static_cast<size_t>(count));
  return found;
}

caf::error check_unchanged(const open_source& source) {
  struct stat status {};
  if (::fstat(source.fd.get(), &status) != 0)
    return fail_errno("cannot be examined", errno, errc::source_unreadable);
  auto now = stamp_of(status);
  if (now == source.stamp) return {};
  std::string text = "changed while it was read";
  if (now.size_bytes != source.stamp.size_bytes)
    text += ": from " + std::to_string(source.stamp.size_bytes) + " to " +
            std::to_string(now.size_bytes) + " bytes";
  return fail(errc::source_changed, std::move(text));
}

caf::error read_source(const open_source& source, uint8_t* data, size_t size_bytes,
                       uint64_t offset_bytes) {
  size_t done = 0;
  while (done < size_bytes) {
    auto n = ::pread(source.fd.get(), data + done, size_bytes - done,
                     static_cast<off_t>(offset_bytes + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0)
      return fail_errno("cannot be read at byte " + std::to_string(offset_bytes + done), errno,
                        errc::source_unreadable);
    if (n == 0)
      return fail(errc::source_changed, "shrank while it was read: from " +
                                            std::to_string(source.stamp.size_bytes) + " to " +
                                            std::to_string(offset_bytes + done) + " bytes");
    done += static_cast<size_t>(n);
  }
  return {};
}

source_reader::source_reader(source_credentials credentials, const std::vector<std::string>& roots)
    : credentials_(std::move(credentials)) {
  if (credentials_.user.empty()) credentials_.user = "uid " + std::to_string(credentials_.uid);
  for (auto path : roots) {
    while (!path.empty() && path.back() == '/') path.pop_back();
    roots_.push_back({std::move(path), {}, 0});
  }
  std::ranges::sort(roots_, [](auto& a, auto& b) { return a.path.size() > b.path.size(); });
}

caf::error source_reader::enter_thread() {
  if (auto error = act_as(credentials_)) return error;
  // As the requester, who must be able to reach the root.
  std::call_once(roots_opened_, [this] { open_roots(); });
  return {};
}

void source_reader::open_roots() {
  for (auto& root : roots_) {
    root.folder.reset(
        ::open(root.path.empty() ? "/" : root.path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    root.open_errno = root.folder ? 0 : errno;
  }
}

const source_reader::workspace_root* source_reader::root_of(std::string_view path) const {
  for (auto& root : roots_)
    if (path.size() > root.path.size() + 1 && path[root.path.size()] == '/' &&
        path.starts_with(root.path))
      return &root;
  return nullptr;
}

// The descriptor, or -1 and errno. The kernel takes paths below PATH_MAX bytes; longer ones are
// walked in pieces, each beneath the folder of the piece before.
int source_reader::open_beneath(int folder, const char* relative, size_t length,
                                bool keep_access_time) const {
  unique_fd step;
  while (length >= PATH_MAX) {
    auto* cut = static_cast<const char*>(::memrchr(relative, '/', PATH_MAX - 1));
    if (!cut || cut == relative) {
      errno = ENAMETOOLONG;
      return -1;
    }
    auto piece = std::string(relative, cut);
    step.reset(open_at(folder, piece.c_str(), O_PATH | O_DIRECTORY));
    if (!step) return -1;
    folder = step.get();
    length -= static_cast<size_t>(cut + 1 - relative);
    relative = cut + 1;
  }
  constexpr uint64_t flags = O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY;
  if (keep_access_time) {
    int fd = open_at(folder, relative, flags | O_NOATIME);
    if (fd >= 0 || errno != EPERM) return fd;
  }
  return open_at(folder, relative, flags);
}

caf::error source_reader::open_failed(int errno_value) const {
  switch (errno_value) {
    case ENOENT:
    case ENOTDIR:
    case ESTALE:
      return fail(errc::source_unreadable, "is gone");
    case EACCES:
    case EPERM:
      return fail(errc::source_unreadable, "may not be read by " + credentials_.user);
    case ELOOP:
      return fail(errc::source_unreadable, "a link is in its path");
    case ENXIO:
      return fail(errc::source_changed, "is not a regular file");
    case EXDEV:
      return fail(errc::not_authorised, "its path leads out of the workspace");
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      return fail_errno("cannot open source files", errno_value, errc::limit_reached);
    case ENOSYS:
      return fail_errno("openat2 is needed", errno_value, errc::unavailable);
    default:
      return fail_errno("cannot be opened", errno_value, errc::source_unreadable);
  }
}

caf::expected<open_source> source_reader::open(const file_entry& file) {
  if (file.path.find('\0') != std::string::npos)
    return fail(errc::invalid_argument, "has a NUL byte in its path");
  auto* root = root_of(file.path);
  if (!root) return fail(errc::not_authorised, "is beneath no root of the workspace");
  if (root->open_errno != 0)
    return with_context(open_failed(root->open_errno), "the root " + root->path);
  auto skip = root->path.size() + 1;
  // Only the owner and root may ask for that; asking in vain costs a second call.
  bool keep_access_time = credentials_.uid == file.uid || credentials_.uid == 0;
  open_source source;
  source.fd.reset(open_beneath(root->folder.get(), file.path.c_str() + skip,
                               file.path.size() - skip, keep_access_time));
  if (!source.fd) return open_failed(errno);
  struct stat status {};
  if (::fstat(source.fd.get(), &status) != 0)
    return fail_errno("cannot be examined", errno, errc::source_unreadable);
  if (auto error = check_registered(status, file)) return error;
  source.stamp = stamp_of(status);
  return source;
}

}  // namespace et
