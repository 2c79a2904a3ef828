// A folder whose changes are seen: what stands between the file functions of the C library, which
// file_calls.cpp replaces in this program, and the kernel. Two kinds of it exist: lossy_disk knows
// what would be lost without power, write_journal writes every change down for another process.
#pragma once

#include <sys/stat.h>
#include <sys/uio.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace et::test {

/// What a call is about to do; for those that refuse some.
enum class disk_call { read, write, sync, change_name };

/// A file or a folder that is or was open, or has changes that are not on the disk.
struct disk_node {
  virtual ~disk_node() = default;
  uint64_t inode = 0;
  bool is_folder = false;
  std::string name;  ///< where it was first seen, relative to the disk
  size_t descriptors = 0;
  std::atomic<bool> dead = false;  ///< lost its power while it was open: nothing goes through it
};
using node_ptr = std::shared_ptr<disk_node>;

/// Functions named after a system call do that call and note it; they return what it returns, with
/// errno set. They may be called by any thread. Paths are absolute, without dots, and below
/// folder(). Nothing is really flushed: fsync promises here what the power loss will honour.
class recorded_disk {
 public:
  /// `folder` is there. Until the object goes, its changes in this program pass here.
  explicit recorded_disk(std::string folder);
  virtual ~recorded_disk() = default;
  recorded_disk(const recorded_disk&) = delete;
  recorded_disk& operator=(const recorded_disk&) = delete;

  const std::string& folder() const { return folder_; }
  bool holds(std::string_view path) const;

  /// `node`: what was opened; null when it is neither a file nor a folder.
  int open(const std::string& path, int flags, mode_t mode, node_ptr& node);
  void opened_again(const node_ptr& node);
  void closed(const node_ptr& node);
  ssize_t write(const node_ptr& node, int fd, const iovec* parts, int count, off_t offset);
  int truncate(const node_ptr& node, int fd, off_t size);
  int allocate(const node_ptr& node, int fd, int mode, off_t offset, off_t size);
  int sync(const node_ptr& node);
  int rename(const std::string& from, const std::string& to, unsigned flags);
  int unlink(const std::string& path);
  int remove_folder(const std::string& path);
  int make_folder(const std::string& path, mode_t mode);
  int link(const std::string& from, const std::string& to);
  /// 0, or the errno that a read shall fail with.
  int refused_read(const node_ptr& node);

 protected:
  // What the two kinds add. All are called with mutex_ held; do_… as above.
  /// An errno for a call that shall fail; may shorten a write of `size` bytes.
  virtual int refuse(disk_call, const std::string& /*name*/, size_t* /*size*/) { return 0; }
  virtual node_ptr opened(int fd, const struct stat& status, const std::string& path,
                          bool created) = 0;
  virtual void last_closed(const node_ptr&) {}
  virtual void before_write(disk_node&, int /*fd*/, off_t /*offset*/, size_t /*size*/) {}
  virtual void written(disk_node&, off_t offset, const iovec* parts, int count, size_t size) = 0;
  virtual void before_truncate(disk_node&, int /*fd*/, off_t /*size*/) {}
  virtual void truncated(disk_node&, off_t size) = 0;
  virtual void synced(disk_node&) = 0;
  virtual int do_rename(const std::string& from, const std::string& to, unsigned flags) = 0;
  virtual int do_unlink(const std::string& path) = 0;
  virtual int do_remove_folder(const std::string& path) = 0;
  virtual int do_make_folder(const std::string& path, mode_t mode) = 0;
  virtual int do_link(const std::string& from, const std::string& to) = 0;

  /// The path from folder() on, without a slash in front.
  std::string relative(const std::string& path) const;
  /// From the first call on the object takes part; from the last on it does not.
  void take_part();
  void leave();

  std::recursive_mutex mutex_;

 private:
  int truncate_locked(disk_node& node, int fd, off_t size);
  int may_change(const std::string& path);

  std::string folder_;
};

/// True while this thread does calls that shall not be noted: those of the disks themselves.
struct unnoted {
  unnoted();
  ~unnoted();
  static bool now();
};

/// The disk that holds `path`; null: none.
recorded_disk* find_disk(const std::string& path);

/// How many disks take part in this program; none: every call goes straight to the kernel.
extern std::atomic<int> disk_count;

}  // namespace et::test
