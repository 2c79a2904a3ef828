#include "storage/cache/read_ahead.hpp"

#include <fcntl.h>

#include <algorithm>
#include <exception>

namespace et {

caf::expected<std::unique_ptr<read_ahead>> read_ahead::start(unique_fd fd, size_t buffers) try {
  // The kernel's own read-ahead doubles; it is a hint, and its failure means nothing.
  ::posix_fadvise(fd.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
  return std::unique_ptr<read_ahead>{new read_ahead{std::move(fd), std::max<size_t>(buffers, 2)}};
} catch (const std::exception& problem) {
  return fail(errc::limit_reached, std::string{"cannot read ahead: "} + problem.what());
}

read_ahead::read_ahead(unique_fd fd, size_t buffers) : fd_(std::move(fd)), ring_(buffers) {
  for (auto& b : ring_) b.data.reset(new uint8_t[buffer_bytes]);
  thread_ = std::thread{[this] { read_loop(); }};
}

read_ahead::~read_ahead() {
  {
    std::lock_guard lock{mutex_};
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void read_ahead::read_loop() {
  uint64_t offset_bytes = 0;
  for (;;) {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [this] { return stop_ || filled_ - emptied_ < ring_.size(); });
    if (stop_) return;
    auto& b = ring_[filled_ % ring_.size()];
    lock.unlock();
    auto n = read_at(fd_.get(), b.data.get(), buffer_bytes, offset_bytes);
    lock.lock();
    if (!n) error_ = n.error();
    b.size_bytes = n ? *n : 0;
    offset_bytes += b.size_bytes;
    if (b.size_bytes > 0) ++filled_;
    ended_ = b.size_bytes < buffer_bytes;
    bool done = ended_;
    lock.unlock();
    changed_.notify_one();
    if (done) return;
  }
}

caf::expected<std::span<const uint8_t>> read_ahead::next() {
  std::unique_lock lock{mutex_};
  if (lent_) {
    lent_ = false;
    ++emptied_;
    changed_.notify_one();
  }
  changed_.wait(lock, [this] { return ended_ || filled_ > emptied_; });
  if (filled_ > emptied_) {
    lent_ = true;
    auto& b = ring_[emptied_ % ring_.size()];
    return std::span<const uint8_t>{b.data.get(), b.size_bytes};
  }
  if (error_) return error_;
  return std::span<const uint8_t>{};
}

}  // namespace et
