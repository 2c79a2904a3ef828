// The last member of an aggregation, manifest.tsv: one line for each file in it.
//
//   offset size xxh3-128 mode uid gid mtime_ns path      (the header line)
//   11264 5 e7a7...  644 1000 1000 1700000000123456789 /data/a
//
// Fields are separated by one tab, lines end with one newline. Mode is octal, the checksum 32
// lower-case hexadecimal digits, all other numbers decimal without leading zeros. The path comes
// last, escaped as by append_escaped().
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/catalogue/records.hpp"
#include "storage/error.hpp"
#include "storage/os/file.hpp"

namespace et {

/// One line: the file as it was registered and where its bytes are.
struct manifest_entry {
  file_entry file;
  uint64_t offset_bytes = 0;  ///< of the first byte of data in the aggregation
  file_checksum checksum;

  friend bool operator==(const manifest_entry&, const manifest_entry&) = default;
};

/// The first line, with its newline.
extern const std::string_view manifest_header;

/// Appends the line of one file.
void append_manifest_line(std::string& out, const file_entry& file, uint64_t offset_bytes,
                          const file_checksum& checksum);

/// Parses a manifest that arrives in pieces. Strict: what append_manifest_line() does not write is
/// refused with errc::corrupt and the line's number, and so are offsets that overlap or go down.
class manifest_parser {
 public:
  /// Takes each entry; returns false to stop (the rest is then ignored).
  using visitor = std::function<bool(manifest_entry&&)>;

  explicit manifest_parser(visitor visit) : visit_(std::move(visit)) {}

  /// After an error the parser is not used any more.
  caf::error feed(std::string_view piece);
  /// Call at the end: the last line must be whole, and there must be a header.
  caf::error finish();

 private:
  caf::error line(std::string_view text);

  visitor visit_;
  std::string rest_;  // an unfinished line
  uint64_t lines_ = 0;
  uint64_t next_offset_ = 0;  // no file may begin before this
  bool stopped_ = false;
};

/// Parses a whole manifest at once. Error: corrupt.
caf::expected<std::vector<manifest_entry>> parse_manifest(std::string_view text);

/// Text that grows and is then read back once: in memory, and beyond a limit in a file without a
/// name, which the operating system deletes with the last descriptor.
class text_spool {
 public:
  /// `folder` is where the file would be; it must exist when it is needed.
  text_spool(std::string folder, size_t memory_limit_bytes)
      : folder_(std::move(folder)), limit_bytes_(memory_limit_bytes) {}

  /// Where the next text is appended; call appended() after each.
  std::string& tail() { return tail_; }
  /// Moves the text to the file when it has grown beyond the limit. Errors: no_space, io_error.
  caf::error appended() { return tail_.size() < limit_bytes_ ? caf::error{} : spill(); }

  uint64_t size_bytes() const { return spilled_bytes_ + tail_.size(); }

  /// Gives all text in order to `take`, which may fail.
  caf::error replay(const std::function<caf::error(std::string_view)>& take) const;

 private:
  caf::error spill();

  std::string folder_;
  size_t limit_bytes_;
  std::string tail_;
  unique_fd file_;
  uint64_t spilled_bytes_ = 0;
};

}  // namespace et
