// Reads a range of an aggregation from front to back: from a descriptor of its cache file, or
// through the session with some pieces on the way.
#pragma once

#include <atomic>
#include <deque>
#include <span>

#include "cli/service_api.hpp"

namespace et {

class range_reader {
 public:
  /// `cache_fd`: a descriptor of the cache file, which stays the caller's; -1: through the session,
  /// with `window` pieces asked for at once. When `stop` is set, waiting ends with interrupted.
  range_reader(service_api& service, retrieval_id retrieval, const wanted_range& range,
               int cache_fd, unsigned window, const std::atomic<bool>& stop);
  /// Waits for what is on the way.
  ~range_reader() = default;

  /// Bytes from `offset_bytes` on, at least one and at most `max_bytes`; valid until the next call.
  /// Precondition: inside the range, and not before an offset asked for earlier. A node_lost of the
  /// service is waited out for a minute. Errors: the service's; protocol when it sends another
  /// number of bytes than asked for; not_found when the cache file ends early: it has been removed;
  /// io_error; interrupted.
  caf::expected<std::span<const uint8_t>> at(uint64_t offset_bytes, uint64_t max_bytes);
  /// All `size_bytes` of them, at most max_whole_bytes. Else as at().
  static constexpr size_t max_whole_bytes = 256 * 1024;
  caf::expected<std::span<const uint8_t>> whole(uint64_t offset_bytes, size_t size_bytes);

 private:
  struct piece {
    uint64_t begin_bytes = 0;
    uint32_t size_bytes = 0;
    pending<bytes> answer;
  };
  void ask();
  caf::expected<bytes> answer_of(piece& one);
  caf::error next_piece();
  caf::error next_from_file();

  service_api& service_;
  const retrieval_id retrieval_;
  const wanted_range range_;
  const int cache_fd_;
  const unsigned window_;
  const std::atomic<bool>& stop_;
  uint64_t asked_bytes_;  // up to here
  std::deque<piece> on_the_way_;
  uint64_t current_begin_bytes_ = 0;
  bytes current_;
  bytes joined_;  // of several pieces
};

}  // namespace et
