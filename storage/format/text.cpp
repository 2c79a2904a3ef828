#include "storage/format/text.hpp"

#include <algorithm>
#include <array>

namespace et {

namespace {

constexpr char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::array<int8_t, 256> base64_values = [] {
  std::array<int8_t, 256> values{};
  values.fill(-1);
  for (int i = 0; i < 64; ++i) values[static_cast<uint8_t>(base64_digits[i])] = int8_t(i);
  return values;
}();

uint8_t byte_at(std::string_view text, size_t i) {
  return static_cast<uint8_t>(text[i]);
}

char escape_letter(char c) {
  switch (c) {
    case '\t':
      return 't';
    case '\n':
      return 'n';
    case '\\':
      return '\\';
    default:
      return 0;
  }
}

}  // namespace

size_t utf8_sequence_bytes(std::string_view text, size_t i) {
  uint8_t lead = byte_at(text, i);
  if (lead < 0x80) return 1;
  size_t length = lead >= 0xc2 && lead <= 0xdf   ? 2
                  : (lead & 0xf0) == 0xe0        ? 3
                  : lead >= 0xf0 && lead <= 0xf4 ? 4
                                                 : 0;
  if (length == 0 || text.size() - i < length) return 0;
  for (size_t k = 1; k < length; ++k)
    if ((byte_at(text, i + k) & 0xc0) != 0x80) return 0;
  uint8_t second = byte_at(text, i + 1);
  if (lead == 0xe0 && second < 0xa0) return 0;  // overlong
  if (lead == 0xed && second > 0x9f) return 0;  // surrogate
  if (lead == 0xf0 && second < 0x90) return 0;  // overlong
  if (lead == 0xf4 && second > 0x8f) return 0;  // above U+10FFFF
  return length;
}

bool is_utf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    size_t length = utf8_sequence_bytes(text, i);
    if (length == 0) return false;
    i += length;
  }
  return true;
}

std::string base64_encode(std::string_view raw) {
  std::string out;
  out.reserve((raw.size() + 2) / 3 * 4);
  for (size_t i = 0; i < raw.size(); i += 3) {
    size_t have = std::min<size_t>(3, raw.size() - i);
    uint32_t group = uint32_t{byte_at(raw, i)} << 16;
    if (have > 1) group |= uint32_t{byte_at(raw, i + 1)} << 8;
    if (have > 2) group |= byte_at(raw, i + 2);
    for (size_t k = 0; k < 4; ++k)
      out += k <= have ? base64_digits[group >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

caf::expected<std::string> base64_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size() / 4 * 3);
  for (size_t i = 0; i + 4 <= text.size(); i += 4) {
    size_t padding = 0;
    if (i + 4 == text.size()) padding = text[i + 3] != '=' ? 0 : text[i + 2] != '=' ? 1 : 2;
    uint32_t group = 0;
    for (size_t k = 0; k < 4 - padding; ++k) {
      int8_t value = base64_values[byte_at(text, i + k)];
      if (value < 0) return fail(errc::invalid_argument, "not base64: a wrong character");
      group |= uint32_t(value) << (18 - 6 * k);
    }
    for (size_t k = 0; k < 3 - padding; ++k) out += static_cast<char>(group >> (16 - 8 * k));
  }
  // One text for each value: this also refuses a wrong length and bits in the padding.
  if (base64_encode(out) != text) return fail(errc::invalid_argument, "not base64: wrong padding");
  return out;
}

void append_escaped(std::string& out, std::string_view raw) {
  size_t begin = 0;
  for (size_t i = 0; i < raw.size(); ++i) {
    char letter = escape_letter(raw[i]);
    if (letter == 0) continue;
    out.append(raw, begin, i - begin);
    out += '\\';
    out += letter;
    begin = i + 1;
  }
  out.append(raw, begin, raw.size() - begin);
}

caf::expected<std::string> unescape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '\t' || c == '\n') return fail(errc::corrupt, "a raw tab or newline in a name");
    if (c == '\\') {
      char letter = ++i < text.size() ? text[i] : 0;
      c = letter == 't' ? '\t' : letter == 'n' ? '\n' : letter == '\\' ? '\\' : 0;
      if (c == 0) return fail(errc::corrupt, "an unknown escape in a name");
    }
    out += c;
  }
  return out;
}

}  // namespace et
