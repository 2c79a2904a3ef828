// Bytes on their way from one socket to another: read, judged, written.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>

namespace et {

/// A queue of bytes in one piece of memory: [judged | not judged | free].
class stream_buffer {
 public:
  static constexpr size_t usual_bytes = 256 * 1024;

  std::span<const uint8_t> judged() const { return {data_.get() + head_, judged_ - head_}; }
  std::span<const uint8_t> unjudged() const { return {data_.get() + judged_, tail_ - judged_}; }
  bool empty() const { return head_ == tail_; }

  /// Room to read into; empty when the buffer is full.
  std::span<uint8_t> room() {
    if (!data_) resize(usual_bytes);
    if (head_ == tail_) {
      head_ = judged_ = tail_ = 0;
      // Memory grown for one large frame is not kept for ever.
      if (capacity_ > 8 * usual_bytes) resize(usual_bytes);
    }
    if (tail_ == capacity_ && head_ > 0) move_to_front(data_.get());
    return {data_.get() + tail_, capacity_ - tail_};
  }
  void filled(size_t count) { tail_ += count; }
  void judge(size_t count) { judged_ += count; }
  void written(size_t count) { head_ += count; }

  /// Takes `count` bytes out of the front of unjudged().
  void erase(size_t count) {
    std::memmove(data_.get() + judged_, data_.get() + judged_ + count, tail_ - judged_ - count);
    tail_ -= count;
  }

  /// Makes sure that a frame of `count` bytes fits, in steps: memory follows the bytes that have
  /// come, not those that a header promises.
  void expect(size_t count) {
    auto have = tail_ - judged_;
    auto wanted = std::min(count, std::max(2 * have, usual_bytes));
    if (wanted > capacity_) resize(wanted);
  }

 private:
  void resize(size_t capacity) {
    std::unique_ptr<uint8_t[]> data{new uint8_t[capacity]};
    if (data_) move_to_front(data.get());
    data_ = std::move(data);
    capacity_ = capacity;
  }

  void move_to_front(uint8_t* target) {
    std::memmove(target, data_.get() + head_, tail_ - head_);
    judged_ -= head_;
    tail_ -= head_;
    head_ = 0;
  }

  std::unique_ptr<uint8_t[]> data_;
  size_t capacity_ = 0;
  size_t head_ = 0;
  size_t judged_ = 0;
  size_t tail_ = 0;
};

}  // namespace et
