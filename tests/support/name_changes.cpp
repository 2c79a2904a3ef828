#include "tests/support/name_changes.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <set>
#include <vector>

#include "tests/support/raw_calls.hpp"

namespace et::test {

namespace {

namespace fs = std::filesystem;

bool is_there(const place& at, struct stat& status) {
  return ::fstatat(at.folder->fd(), at.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
}

void remove_tree(int folder, const std::string& name) {
  if (raw::unlink_at(folder, name.c_str(), 0) == 0) return;
  std::error_code ignored;
  fs::remove_all(raw::path_of(folder) + "/" + name, ignored);
}

}  // namespace

folder_handle::~folder_handle() {
  raw::close(fd_);
}

name_changes::name_changes(std::string removed_folder)
    : removed_folder_(std::move(removed_folder)) {
  raw::make_folder_at(AT_FDCWD, removed_folder_.c_str(), 0700);
  removed_fd_ = raw::open_at(AT_FDCWD, removed_folder_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
}

name_changes::~name_changes() {
  raw::close(removed_fd_);
  std::error_code ignored;
  fs::remove_all(removed_folder_, ignored);
}

int name_changes::find(const std::string& path, place& found) {
  auto slash = path.rfind('/');
  found.name = path.substr(slash + 1);
  auto folder = path.substr(0, slash);
  int fd = raw::open_at(AT_FDCWD, folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return -1;
  struct stat status {};
  ::fstat(fd, &status);
  found.inode = status.st_ino;
  auto& known = folders_[found.inode];
  found.folder = known.lock();
  if (found.folder) {
    raw::close(fd);
  } else {
    found.folder = std::make_shared<folder_handle>(fd);
    known = found.folder;
  }
  return 0;
}

void name_changes::made(const place& at) {
  changes_.push_back({kind::made, {}, at, {}});
}

int name_changes::rename(const place& from, const place& to, unsigned flags) {
  struct stat old {
  }, replaced{};
  if (!is_there(from, old)) return -1;
  change one{kind::renamed, from, to, {}};
  if (flags == 0 && is_there(to, replaced)) {
    if (old.st_ino == replaced.st_ino) return 0;
    one.removed = next_removed();
    // A second name for a file, so that the first is never missing; folders cannot have one.
    int kept =
        S_ISDIR(replaced.st_mode)
            ? raw::rename_at(to.folder->fd(), to.name.c_str(), removed_fd_, one.removed.c_str(), 0)
            : raw::link_at(to.folder->fd(), to.name.c_str(), removed_fd_, one.removed.c_str(), 0);
    if (kept != 0) return -1;
  }
  if (raw::rename_at(from.folder->fd(), from.name.c_str(), to.folder->fd(), to.name.c_str(),
                     flags) != 0)
    return -1;
  changes_.push_back(std::move(one));
  return 0;
}

int name_changes::unlink(const place& at) {
  struct stat status {};
  if (!is_there(at, status)) return -1;
  if (S_ISDIR(status.st_mode)) return errno = EISDIR, -1;
  change one{kind::removed, at, {}, next_removed()};
  if (raw::rename_at(at.folder->fd(), at.name.c_str(), removed_fd_, one.removed.c_str(), 0) != 0)
    return -1;
  changes_.push_back(std::move(one));
  return 0;
}

int name_changes::remove_folder(const place& at) {
  struct stat status {};
  if (!is_there(at, status)) return -1;
  if (!S_ISDIR(status.st_mode)) return errno = ENOTDIR, -1;
  std::error_code code;
  if (!fs::is_empty(raw::path_of(at.folder->fd()) + "/" + at.name, code))
    return errno = code ? code.value() : ENOTEMPTY, -1;
  change one{kind::removed, at, {}, next_removed()};
  if (raw::rename_at(at.folder->fd(), at.name.c_str(), removed_fd_, one.removed.c_str(), 0) != 0)
    return -1;
  changes_.push_back(std::move(one));
  return 0;
}

void name_changes::settle(const change& one) {
  if (!one.removed.empty()) remove_tree(removed_fd_, one.removed);
}

void name_changes::take_back(const change& one) {
  switch (one.what) {
    case kind::made:
      return remove_tree(one.to.folder->fd(), one.to.name);
    case kind::renamed:
      raw::rename_at(one.to.folder->fd(), one.to.name.c_str(), one.from.folder->fd(),
                     one.from.name.c_str(), 0);
      if (!one.removed.empty())
        raw::rename_at(removed_fd_, one.removed.c_str(), one.to.folder->fd(), one.to.name.c_str(),
                       0);
      return;
    case kind::removed:
      raw::rename_at(removed_fd_, one.removed.c_str(), one.from.folder->fd(), one.from.name.c_str(),
                     0);
  }
}

void name_changes::synced(uint64_t folder_inode) {
  std::set<uint64_t> stay{folder_inode};
  for (auto one = changes_.end(); one != changes_.begin();) {
    --one;
    bool bound = (one->from.folder && stay.contains(one->from.inode)) ||
                 (one->to.folder && stay.contains(one->to.inode));
    if (!bound) continue;
    if (one->from.folder) stay.insert(one->from.inode);
    if (one->to.folder) stay.insert(one->to.inode);
    settle(*one);
    one = changes_.erase(one);
  }
}

/// For each folder how many of its changes stay.
name_changes::cuts name_changes::choose_cuts(std::mt19937_64& random) const {
  std::map<uint64_t, size_t> all;
  std::vector<uint64_t> order;
  auto note = [&](const place& at) {
    if (!at.folder) return;
    if (all[at.inode]++ == 0) order.push_back(at.inode);
  };
  for (const auto& one : changes_) {
    note(one.from);
    if (!one.from.folder || !one.to.folder || one.to.inode != one.from.inode) note(one.to);
  }
  cuts chosen;
  // Nothing lost, everything lost, and anything between are all worth seeing often.
  auto style = random() % 4;
  for (auto inode : order) {
    auto count = all[inode];
    chosen[inode] = style == 0 ? count : style == 1 ? 0 : random() % (count + 1);
  }
  return chosen;
}

void name_changes::lose(std::mt19937_64& random) {
  auto left = choose_cuts(random);
  std::vector<change> lost;
  for (auto& one : changes_) {
    bool stays = true;
    auto look = [&](const place& at) { stays = stays && (!at.folder || left[at.inode] > 0); };
    look(one.from);
    look(one.to);
    auto count_down = [&](const place& at) {
      // Once one is lost in a folder all later ones of it are.
      if (at.folder) left[at.inode] = stays ? left[at.inode] - 1 : 0;
    };
    count_down(one.from);
    if (!one.from.folder || one.to.inode != one.from.inode) count_down(one.to);
    if (stays)
      settle(one);
    else
      lost.push_back(one);
  }
  for (auto one = lost.rbegin(); one != lost.rend(); ++one) take_back(*one);
  changes_.clear();
}

void name_changes::keep_all() {
  for (const auto& one : changes_) settle(one);
  changes_.clear();
}

}  // namespace et::test
