#include "cli/commands/range_reader.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

namespace et {

namespace {

constexpr uint64_t piece_bytes = max_packed_bytes;
// Small enough to stay in the processor's cache between reading and writing.
constexpr uint64_t file_piece_bytes = range_reader::max_whole_bytes;
constexpr auto stop_interval = std::chrono::milliseconds{100};
/// A node that is lost while it is read from is waited for so long: as long as a lost service.
constexpr auto node_wait = std::chrono::seconds{60};
constexpr auto ask_again_pause = std::chrono::milliseconds{200};

}  // namespace

range_reader::range_reader(service_api& service, retrieval_id retrieval, const wanted_range& range,
                           int cache_fd, unsigned window, const std::atomic<bool>& stop)
    : service_(service),
      retrieval_(retrieval),
      range_(range),
      cache_fd_(cache_fd),
      window_(window),
      stop_(stop),
      asked_bytes_(range.begin_bytes),
      current_begin_bytes_(range.begin_bytes) {
  if (cache_fd_ < 0) ask();
}

void range_reader::ask() {
  while (on_the_way_.size() < window_ && asked_bytes_ < range_.end_bytes) {
    auto size = static_cast<uint32_t>(std::min(piece_bytes, range_.end_bytes - asked_bytes_));
    on_the_way_.push_back({asked_bytes_, size,
                           service_.get_data(retrieval_, range_.aggregation, asked_bytes_, size)});
    asked_bytes_ += size;
  }
}

caf::error range_reader::next_from_file() {
  if (stop_) return fail(errc::interrupted, "interrupted");
  auto size = static_cast<size_t>(std::min(file_piece_bytes, range_.end_bytes - asked_bytes_));
  if (size == 0) return fail(errc::internal, "read behind the end of a range");
  current_.resize(size);
  auto n = read_at(cache_fd_, current_.data(), size, asked_bytes_);
  if (!n) return with_context(n.error(), "cannot read the service's cache");
  if (*n == 0) return fail(errc::not_found, "its cache file was removed while it was read");
  current_.resize(*n);
  current_begin_bytes_ = asked_bytes_;
  asked_bytes_ += *n;
  return caf::none;
}

caf::expected<bytes> range_reader::answer_of(piece& one) {
  while (one.answer.wait_for(stop_interval) != std::future_status::ready) {
    if (stop_) return fail(errc::interrupted, "interrupted");
  }
  return one.answer.get();
}

caf::error range_reader::next_piece() {
  if (cache_fd_ >= 0) return next_from_file();
  if (on_the_way_.empty()) return fail(errc::internal, "read behind the end of a range");
  auto& next = on_the_way_.front();
  auto data = answer_of(next);
  // The service brings it to another node, or waits for this one, and must be asked again.
  auto until = std::chrono::steady_clock::now() + node_wait;
  while (!data && code_of(data.error()) == errc::node_lost && !stop_ &&
         std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(ask_again_pause);
    next.answer =
        service_.get_data(retrieval_, range_.aggregation, next.begin_bytes, next.size_bytes);
    data = answer_of(next);
  }
  if (!data) return data.error();
  if (data->size() != next.size_bytes) {
    return fail(errc::protocol, "the service sent " + std::to_string(data->size()) + " bytes for " +
                                    std::to_string(next.size_bytes));
  }
  current_begin_bytes_ = next.begin_bytes;
  current_ = std::move(*data);
  on_the_way_.pop_front();
  ask();
  return caf::none;
}

caf::expected<std::span<const uint8_t>> range_reader::at(uint64_t offset_bytes,
                                                         uint64_t max_bytes) {
  while (offset_bytes >= current_begin_bytes_ + current_.size()) {
    // A file need not be read where nobody wants it.
    if (cache_fd_ >= 0) asked_bytes_ = offset_bytes;
    if (auto error = next_piece()) return error;
  }
  auto skipped = static_cast<size_t>(offset_bytes - current_begin_bytes_);
  auto size = static_cast<size_t>(std::min<uint64_t>(max_bytes, current_.size() - skipped));
  return std::span<const uint8_t>{current_.data() + skipped, size};
}

caf::expected<std::span<const uint8_t>> range_reader::whole(uint64_t offset_bytes,
                                                            size_t size_bytes) {
  auto data = at(offset_bytes, size_bytes);
  if (!data || data->size() == size_bytes) return data;
  if (cache_fd_ >= 0) {
    asked_bytes_ = offset_bytes;
    if (auto error = next_from_file()) return error;
    data = at(offset_bytes, size_bytes);
    if (!data || data->size() == size_bytes) return data;
  }
  joined_.assign(data->begin(), data->end());
  while (joined_.size() < size_bytes) {
    auto more = at(offset_bytes + joined_.size(), size_bytes - joined_.size());
    if (!more) return more;
    joined_.insert(joined_.end(), more->begin(), more->end());
  }
  return std::span<const uint8_t>{joined_};
}

}  // namespace et
