// The primitives of value and message bytes: variable-length integers and counted strings.
//
// varint: seven bits a byte, lowest first, the top bit says that more follow; only the shortest
// form is valid. zigzag: a signed number as a varint, small magnitudes short. string: varint
// length, bytes. Decoding never allocates more than the bytes that are there justify.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "storage/types.hpp"

namespace et {

constexpr uint64_t zigzag(int64_t value) {
  return (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
}
constexpr int64_t unzigzag(uint64_t value) {
  return static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1);
}

constexpr size_t max_varint_bytes = 10;

/// Writes `value` at `out`, which has room for max_varint_bytes; returns the byte behind it.
inline char* write_varint(char* out, uint64_t value) {
  while (value >= 0x80) {
    *out++ = static_cast<char>(value | 0x80);
    value >>= 7;
  }
  *out++ = static_cast<char>(value);
  return out;
}

/// Writes the lowest `count` bytes of `value` at `out`, highest first; returns the byte behind
/// them.
inline char* write_big_endian(char* out, uint64_t value, int count) {
  for (int shift = (count - 1) * 8; shift >= 0; shift -= 8)
    *out++ = static_cast<char>(value >> shift);
  return out;
}

inline uint64_t read_big_endian(const char* data, int count) {
  uint64_t value = 0;
  for (int i = 0; i < count; ++i) value = value << 8 | static_cast<uint8_t>(data[i]);
  return value;
}

/// Appends to a string.
class encoder {
 public:
  encoder& u8(uint8_t value) {
    out_.push_back(static_cast<char>(value));
    return *this;
  }
  encoder& varint(uint64_t value) {
    char buffer[max_varint_bytes];
    out_.append(buffer, write_varint(buffer, value));
    return *this;
  }
  encoder& signed_varint(int64_t value) { return varint(zigzag(value)); }
  encoder& string(std::string_view text) {
    varint(text.size());
    out_.append(text);
    return *this;
  }
  encoder& big_endian(uint64_t value, int count) {
    char buffer[8];
    out_.append(buffer, write_big_endian(buffer, value, count));
    return *this;
  }
  void reserve(size_t size) { out_.reserve(size); }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

/// Reads what an encoder wrote. After the first malformed field everything reads as 0 and ok() is
/// false, so that fields can be read in a row and checked once.
class decoder {
 public:
  explicit decoder(std::string_view data) : at_(data.data()), end_(at_ + data.size()) {}

  bool ok() const { return ok_; }
  /// All fields were well formed and nothing is left.
  bool complete() const { return ok_ && at_ == end_; }
  size_t left() const { return static_cast<size_t>(end_ - at_); }
  void reject() {
    ok_ = false;
    at_ = end_;
  }

  uint8_t u8() {
    if (at_ == end_) return reject(), 0;
    return static_cast<uint8_t>(*at_++);
  }
  uint64_t varint() {
    if (at_ != end_ && static_cast<uint8_t>(*at_) < 0x80) return static_cast<uint8_t>(*at_++);
    uint64_t value = 0;
    for (int shift = 0; shift < 64 && at_ != end_; shift += 7) {
      auto byte = static_cast<uint8_t>(*at_++);
      if (shift == 63 && byte > 1) break;
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte >= 0x80) continue;
      if (byte == 0 && shift > 0) break;
      return value;
    }
    reject();
    return 0;
  }
  /// A varint of at most `limit`.
  uint64_t varint_up_to(uint64_t limit) {
    auto value = varint();
    if (value > limit) return reject(), 0;
    return value;
  }
  uint32_t varint32() { return static_cast<uint32_t>(varint_up_to(UINT32_MAX)); }
  int64_t signed_varint() { return unzigzag(varint()); }
  std::string_view string() {
    auto size = varint();
    if (size > left()) return reject(), std::string_view{};
    std::string_view result{at_, static_cast<size_t>(size)};
    at_ += size;
    return result;
  }
  uint64_t big_endian(int count) {
    if (left() < static_cast<size_t>(count)) return reject(), 0;
    auto value = read_big_endian(at_, count);
    at_ += count;
    return value;
  }
  bool boolean() { return varint_up_to(1) != 0; }

 private:
  const char* at_;
  const char* end_;
  bool ok_ = true;
};

/// A time as seconds and a remainder: files whose mtime has no fraction take five bytes, not nine.
/// Grammar: varint of zigzag(seconds) * 2 + (1 if a fraction follows), varint
/// nanoseconds 1..999999999.
char* write_time(char* out, int64_t time_ns);
/// Room that write_time() needs.
constexpr size_t max_time_bytes = 2 * max_varint_bytes;
int64_t read_time(decoder& in);

}  // namespace et
