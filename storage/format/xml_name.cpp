#include "storage/format/xml_name.hpp"

#include <cstdint>
#include <optional>

#include "storage/format/text.hpp"

namespace et {

namespace {

constexpr char hex_digits[] = "0123456789ABCDEF";

// Length of the character at `i` that may stand in XML 1.0; 0: none.
size_t xml_character_bytes(std::string_view text, size_t i) {
  auto lead = static_cast<uint8_t>(text[i]);
  if (lead < 0x20) return lead == '\t' || lead == '\n' || lead == '\r' ? 1 : 0;
  auto length = utf8_sequence_bytes(text, i);
  auto character = text.substr(i, length);
  return character == "\xef\xbf\xbe" || character == "\xef\xbf\xbf" ? 0 : length;
}

bool is_xml_text(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    auto length = xml_character_bytes(text, i);
    if (length == 0) return false;
    i += length;
  }
  return true;
}

void append_byte(std::string& out, char byte) {
  auto value = static_cast<uint8_t>(byte);
  out += '%';
  out += hex_digits[value >> 4];
  out += hex_digits[value & 15];
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

// With every `%XX` as its byte; nothing when a `%` is not the beginning of one.
std::optional<std::string> decoded(std::string_view shown) {
  std::string raw;
  for (size_t i = 0; i < shown.size(); ++i) {
    if (shown[i] != '%') {
      raw += shown[i];
      continue;
    }
    if (i + 2 >= shown.size()) return std::nullopt;
    int high = hex_value(shown[i + 1]);
    int low = hex_value(shown[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    raw += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return raw;
}

// Digits of %XX in capitals.
std::string with_capital_digits(std::string_view shown) {
  std::string text{shown};
  for (size_t i = 0; i + 2 < text.size(); ++i) {
    if (text[i] != '%') continue;
    for (size_t k = i + 1; k < i + 3; ++k) {
      if (text[k] >= 'a' && text[k] <= 'f') text[k] = static_cast<char>(text[k] - 'a' + 'A');
    }
  }
  return text;
}

}  // namespace

std::string xml_name(std::string_view raw) {
  if (is_xml_text(raw)) return std::string{raw};
  std::string shown;
  for (size_t i = 0; i < raw.size();) {
    auto length = xml_character_bytes(raw, i);
    if (length == 0 || raw[i] == '%') {
      append_byte(shown, raw[i]);
      ++i;
    } else {
      shown += raw.substr(i, length);
      i += length;
    }
  }
  return shown;
}

std::string raw_name(std::string_view shown) {
  if (shown.find('%') == std::string_view::npos) return std::string{shown};
  auto raw = decoded(shown);
  // Every name without such bytes is itself, percent signs and all.
  if (!raw || is_xml_text(*raw) || xml_name(*raw) != with_capital_digits(shown)) {
    return std::string{shown};
  }
  return *raw;
}

}  // namespace et
