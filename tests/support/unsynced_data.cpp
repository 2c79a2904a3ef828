#include "tests/support/unsynced_data.hpp"

#include <sys/stat.h>

#include <algorithm>

#include "tests/support/raw_calls.hpp"

namespace et::test {

namespace {

constexpr off_t sector_bytes = 512;

/// What a disk may make of the changes: the first ones and a part of the next, or sectors of all of
/// them in any order with any of the sizes.
enum class outcome { all, none, cut, scattered };

off_t size_of(int fd) {
  struct stat status {};
  return ::fstat(fd, &status) == 0 ? status.st_size : 0;
}

}  // namespace

unsynced_data::~unsynced_data() {
  if (fd_ >= 0) raw::close(fd_);
}

/// The descriptor of the program may be for writing only, or be closed before the power goes.
void unsynced_data::look(int fd) {
  if (fd_ >= 0) return;
  auto link = "/proc/self/fd/" + std::to_string(fd);
  fd_ = raw::open_at(AT_FDCWD, link.c_str(), O_RDWR | O_CLOEXEC);
  if (fd_ < 0) fd_ = static_cast<int>(::syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, 0));
}

std::string unsynced_data::old_bytes(off_t from, off_t to) const {
  if (from >= to) return {};
  std::string bytes(static_cast<size_t>(to - from), '\0');
  auto n = raw::read_at(fd_, bytes.data(), bytes.size(), from);
  bytes.resize(n > 0 ? static_cast<size_t>(n) : 0);
  return bytes;
}

void unsynced_data::before_write(int fd, off_t offset, size_t size) {
  look(fd);
  next_ = {};
  next_.offset = offset;
  next_.size_before = size_of(fd_);
  next_.before = old_bytes(offset, std::min(next_.size_before, offset + static_cast<off_t>(size)));
}

void unsynced_data::written(off_t offset, const iovec* parts, int count, size_t size) {
  next_.data.reserve(size);
  for (int i = 0; i < count && next_.data.size() < size; ++i)
    next_.data.append(static_cast<const char*>(parts[i].iov_base),
                      std::min(parts[i].iov_len, size - next_.data.size()));
  next_.size_after = std::max(next_.size_before, offset + static_cast<off_t>(size));
  if (next_.before.size() > size) next_.before.resize(size);
  changes_.push_back(std::move(next_));
}

void unsynced_data::before_truncate(int fd, off_t size) {
  look(fd);
  next_ = {};
  next_.truncation = true;
  next_.offset = size;
  next_.size_before = size_of(fd_);
  next_.before = old_bytes(size, next_.size_before);
}

void unsynced_data::truncated(off_t size) {
  next_.size_after = size;
  changes_.push_back(std::move(next_));
}

void unsynced_data::synced() {
  changes_.clear();
  if (fd_ >= 0) raw::close(fd_);
  fd_ = -1;
}

uint64_t unsynced_data::names() const {
  struct stat status {};
  return fd_ >= 0 && ::fstat(fd_, &status) == 0 ? status.st_nlink : 0;
}

void unsynced_data::write(const std::string& data, off_t offset) const {
  for (size_t done = 0; done < data.size();) {
    auto n = raw::write_at(fd_, data.data() + done, data.size() - done,
                           offset + static_cast<off_t>(done));
    if (n <= 0) return;
    done += static_cast<size_t>(n);
  }
}

void unsynced_data::rewind() const {
  for (auto one = changes_.rbegin(); one != changes_.rend(); ++one) {
    // In this order: old bytes behind a new end, and zeros where there was nothing.
    raw::truncate(fd_, one->size_before);
    write(one->before, one->offset);
  }
}

/// Some sectors of a write: the first ones, or any.
void unsynced_data::write_sectors(const change& one, std::mt19937_64& random, bool in_order) const {
  auto end = one.offset + static_cast<off_t>(one.data.size());
  auto sectors = (end - 1) / sector_bytes - one.offset / sector_bytes + 1;
  auto first_lost = in_order ? static_cast<off_t>(random() % static_cast<uint64_t>(sectors)) : 0;
  auto from = one.offset;
  for (off_t sector = 0; sector < sectors; ++sector) {
    auto to = std::min(end, (from / sector_bytes + 1) * sector_bytes);
    if (in_order ? sector < first_lost : random() % 2 == 0)
      write(one.data.substr(static_cast<size_t>(from - one.offset), static_cast<size_t>(to - from)),
            from);
    from = to;
  }
}

void unsynced_data::lose(std::mt19937_64& random) {
  if (changes_.empty()) return;
  rewind();
  auto count = changes_.size();
  auto style = static_cast<outcome>(random() % 4);
  bool scattered = style == outcome::scattered;
  auto whole = style == outcome::all    ? count
               : style == outcome::none ? 0
                                        : random() % (count + (scattered ? 1 : 0));
  off_t size = changes_[0].size_before;
  for (size_t i = 0; i < count; ++i) {
    const auto& one = changes_[i];
    if (one.truncation) {
      if (i < whole) raw::truncate(fd_, one.offset);
    } else if (i < whole && !scattered) {
      write(one.data, one.offset);
    } else if (scattered || (style == outcome::cut && i == whole)) {
      write_sectors(one, random, !scattered);
    }
    if (i < whole) size = one.size_after;
  }
  // What lies behind a size that got lost goes; what is missing in front of one reads as zeros.
  if (scattered) raw::truncate(fd_, size);
  synced();
}

}  // namespace et::test
