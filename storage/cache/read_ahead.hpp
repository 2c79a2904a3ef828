// Reads a cache file from its beginning to its end with a thread of its own, some buffers ahead of
// whoever takes them: a drive writes while the disk reads.
#pragma once

#include <caf/expected.hpp>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include "storage/error.hpp"
#include "storage/os/file.hpp"

namespace et {

class read_ahead {
 public:
  static constexpr size_t buffer_bytes = 1024 * 1024;

  /// Starts reading `fd` at offset 0 into `buffers` buffers. Error: limit_reached (no thread, no
  /// memory).
  static caf::expected<std::unique_ptr<read_ahead>> start(unique_fd fd, size_t buffers = 8);

  /// Stops the thread; a read that has begun is waited for.
  ~read_ahead();
  read_ahead(const read_ahead&) = delete;
  read_ahead& operator=(const read_ahead&) = delete;

  /// The next bytes: buffer_bytes, fewer only at the end of the file, none behind it. They stay
  /// valid until the next call. Waits for the disk. After an error, which comes behind the bytes
  /// before it, every later call gives the same. One thread calls. Error: io_error.
  caf::expected<std::span<const uint8_t>> next();

 private:
  read_ahead(unique_fd fd, size_t buffers);
  void read_loop();

  struct buffer {
    std::unique_ptr<uint8_t[]> data;
    size_t size_bytes = 0;
  };

  unique_fd fd_;
  std::vector<buffer> ring_;
  std::mutex mutex_;
  std::condition_variable changed_;
  uint64_t filled_ = 0;   // buffers, under the mutex
  uint64_t emptied_ = 0;  // buffers given back; the one lent out is not among them
  bool lent_ = false;
  bool ended_ = false;  // no buffer comes behind `filled_`
  bool stop_ = false;
  caf::error error_;
  std::thread thread_;
};

}  // namespace et
