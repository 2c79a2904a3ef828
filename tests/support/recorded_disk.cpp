#include "tests/support/recorded_disk.hpp"

#include <algorithm>
#include <cerrno>
#include <shared_mutex>
#include <vector>

#include "tests/support/raw_calls.hpp"

namespace et::test {

std::atomic<int> disk_count{0};

namespace {

thread_local int unnoted_depth = 0;

struct all_disks {
  std::shared_mutex mutex;
  std::vector<recorded_disk*> disks;
};

/// Never destroyed: calls come until the very end of the program.
all_disks& registry() {
  static auto* all = new all_disks;
  return *all;
}

int failed(int code) {
  errno = code;
  return -1;
}

}  // namespace

unnoted::unnoted() {
  ++unnoted_depth;
}
unnoted::~unnoted() {
  --unnoted_depth;
}
bool unnoted::now() {
  return unnoted_depth > 0;
}

recorded_disk* find_disk(const std::string& path) {
  std::shared_lock lock{registry().mutex};
  for (auto* disk : registry().disks)
    if (disk->holds(path)) return disk;
  return nullptr;
}

recorded_disk::recorded_disk(std::string folder) : folder_(std::move(folder)) {
  while (folder_.size() > 1 && folder_.back() == '/') folder_.pop_back();
}

void recorded_disk::take_part() {
  std::unique_lock lock{registry().mutex};
  registry().disks.push_back(this);
  ++disk_count;
}

void recorded_disk::leave() {
  std::unique_lock lock{registry().mutex};
  std::erase(registry().disks, this);
  --disk_count;
}

bool recorded_disk::holds(std::string_view path) const {
  return path.starts_with(folder_) &&
         (path.size() == folder_.size() || path[folder_.size()] == '/');
}

std::string recorded_disk::relative(const std::string& path) const {
  return path.size() > folder_.size() ? path.substr(folder_.size() + 1) : std::string{};
}

int recorded_disk::may_change(const std::string& path) {
  return refuse(disk_call::change_name, relative(path), nullptr);
}

int recorded_disk::open(const std::string& path, int flags, mode_t mode, node_ptr& node) {
  std::lock_guard lock{mutex_};
  unnoted self;
  bool create = (flags & O_CREAT) != 0;
  int plain = flags & ~(O_TRUNC | O_CREAT | O_EXCL);
  int fd = -1;
  bool created = false;
  if (!create || (flags & O_EXCL) == 0) fd = raw::open_at(AT_FDCWD, path.c_str(), plain, mode);
  if (fd < 0 && create && ((flags & O_EXCL) != 0 || errno == ENOENT)) {
    if (int code = may_change(path)) return failed(code);
    fd = raw::open_at(AT_FDCWD, path.c_str(), plain | O_CREAT | O_EXCL, mode);
    created = fd >= 0;
  }
  if (fd < 0) return -1;
  struct stat status {};
  if (::fstat(fd, &status) != 0 || (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)))
    return fd;
  if (flags & O_PATH) return fd;
  node = opened(fd, status, path, created);
  ++node->descriptors;
  bool writes = (flags & O_ACCMODE) != O_RDONLY;
  if ((flags & O_TRUNC) && writes && status.st_size > 0 && truncate_locked(*node, fd, 0) != 0) {
    int code = errno;
    raw::close(fd);
    if (--node->descriptors == 0) last_closed(node);
    node.reset();
    return failed(code);
  }
  return fd;
}

void recorded_disk::closed(const node_ptr& node) {
  std::lock_guard lock{mutex_};
  unnoted self;
  if (--node->descriptors == 0) last_closed(node);
}

void recorded_disk::opened_again(const node_ptr& node) {
  std::lock_guard lock{mutex_};
  ++node->descriptors;
}

ssize_t recorded_disk::write(const node_ptr& node, int fd, const iovec* parts, int count,
                             off_t offset) {
  std::lock_guard lock{mutex_};
  unnoted self;
  if (node->dead) return failed(EIO);
  size_t size = 0;
  for (int i = 0; i < count; ++i) size += parts[i].iov_len;
  auto allowed = size;
  if (int code = refuse(disk_call::write, node->name, &allowed)) return failed(code);
  std::vector<iovec> shorter;
  if (allowed < size) {
    size_t left = allowed;
    for (int i = 0; i < count && left > 0; ++i) {
      shorter.push_back({parts[i].iov_base, std::min(left, parts[i].iov_len)});
      left -= shorter.back().iov_len;
    }
    parts = shorter.data();
    count = static_cast<int>(shorter.size());
  }
  bool at_position = offset < 0;
  // A descriptor opened for appending writes at the end, whatever is asked.
  bool appends = (::syscall(SYS_fcntl, fd, F_GETFL) & O_APPEND) != 0;
  auto place = offset;
  if (appends) {
    struct stat status {};
    if (::fstat(fd, &status) != 0) return -1;
    place = status.st_size;
  } else if (at_position) {
    place = raw::seek(fd, 0, SEEK_CUR);
  }
  before_write(*node, fd, place, allowed);
  auto n = at_position ? raw::write_parts(fd, parts, count)
                       : raw::write_parts_at(fd, parts, count, offset);
  int code = errno;
  if (n > 0) written(*node, place, parts, count, static_cast<size_t>(n));
  errno = code;
  return n;
}

int recorded_disk::truncate_locked(disk_node& node, int fd, off_t size) {
  if (node.dead) return failed(EIO);
  if (int code = refuse(disk_call::write, node.name, nullptr)) return failed(code);
  before_truncate(node, fd, size);
  if (raw::truncate(fd, size) != 0) return -1;
  truncated(node, size);
  return 0;
}

int recorded_disk::truncate(const node_ptr& node, int fd, off_t size) {
  std::lock_guard lock{mutex_};
  unnoted self;
  return truncate_locked(*node, fd, size);
}

int recorded_disk::allocate(const node_ptr& node, int fd, int mode, off_t offset, off_t size) {
  std::lock_guard lock{mutex_};
  unnoted self;
  if (mode & ~FALLOC_FL_KEEP_SIZE) return failed(EOPNOTSUPP);
  struct stat status {};
  if (::fstat(fd, &status) != 0) return -1;
  // Room that does not show in the size may come and go with the power.
  if ((mode & FALLOC_FL_KEEP_SIZE) == 0 && offset + size > status.st_size)
    return truncate_locked(*node, fd, offset + size);
  return refuse(disk_call::write, node->name, nullptr) ? failed(ENOSPC) : 0;
}

int recorded_disk::sync(const node_ptr& node) {
  std::lock_guard lock{mutex_};
  unnoted self;
  if (node->dead) return failed(EIO);
  if (int code = refuse(disk_call::sync, node->name, nullptr)) return failed(code);
  synced(*node);
  return 0;
}

int recorded_disk::rename(const std::string& from, const std::string& to, unsigned flags) {
  std::lock_guard lock{mutex_};
  unnoted self;
  if (int code = may_change(to)) return failed(code);
  return do_rename(from, to, flags);
}

int recorded_disk::unlink(const std::string& path) {
  std::lock_guard lock{mutex_};
  unnoted self;
  if (int code = may_change(path)) return failed(code);
  return do_unlink(path);
}

int recorded_disk::remove_folder(const std::string& path) {
  std::lock_guard lock{mutex_};
  unnoted self;
  if (int code = may_change(path)) return failed(code);
  return do_remove_folder(path);
}

int recorded_disk::make_folder(const std::string& path, mode_t mode) {
  std::lock_guard lock{mutex_};
  unnoted self;
  // mkdir of what is there is asked often, and changes nothing.
  struct stat status {};
  if (::lstat(path.c_str(), &status) == 0) return failed(EEXIST);
  if (int code = may_change(path)) return failed(code);
  return do_make_folder(path, mode);
}

int recorded_disk::link(const std::string& from, const std::string& to) {
  std::lock_guard lock{mutex_};
  unnoted self;
  if (int code = may_change(to)) return failed(code);
  return do_link(from, to);
}

int recorded_disk::refused_read(const node_ptr& node) {
  std::lock_guard lock{mutex_};
  unnoted self;
  return refuse(disk_call::read, node->name, nullptr);
}

}  // namespace et::test
