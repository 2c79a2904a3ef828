#include "storage/format/manifest.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <optional>

#include "storage/format/text.hpp"

namespace et {

namespace {

// A path of 4,095 bytes with every byte escaped, and the numbers before it.
constexpr size_t max_line_bytes = 16 * 1024;

template <class Number>
char* put_number(char* at, Number value, int base = 10) {
  return std::to_chars(at, at + 24, value, base).ptr;
}

char* put_hex(char* at, uint64_t value) {
  constexpr char digits[] = "0123456789abcdef";
  for (int shift = 60; shift >= 0; shift -= 4) *at++ = digits[value >> shift & 15];
  return at;
}

// The whole of `text` as a number in the one form in which it is written.
template <class Number>
bool read_number(std::string_view text, Number& value, int base = 10) {
  auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (problem != std::errc{} || end != text.data() + text.size()) return false;
  auto digits = text.starts_with('-') ? text.substr(1) : text;
  return digits == "0" ? text == "0" : !digits.starts_with('0');
}

bool read_hex(std::string_view text, uint64_t& value) {
  value = 0;
  for (char c : text) {
    int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    if (digit < 0) return false;
    value = value << 4 | static_cast<uint64_t>(digit);
  }
  return true;
}

std::string_view next_field(std::string_view& rest) {
  auto tab = rest.find('\t');
  if (tab == std::string_view::npos) return {};
  auto field = rest.substr(0, tab);
  rest.remove_prefix(tab + 1);
  return field;
}

// Nullopt when the line is not one that append_manifest_line() writes.
std::optional<manifest_entry> parse_line(std::string_view rest) {
  manifest_entry entry;
  auto& file = entry.file;
  if (!read_number(next_field(rest), entry.offset_bytes)) return {};
  if (!read_number(next_field(rest), file.size_bytes)) return {};
  auto hash = next_field(rest);
  if (hash.size() != 32 || !read_hex(hash.substr(0, 16), entry.checksum.high) ||
      !read_hex(hash.substr(16), entry.checksum.low))
    return {};
  if (!read_number(next_field(rest), file.mode, 8) || !read_number(next_field(rest), file.uid) ||
      !read_number(next_field(rest), file.gid) || !read_number(next_field(rest), file.mtime_ns))
    return {};
  auto path = unescape(rest);
  if (!path || !path->starts_with('/') || path->find('\0') != std::string::npos) return {};
  file.path = std::move(*path);
  return entry;
}

}  // namespace

const std::string_view manifest_header = "offset\tsize\txxh3-128\tmode\tuid\tgid\tmtime_ns\tpath\n";

void append_manifest_line(std::string& out, const file_entry& file, uint64_t offset_bytes,
                          const file_checksum& checksum) {
  char numbers[7 * 24 + 32];
  char* at = numbers;
  *(at = put_number(at, offset_bytes)) = '\t';
  *(at = put_number(at + 1, file.size_bytes)) = '\t';
  *(at = put_hex(put_hex(at + 1, checksum.high), checksum.low)) = '\t';
  *(at = put_number(at + 1, file.mode, 8)) = '\t';
  *(at = put_number(at + 1, file.uid)) = '\t';
  *(at = put_number(at + 1, file.gid)) = '\t';
  *(at = put_number(at + 1, file.mtime_ns)) = '\t';
  out.append(numbers, at + 1);
  append_escaped(out, file.path);
  out += '\n';
}

caf::error manifest_parser::line(std::string_view text) {
  ++lines_;
  if (lines_ == 1) {
    if (text == manifest_header.substr(0, manifest_header.size() - 1)) return {};
    return fail(errc::corrupt, "manifest line 1 is not the header");
  }
  auto where = [this] { return "manifest line " + std::to_string(lines_); };
  auto entry = parse_line(text);
  if (!entry) return fail(errc::corrupt, where() + " is malformed");
  if (entry->offset_bytes < next_offset_)
    return fail(errc::corrupt, where() + " overlaps the file before it");
  if (__builtin_add_overflow(entry->offset_bytes, entry->file.size_bytes, &next_offset_))
    return fail(errc::corrupt, where() + " has an impossible size");
  stopped_ = !visit_(std::move(*entry));
  return {};
}

caf::error manifest_parser::feed(std::string_view piece) {
  while (!stopped_ && !piece.empty()) {
    auto newline = piece.find('\n');
    auto part = piece.substr(0, newline);
    if (rest_.size() + part.size() > max_line_bytes)
      return fail(errc::corrupt,
                  "a manifest line of more than " + std::to_string(max_line_bytes) + " bytes");
    if (newline == std::string_view::npos) {
      rest_ += part;
      return {};
    }
    piece.remove_prefix(newline + 1);
    if (rest_.empty()) {
      if (auto error = line(part)) return error;
    } else {
      rest_ += part;
      if (auto error = line(rest_)) return error;
      rest_.clear();
    }
  }
  return {};
}

caf::error manifest_parser::finish() {
  if (stopped_) return {};
  if (!rest_.empty()) return fail(errc::corrupt, "the manifest ends inside a line");
  if (lines_ == 0) return fail(errc::corrupt, "the manifest is empty");
  return {};
}

caf::expected<std::vector<manifest_entry>> parse_manifest(std::string_view text) {
  std::vector<manifest_entry> entries;
  manifest_parser parser{[&](manifest_entry&& entry) {
    entries.push_back(std::move(entry));
    return true;
  }};
  if (auto error = parser.feed(text)) return error;
  if (auto error = parser.finish()) return error;
  return entries;
}

caf::error text_spool::spill() {
  if (!file_) {
    int fd = ::open(folder_.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
      // The file system cannot make a file without a name: make one and remove the name.
      std::string name = folder_ + "/manifest-XXXXXX";
      fd = ::mkostemp(name.data(), O_CLOEXEC);
      if (fd >= 0) ::unlink(name.c_str());
    }
    if (fd < 0) return fail_errno("cannot make a temporary file in " + folder_, errno);
    file_.reset(fd);
  }
  if (auto error = write_at(file_.get(), tail_.data(), tail_.size(), spilled_bytes_))
    return with_context(error, "temporary manifest in " + folder_);
  spilled_bytes_ += tail_.size();
  tail_.clear();
  return {};
}

caf::error text_spool::replay(const std::function<caf::error(std::string_view)>& take) const {
  std::string piece(spilled_bytes_ > 0 ? size_t{1} << 20 : 0, '\0');
  for (uint64_t done = 0; done < spilled_bytes_;) {
    auto want = std::min<uint64_t>(piece.size(), spilled_bytes_ - done);
    auto got = read_at(file_.get(), piece.data(), want, done);
    if (!got) return with_context(got.error(), "temporary manifest in " + folder_);
    if (*got != want)
      return fail(errc::io_error, "the temporary manifest in " + folder_ + " shrank");
    if (auto error = take({piece.data(), want})) return error;
    done += want;
  }
  return tail_.empty() ? caf::error{} : take(tail_);
}

}  // namespace et
