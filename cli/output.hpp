// Standard output in big pieces, and the forms in which values appear there.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "storage/format/text.hpp"
#include "storage/printable.hpp"

namespace et {

/// Collects text and writes it to a descriptor in big pieces. Not thread safe.
class output {
 public:
  /// `fd` stays the caller's and must outlive this object.
  explicit output(int fd, size_t piece_bytes = 256 * 1024);
  /// Flushes; a failure at this point is lost, so call flush() and look before.
  ~output();
  output(const output&) = delete;
  output& operator=(const output&) = delete;

  /// Text to be appended to in place; call commit() after each line.
  std::string& text() { return text_; }
  /// Writes what has gathered when there is enough of it. False when the reader has gone away or a
  /// write failed: then nothing more is written and the command ends with exit code 4.
  bool commit() { return text_.size() < piece_bytes_ ? error_ == 0 : flush(); }
  bool write(std::string_view text);
  bool flush();
  /// errno of the write that failed, 0 if none did; EPIPE when the reader went away.
  int failed_errno() const { return error_; }

 private:
  int fd_;
  size_t piece_bytes_;
  std::string text_;
  int error_ = 0;
};

/// Appends a field as RFC 4180 wants it: in quotes when it holds a quote, comma, CR or LF.
void append_csv(std::string& out, std::string_view field);

/// Appends a JSON string; text that is not UTF-8 as `{"bytes":"BASE64"}`.
void append_json(std::string& out, std::string_view text);

/// One JSON object, members in the order of the calls.
class json_object {
 public:
  /// Appends to `out`; the brace closes with close() or at the end of the object's life.
  explicit json_object(std::string& out) : out_(out) { out_ += '{'; }
  ~json_object() { close(); }
  json_object(const json_object&) = delete;
  json_object& operator=(const json_object&) = delete;

  json_object& add(std::string_view name, std::string_view text);
  json_object& add(std::string_view name, const char* text) {
    return add(name, std::string_view{text});
  }
  json_object& add(std::string_view name, uint64_t number);
  json_object& add_signed(std::string_view name, int64_t number);
  json_object& add_bool(std::string_view name, bool value);
  json_object& add_null(std::string_view name);
  /// Writes the name; the caller appends the value.
  std::string& begin(std::string_view name);
  void close();

 private:
  std::string& out_;
  bool first_ = true;
  bool closed_ = false;
};

/// Bytes of a time in text.
constexpr size_t time_bytes = 20;

/// Writes `2026-01-31T23:59:59Z`, rounded down to the second. May be called in a signal handler.
void write_time(char (&text)[time_bytes], int64_t time_ns);
void append_time(std::string& out, int64_t time_ns);
std::string time_text(int64_t time_ns);

void append_number(std::string& out, uint64_t number);

/// `12.3 GB` (powers of 1000) for people; plain bytes below 1000.
std::string human_bytes(uint64_t size_bytes);

}  // namespace et
