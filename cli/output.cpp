#include "cli/output.hpp"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>

namespace et {

namespace {

constexpr char hex_digits[] = "0123456789abcdef";

// True when every byte stands for itself in a JSON string: the usual case, found in one pass.
bool is_plain_json(std::string_view text) {
  for (unsigned char c : text) {
    if (c < 0x20 || c >= 0x7f || c == '"' || c == '\\') return false;
  }
  return true;
}

void append_json_escapes(std::string& out, std::string_view text) {
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || byte == 0x7f) {
      out += "\\u00";
      out += hex_digits[byte >> 4];
      out += hex_digits[byte & 15];
    } else {
      out += c;
    }
  }
}

// Writes a number and what follows it; returns where that ends.
char* write_padded(char* at, unsigned number, int digits, char behind) {
  for (int i = digits - 1; i >= 0; --i, number /= 10) at[i] = static_cast<char>('0' + number % 10);
  at[digits] = behind;
  return at + digits + 1;
}

}  // namespace

output::output(int fd, size_t piece_bytes) : fd_(fd), piece_bytes_(piece_bytes) {
  text_.reserve(piece_bytes + 16 * 1024);
}

output::~output() {
  flush();
}

bool output::write(std::string_view text) {
  text_ += text;
  return commit();
}

bool output::flush() {
  size_t done = 0;
  while (error_ == 0 && done < text_.size()) {
    ssize_t n = ::write(fd_, text_.data() + done, text_.size() - done);
    if (n >= 0) {
      done += static_cast<size_t>(n);
    } else if (errno != EINTR) {
      error_ = errno;
    }
  }
  text_.clear();
  return error_ == 0;
}

void append_csv(std::string& out, std::string_view field) {
  if (field.find_first_of("\",\r\n") == std::string_view::npos) {
    out += field;
    return;
  }
  out += '"';
  for (char c : field) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
}

void append_json(std::string& out, std::string_view text) {
  if (is_plain_json(text)) {
    out += '"';
    out += text;
    out += '"';
  } else if (is_utf8(text)) {
    out += '"';
    append_json_escapes(out, text);
    out += '"';
  } else {
    out += "{\"bytes\":\"" + base64_encode(text) + "\"}";
  }
}

std::string& json_object::begin(std::string_view name) {
  if (!first_) out_ += ',';
  first_ = false;
  append_json(out_, name);
  out_ += ':';
  return out_;
}

json_object& json_object::add(std::string_view name, std::string_view text) {
  append_json(begin(name), text);
  return *this;
}

json_object& json_object::add(std::string_view name, uint64_t number) {
  append_number(begin(name), number);
  return *this;
}

json_object& json_object::add_signed(std::string_view name, int64_t number) {
  begin(name) += std::to_string(number);
  return *this;
}

json_object& json_object::add_bool(std::string_view name, bool value) {
  begin(name) += value ? "true" : "false";
  return *this;
}

json_object& json_object::add_null(std::string_view name) {
  begin(name) += "null";
  return *this;
}

void json_object::close() {
  if (!closed_) out_ += '}';
  closed_ = true;
}

void append_number(std::string& out, uint64_t number) {
  char text[20];
  auto end = std::to_chars(text, text + sizeof text, number).ptr;
  out.append(text, static_cast<size_t>(end - text));
}

void write_time(char (&text)[time_bytes], int64_t time_ns) {
  int64_t seconds = time_ns / 1'000'000'000 - (time_ns % 1'000'000'000 < 0 ? 1 : 0);
  int64_t days = seconds / 86400 - (seconds % 86400 < 0 ? 1 : 0);
  auto of_day = static_cast<unsigned>(seconds - days * 86400);
  // Days to a civil date, counted in eras of 400 years that begin on 1 March.
  days += 719468;
  int64_t era = (days >= 0 ? days : days - 146096) / 146097;
  auto of_era = static_cast<unsigned>(days - era * 146097);
  unsigned year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  unsigned of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  unsigned shifted_month = (5 * of_year + 2) / 153;
  unsigned day = of_year - (153 * shifted_month + 2) / 5 + 1;
  unsigned month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
  int64_t year = static_cast<int64_t>(year_of_era) + era * 400 + (month <= 2 ? 1 : 0);
  char* at = write_padded(text, static_cast<unsigned>(year), 4, '-');
  at = write_padded(at, month, 2, '-');
  at = write_padded(at, day, 2, 'T');
  at = write_padded(at, of_day / 3600, 2, ':');
  at = write_padded(at, of_day / 60 % 60, 2, ':');
  write_padded(at, of_day % 60, 2, 'Z');
}

void append_time(std::string& out, int64_t time_ns) {
  char text[time_bytes];
  write_time(text, time_ns);
  out.append(text, time_bytes);
}

std::string time_text(int64_t time_ns) {
  std::string out;
  append_time(out, time_ns);
  return out;
}

std::string human_bytes(uint64_t size_bytes) {
  constexpr std::array units{"B", "kB", "MB", "GB", "TB", "PB", "EB"};
  size_t unit = 0;
  auto value = static_cast<double>(size_bytes);
  while (value >= 999.95 && unit + 1 < units.size()) {
    value /= 1000;
    ++unit;
  }
  char text[32];
  std::snprintf(text, sizeof text, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
  return text;
}

}  // namespace et
