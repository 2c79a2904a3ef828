// The names that a disk may lose: changes of folders that no fsync has made durable, and how each
// is taken back.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <random>
#include <string>

namespace et::test {

/// Keeps a folder reachable whatever it is called, by a descriptor that only names it.
class folder_handle {
 public:
  explicit folder_handle(int fd) : fd_(fd) {}
  ~folder_handle();
  folder_handle(const folder_handle&) = delete;
  folder_handle& operator=(const folder_handle&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

/// A name in a folder.
struct place {
  uint64_t inode = 0;  ///< of the folder
  std::shared_ptr<folder_handle> folder;
  std::string name;
};

/// Changes that passed, oldest first. All functions change errno, and return as system calls do.
class name_changes {
 public:
  /// What is removed waits in `removed_folder`, which is made.
  explicit name_changes(std::string removed_folder);
  ~name_changes();

  /// A place by its path; the folder of it must be there, else -1 with errno.
  int find(const std::string& path, place& found);

  void made(const place& at);
  int rename(const place& from, const place& to, unsigned flags);
  int unlink(const place& at);
  int remove_folder(const place& at);

  /// fsync of a folder: its changes stay, and those that stood before them where two are bound.
  void synced(uint64_t folder_inode);
  /// Takes back what a power loss takes.
  void lose(std::mt19937_64& random);
  void keep_all();
  size_t count() const { return changes_.size(); }

 private:
  enum class kind { made, renamed, removed };
  struct change {
    kind what;
    place from;           ///< renamed, removed: the old name
    place to;             ///< made, renamed: the new name
    std::string removed;  ///< name in removed_folder of what was replaced or removed; may be empty
  };
  using cuts = std::map<uint64_t, size_t>;

  std::string next_removed() { return std::to_string(++last_removed_); }
  void take_back(const change& one);
  void settle(const change& one);
  cuts choose_cuts(std::mt19937_64& random) const;

  std::string removed_folder_;
  int removed_fd_ = -1;
  uint64_t last_removed_ = 0;
  std::map<uint64_t, std::weak_ptr<folder_handle>> folders_;
  std::list<change> changes_;
};

}  // namespace et::test
