// The part of liblossy_disk.so that writes the journal of a program that knows nothing of it.

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <unordered_map>

#include "tests/support/raw_calls.hpp"
#include "tests/support/recorded_disk.hpp"
#include "tests/support/write_journal.hpp"

namespace et::test {

namespace {

/// A record follows its change before the call returns, both under the lock: whatever the program
/// does because of the call stands behind it.
class journal_writer : public recorded_disk {
 public:
  journal_writer(const std::string& folder, int journal)
      : recorded_disk(folder), journal_(journal) {
    take_part();
  }

 private:
  node_ptr opened(int, const struct stat& status, const std::string& path, bool created) override {
    auto& node = nodes_[status.st_ino];
    if (node && !created) return node;
    node = std::make_shared<disk_node>();
    node->inode = status.st_ino;
    node->is_folder = S_ISDIR(status.st_mode);
    node->name = relative(path);
    append({.kind = created ? journal_kind::created : journal_kind::opened,
            .inode = node->inode,
            .first = status.st_mode & 07777,
            .name = node->name});
    return node;
  }
  void last_closed(const node_ptr& node) override { nodes_.erase(node->inode); }
  void written(disk_node& node, off_t offset, const iovec* parts, int count, size_t size) override {
    std::string data;
    data.reserve(size);
    for (int i = 0; i < count && data.size() < size; ++i)
      data.append(static_cast<const char*>(parts[i].iov_base),
                  std::min(parts[i].iov_len, size - data.size()));
    append({.kind = journal_kind::data,
            .inode = node.inode,
            .first = static_cast<uint64_t>(offset),
            .data = data});
  }
  void truncated(disk_node& node, off_t size) override {
    append(
        {.kind = journal_kind::resized, .inode = node.inode, .first = static_cast<uint64_t>(size)});
  }
  void synced(disk_node& node) override {
    append({.kind = journal_kind::flushed, .inode = node.inode});
  }
  int do_rename(const std::string& from, const std::string& to, unsigned flags) override {
    int result = raw::rename_at(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), flags);
    return noted(result, journal_kind::renamed, from, relative(to), flags);
  }
  int do_unlink(const std::string& path) override {
    int result = raw::unlink_at(AT_FDCWD, path.c_str(), 0);
    return noted(result, journal_kind::unlinked, path, {}, 0);
  }
  int do_remove_folder(const std::string& path) override {
    int result = raw::unlink_at(AT_FDCWD, path.c_str(), AT_REMOVEDIR);
    return noted(result, journal_kind::folder_removed, path, {}, 0);
  }
  int do_make_folder(const std::string& path, mode_t mode) override {
    int result = raw::make_folder_at(AT_FDCWD, path.c_str(), mode);
    struct stat status {};
    if (result == 0) ::stat(path.c_str(), &status);
    return noted(result, journal_kind::folder_made, path, {}, status.st_mode & 07777);
  }
  int do_link(const std::string& from, const std::string& to) override {
    int result = raw::link_at(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), 0);
    return noted(result, journal_kind::linked, from, relative(to), 0);
  }

  int noted(int result, journal_kind kind, const std::string& path, const std::string& data,
            uint64_t first) {
    int code = errno;
    auto name = relative(path);
    if (result == 0) append({.kind = kind, .first = first, .name = name, .data = data});
    errno = code;
    return result;
  }
  /// One write for a record: those of several programs do not mix.
  void append(const journal_record& record) {
    auto bytes = encode(record);
    iovec part{bytes.data(), bytes.size()};
    if (raw::write_parts(journal_, &part, 1) == static_cast<ssize_t>(bytes.size())) return;
    std::perror("the journal of changes cannot be written");
    std::abort();
  }

  int journal_;
  std::unordered_map<uint64_t, node_ptr> nodes_;
};

__attribute__((constructor)) void begin_journal() {
  const char* file = std::getenv("ET_JOURNAL_FILE");
  const char* folder = std::getenv("ET_JOURNAL_FOLDER");
  if (!file || !folder) return;
  int fd = raw::open_at(AT_FDCWD, file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  // Programs that the first one starts with fewer rights only pass through.
  if (fd < 0) return;
  int high = static_cast<int>(::syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, 900));
  raw::close(fd);
  // Never destroyed: calls come until the very end of the program.
  new journal_writer(folder, high);
}

}  // namespace
}  // namespace et::test
