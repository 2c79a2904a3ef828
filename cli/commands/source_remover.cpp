#include "cli/commands/source_remover.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <csignal>
#include <cstring>

#include "cli/list_file.hpp"

namespace et {

namespace {

constexpr unsigned no_replace = 1;  // RENAME_NOREPLACE, which headers only show with extensions

// Where a file waits for its last look. The same at every call, so that a later one finds it.
std::string aside_name(const std::string& name) {
  constexpr const char* end = ".et-release";
  return "." + name.substr(0, NAME_MAX - 1 - std::strlen(end)) + end;
}

// Never in the place of something: false and errno EEXIST then.
bool rename_in(int folder, const std::string& from, const std::string& to) {
  return ::syscall(SYS_renameat2, folder, from.c_str(), folder, to.c_str(), no_replace) == 0;
}

bool is_stored_one(const struct stat& found, const file_row& row) {
  return static_cast<uint64_t>(found.st_size) == row.entry.size_bytes &&
         found.st_mtim.tv_sec * 1'000'000'000 + found.st_mtim.tv_nsec == row.entry.mtime_ns;
}

removal_result kept(std::string reason) {
  return {removal::kept, std::move(reason)};
}

// Whether a lease tells there that others have a file open. Network file systems refuse leases, or
// refuse some with the same error as for an open file.
bool has_leases(int folder) {
  struct statfs about {};
  if (::fstatfs(folder, &about) != 0) return false;
  switch (static_cast<uint32_t>(about.f_type)) {
    case EXT4_SUPER_MAGIC:
    case XFS_SUPER_MAGIC:
    case BTRFS_SUPER_MAGIC:
    case TMPFS_MAGIC:
      return true;
    default:
      return false;
  }
}

}  // namespace

source_remover::source_remover(bool dry_run) : dry_run_(dry_run), user_(geteuid()) {
  std::signal(SIGIO, SIG_IGN);
}

// Empty when folder_fd_ is that folder; `gone` when there is none; else why not.
std::string source_remover::enter(const std::string& folder) {
  if (folder_fd_ && folder == folder_) return {};
  folder_ = folder;
  folder_fd_.reset(open_without_links(AT_FDCWD, folder.c_str(), O_RDONLY | O_DIRECTORY));
  if (!folder_fd_ && errno == EACCES)
    folder_fd_.reset(open_without_links(AT_FDCWD, folder.c_str(), O_PATH | O_DIRECTORY));
  int error = errno;
  if (folder_fd_) {
    leases_ = has_leases(folder_fd_.get());
    return {};
  }
  if (error == ENOENT) return "gone";
  if (error == ELOOP || error == ENOTDIR) return "a link is in its path now";
  return std::strerror(error);
}

// Why what has the name must stay, empty: it may go; `gone`: there is nothing.
std::string source_remover::check(const std::string& name, const file_row& row,
                                  struct stat& found) const {
  if (::fstatat(folder_fd_.get(), name.c_str(), &found, AT_SYMLINK_NOFOLLOW) != 0)
    return errno == ENOENT ? "gone" : std::strerror(errno);
  if (!S_ISREG(found.st_mode)) return std::string{"is a "} + kind_of(found.st_mode) + " now";
  if (!is_stored_one(found, row)) return "changed since it was stored";
  if (user_ != 0 && found.st_uid != user_) return "belongs to another user";
  return {};
}

// Left aside by a call that was killed: the file is where it was before, if that is free.
void source_remover::bring_back(const std::string& name) const {
  rename_in(folder_fd_.get(), aside_name(name), name);
}

removal_result source_remover::take_away(const std::string& name, const file_row& row,
                                         const struct stat& seen) {
  int folder = folder_fd_.get();
  unique_fd file{::openat(folder, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
  if (!file) return kept(std::strerror(errno));
  // Granted only while nobody else has the file open. Where there are no leases the two looks must
  // do.
  if (leases_ && ::fcntl(file.get(), F_SETLEASE, F_WRLCK) != 0 && errno == EAGAIN)
    return kept("is open in another program");
  auto aside = aside_name(name);
  if (!rename_in(folder, name, aside)) {
    if (errno == ENOENT) return {removal::gone, {}};
    return kept(std::strerror(errno));
  }
  struct stat now {};
  bool the_one = ::fstatat(folder, aside.c_str(), &now, AT_SYMLINK_NOFOLLOW) == 0 &&
                 now.st_dev == seen.st_dev && now.st_ino == seen.st_ino && S_ISREG(now.st_mode) &&
                 is_stored_one(now, row);
  if (the_one && ::unlinkat(folder, aside.c_str(), 0) == 0) return {removal::removed, {}};
  std::string why = the_one ? std::strerror(errno) : "changed since it was stored";
  if (!rename_in(folder, aside, name))
    why += "; it is at " + folder_ + "/" + aside + " now, for something else has its name";
  return kept(std::move(why));
}

removal_result source_remover::remove(const file_row& row) {
  const auto& path = row.entry.path;
  size_t slash = path.rfind('/');
  std::string name = path.substr(slash + 1);
  auto why = enter(slash == 0 ? "/" : path.substr(0, slash));
  struct stat found {};
  if (why.empty()) why = check(name, row, found);
  if (why == "gone" && folder_fd_ && !dry_run_) {
    bring_back(name);
    why = check(name, row, found);
  }
  if (why == "gone") return {removal::gone, {}};
  if (!why.empty()) return kept(std::move(why));
  if (::faccessat(folder_fd_.get(), ".", W_OK | X_OK, AT_EACCESS) != 0)
    return kept("its folder: " + std::string{std::strerror(errno)});
  if (dry_run_) return {removal::removed, {}};
  return take_away(name, row, found);
}

}  // namespace et
