#include "storage/format/labels.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <string_view>

namespace et {

namespace {

constexpr size_t volume_identifier_size = 6;
constexpr size_t max_barcode_size = 16;
constexpr std::string_view implementation_id = "ELASTICTAPE";

/// In nanoseconds it is a number of 64 bits.
constexpr int64_t max_written_s = INT64_MAX / 1'000'000'000;

// Puts fields into a label one after the other; remembers the first that does not fit.
class label_writer {
 public:
  explicit label_writer(std::string_view name) : name_(name) {
    block_.fill(' ');
    text("label identifier", name, name.size());
  }

  void text(const char* field, std::string_view value, size_t width) {
    if (value.size() > width && problem_.empty())
      problem_ = std::string{field} + " `" + std::string{value} + "` does not fit";
    auto part = value.substr(0, width);
    std::copy(part.begin(), part.end(), block_.begin() + at_);
    at_ += width;
  }
  void constant(std::string_view value) { text("constant", value, value.size()); }
  void number(const char* field, uint64_t value, size_t width) {
    auto digits = std::to_string(value);
    if (digits.size() < width) digits.insert(0, width - digits.size(), '0');
    text(field, digits, width);
  }
  void hex(uint32_t value) {
    for (int shift = 28; shift >= 0; shift -= 4)
      block_[at_++] = static_cast<uint8_t>("0123456789abcdef"[value >> shift & 15]);
  }
  void blank(size_t width) { at_ += width; }
  void refuse(std::string problem) {
    if (problem_.empty()) problem_ = std::move(problem);
  }

  caf::expected<label> take() const {
    if (!problem_.empty()) return fail(errc::invalid_argument, "label " + name_ + ": " + problem_);
    return block_;
  }

 private:
  std::string name_;
  label block_;
  size_t at_ = 0;
  std::string problem_;
};

// Takes the fields out again; remembers the first that is not as it must be.
class label_reader {
 public:
  label_reader(std::span<const uint8_t> block, std::string_view name) : name_(name) {
    if (block.size() == label_bytes)
      text_.assign(reinterpret_cast<const char*>(block.data()), block.size());
    else
      problem_ = "a block of " + std::to_string(block.size()) + " bytes is no label";
    text_.resize(label_bytes, ' ');
    constant("label identifier", name);
  }

  std::string_view raw(size_t width) {
    auto field = std::string_view{text_}.substr(at_, width);
    at_ += width;
    return field;
  }
  // Text on the left, spaces on the right and nowhere else.
  std::string text(const char* field, size_t width) {
    auto value = raw(width);
    value = value.substr(0, value.find_last_not_of(' ') + 1);
    for (char c : value)
      if (c <= ' ' || c > '~') refuse(field, "holds a character that does not belong there");
    return std::string{value};
  }
  void constant(const char* field, std::string_view expected) {
    if (raw(expected.size()) != expected) refuse(field, "is not `" + std::string{expected} + "`");
  }
  uint64_t number(const char* field, size_t width) {
    auto digits = raw(width);
    uint64_t value = 0;
    for (char c : digits)
      if (c < '0' || c > '9') {
        refuse(field, "is not a number");
        return 0;
      } else {
        value = value * 10 + static_cast<uint64_t>(c - '0');
      }
    return value;
  }
  uint32_t hex(const char* field) {
    auto digits = raw(8);
    uint32_t value = 0;
    auto [end, problem] = std::from_chars(digits.begin(), digits.end(), value, 16);
    auto upper = [](char c) { return c >= 'A' && c <= 'F'; };
    if (problem != std::errc{} || end != digits.end() || std::ranges::any_of(digits, upper))
      refuse(field, "is not a checksum");
    return value;
  }
  void blank(size_t width) {
    if (raw(width).find_first_not_of(' ') != std::string_view::npos)
      refuse("a reserved field", "is not blank");
  }
  void refuse(const char* field, const std::string& what) {
    if (problem_.empty()) problem_ = std::string{field} + " " + what;
  }

  caf::error problem() const {
    if (problem_.empty()) return {};
    return fail(errc::corrupt, "label " + name_ + ": " + problem_);
  }

 private:
  std::string name_;
  std::string text_;
  size_t at_ = 0;
  std::string problem_;
};

// Dates of the standard: a century character (space 19xx, 0 20xx, 1 21xx), two digits of the
// year, three of the day in the year.
std::string date_text(int64_t day) {
  using namespace std::chrono;
  sys_days date{days{day}};
  year_month_day calendar{date};
  int century = int(calendar.year()) / 100 - 19;
  int in_century = int(calendar.year()) % 100;
  auto in_year = (date - sys_days{calendar.year() / January / 1}).count() + 1;
  if (century < 0 || century > 10) return {};
  auto padded = [](int64_t value, size_t width) {
    auto digits = std::to_string(value);
    return std::string(width - digits.size(), '0') + digits;
  };
  return (century == 0 ? ' ' : char('0' + century - 1)) + padded(in_century, 2) +
         padded(in_year, 3);
}

int64_t read_date(label_reader& in) {
  using namespace std::chrono;
  auto text = in.raw(6);
  int digits[6] = {};
  for (size_t i = 0; i < 6; ++i) digits[i] = text[i] - '0';
  int hundreds = text[0] == ' ' ? 1900 : 2000 + 100 * digits[0];
  year calendar_year{hundreds + 10 * digits[1] + digits[2]};
  auto in_year = days{100 * digits[3] + 10 * digits[4] + digits[5] - 1};
  int64_t day = (sys_days{calendar_year / January / 1} + in_year).time_since_epoch().count();
  // Only a true date is written like this again: digits everywhere, a day that the year has.
  if (date_text(day) != text) in.refuse("written date", "is not a date");
  return day;
}

// BATCH.NUMBER in the one form in which it is written.
bool read_aggregation_id(const std::string& text, aggregation_id& id) {
  const char* end = text.data() + text.size();
  auto batch = std::from_chars(text.data(), end, id.batch.value);
  if (batch.ec != std::errc{} || batch.ptr == end || *batch.ptr != '.') return false;
  auto number = std::from_chars(batch.ptr + 1, end, id.number);
  return number.ec == std::errc{} && number.ptr == end && to_string(id) == text;
}

std::string_view name_of(label_side side, const char* header, const char* trailer) {
  return side == label_side::header ? header : trailer;
}

}  // namespace

bool is_barcode(const std::string& text) {
  auto allowed = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); };
  return !text.empty() && text.size() <= max_barcode_size && std::ranges::all_of(text, allowed);
}

std::string volume_identifier(const barcode& volume) {
  auto text = volume.value.substr(0, volume_identifier_size);
  text.resize(volume_identifier_size, ' ');
  return text;
}

caf::expected<label> encode(const volume_label& value) {
  label_writer out{"VOL1"};
  if (!is_barcode(value.volume.value)) out.refuse("`" + value.volume.value + "` is not a barcode");
  auto split = std::min(value.volume.value.size(), volume_identifier_size);
  out.text("volume identifier", value.volume.value.substr(0, split), volume_identifier_size);
  out.blank(1 + 13);
  out.text("implementation", implementation_id, 13);
  out.text("owner identifier", value.volume.value.substr(split), 14);
  out.blank(28);
  out.constant("3");
  return out.take();
}

caf::expected<volume_label> parse_volume_label(std::span<const uint8_t> block) {
  label_reader in{block, "VOL1"};
  auto text = in.text("volume identifier", volume_identifier_size);
  in.blank(1 + 13);
  in.constant("implementation", "ELASTICTAPE  ");
  auto rest = in.text("owner identifier", 14);
  if (!rest.empty() && text.size() < volume_identifier_size)
    in.refuse("owner identifier", "continues a volume identifier that is not full");
  in.blank(28);
  in.constant("label standard", "3");
  text += rest;
  if (!is_barcode(text)) in.refuse("volume identifier", "is not a barcode");
  if (auto error = in.problem()) return error;
  return volume_label{barcode{std::move(text)}};
}

caf::expected<label> encode(const file_label& value, label_side side) {
  label_writer out{name_of(side, "HDR1", "EOF1")};
  out.text("file identifier", to_string(value.aggregation), 17);
  out.text("file set", value.file_set, volume_identifier_size);
  out.number("file section", 1, 4);
  out.number("file sequence", value.sequence, 4);
  out.constant("000100");  // generation and its version
  auto date = date_text(value.written_day);
  if (date.empty()) out.refuse("the date is outside of 1900 to 2999");
  out.text("written date", date, 6);
  out.constant(" 00000");  // expired: software that honours expiry lets the owner decide
  out.blank(1);
  if (side == label_side::header && value.block_count != 0)
    out.refuse("a header has no block count");
  out.number("block count", value.block_count, 6);
  out.text("implementation", implementation_id, 13);
  return out.take();
}

caf::expected<file_label> parse_file_label(std::span<const uint8_t> block, label_side side) {
  label_reader in{block, name_of(side, "HDR1", "EOF1")};
  file_label value;
  if (!read_aggregation_id(in.text("file identifier", 17), value.aggregation))
    in.refuse("file identifier", "is not an aggregation's id");
  value.file_set = in.raw(volume_identifier_size);
  in.constant("file section", "0001");
  value.sequence = static_cast<uint32_t>(in.number("file sequence", 4));
  in.constant("generation", "000100");
  value.written_day = read_date(in);
  in.constant("expiration date", " 00000");
  in.blank(1);
  value.block_count = static_cast<uint32_t>(in.number("block count", 6));
  if (side == label_side::header && value.block_count != 0)
    in.refuse("block count", "is not 0 in a header");
  in.constant("implementation", "ELASTICTAPE  ");
  in.blank(7);
  if (auto error = in.problem()) return error;
  return value;
}

label encode_format_label(label_side side) {
  label_writer out{name_of(side, "HDR2", "EOF2")};
  out.constant("F0000000000");  // fixed; block and record length do not fit in 5 digits
  out.blank(35);
  out.constant("00");  // no offset inside the blocks
  return *out.take();
}

caf::error parse_format_label(std::span<const uint8_t> block, label_side side) {
  label_reader in{block, name_of(side, "HDR2", "EOF2")};
  in.constant("record format and lengths", "F0000000000");
  in.blank(35);
  in.constant("buffer offset", "00");
  in.blank(28);
  return in.problem();
}

caf::expected<label> encode(const user_header_label& value) {
  label_writer out{"UHL1"};
  out.constant("01");
  out.number("sequence", value.sequence, 10);
  out.number("block size", value.block_bytes, 10);
  out.number("block count", value.blocks, 10);
  out.number("size", value.size_bytes, 15);
  if (value.written_s < 0) out.refuse("the time is before 1970");
  if (value.written_s > max_written_s) out.refuse("the time is after the year 2262");
  out.number("time", static_cast<uint64_t>(value.written_s), 11);
  return out.take();
}

caf::expected<user_header_label> parse_user_header_label(std::span<const uint8_t> block) {
  label_reader in{block, "UHL1"};
  user_header_label value;
  in.constant("version", "01");
  value.sequence = in.number("sequence", 10);
  auto block_bytes = in.number("block size", 10);
  value.blocks = in.number("block count", 10);
  value.size_bytes = in.number("size", 15);
  value.written_s = static_cast<int64_t>(in.number("time", 11));
  if (value.written_s > max_written_s) in.refuse("time", "is after the year 2262");
  in.blank(18);
  value.block_bytes = static_cast<uint32_t>(block_bytes);
  if (block_bytes == 0 || block_bytes > UINT32_MAX)
    in.refuse("block size", "is impossible");
  else if (value.blocks != (value.size_bytes + block_bytes - 1) / block_bytes)
    in.refuse("block count", "does not fit the size");
  if (auto error = in.problem()) return error;
  return value;
}

caf::expected<label> encode(const user_trailer_label& value) {
  label_writer out{"UTL1"};
  out.constant("01");
  out.number("sequence", value.sequence, 10);
  out.number("block count", value.blocks, 10);
  out.number("size", value.size_bytes, 15);
  out.hex(value.checksum.crc32c);
  out.hex(value.checksum.adler32);
  return out.take();
}

caf::expected<user_trailer_label> parse_user_trailer_label(std::span<const uint8_t> block) {
  label_reader in{block, "UTL1"};
  user_trailer_label value;
  in.constant("version", "01");
  value.sequence = in.number("sequence", 10);
  value.blocks = in.number("block count", 10);
  value.size_bytes = in.number("size", 15);
  value.checksum.crc32c = in.hex("CRC32C");
  value.checksum.adler32 = in.hex("adler32");
  in.blank(23);
  if (auto error = in.problem()) return error;
  return value;
}

}  // namespace et
