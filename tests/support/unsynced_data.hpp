// The data of one file that its disk may lose: every change since the last fsync, with what stood
// there before.
#pragma once

#include <sys/types.h>
#include <sys/uio.h>

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace et::test {

class unsynced_data {
 public:
  unsynced_data() = default;
  ~unsynced_data();
  unsynced_data(const unsynced_data&) = delete;
  unsynced_data& operator=(const unsynced_data&) = delete;

  /// Around a write through `fd` that may change `size` bytes at `offset`.
  void before_write(int fd, off_t offset, size_t size);
  void written(off_t offset, const iovec* parts, int count, size_t size);
  /// Around a truncation or an extension through `fd`.
  void before_truncate(int fd, off_t size);
  void truncated(off_t size);

  void synced();
  bool empty() const { return changes_.empty(); }
  /// Brings the file to what a disk may hold without power.
  void lose(std::mt19937_64& random);
  /// How many names the file has; 0 also when nothing is unsynced.
  uint64_t names() const;

 private:
  struct change {
    bool truncation = false;
    off_t offset = 0;
    std::string data;
    std::string before;  ///< the old bytes from `offset` on, or behind the new end
    off_t size_before = 0;
    off_t size_after = 0;
  };

  void look(int fd);
  std::string old_bytes(off_t from, off_t to) const;
  void rewind() const;
  void write(const std::string& data, off_t offset) const;
  void write_sectors(const change& one, std::mt19937_64& random, bool in_order) const;

  int fd_ = -1;  ///< its own, for reading and writing, while something is unsynced
  std::vector<change> changes_;
  change next_;
};

}  // namespace et::test
