#include "actors/monitor/query.hpp"

#include <algorithm>
#include <charconv>

namespace et::monitor {

namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

std::optional<std::string> decoded(std::string_view text, bool in_query) {
  std::string raw;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && in_query) {
      raw += ' ';
    } else if (text[i] == '%') {
      int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
      int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
      if (high < 0 || low < 0) return std::nullopt;
      raw += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      raw += text[i];
    }
  }
  return raw;
}

template <class Number>
bool read_number(std::string_view text, Number& value) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return !text.empty() && error == std::errc{} && end == text.data() + text.size();
}

caf::error bad_escape(std::string_view where) {
  return fail(errc::invalid_argument,
              "'" + std::string{where} + "' has a % without two hexadecimal digits");
}

}  // namespace

caf::expected<query> query::parse(std::string_view target) {
  query result;
  target = target.substr(0, target.find('#'));
  auto question = std::min(target.find('?'), target.size());
  auto path = decoded(target.substr(0, question), false);
  if (!path) return bad_escape(target.substr(0, question));
  // Who joins a base with a path may write the slash twice.
  for (char c : *path)
    if (c != '/' || result.path_.empty() || result.path_.back() != '/') result.path_ += c;
  auto rest = target.substr(std::min(question + 1, target.size()));
  while (!rest.empty()) {
    auto end = std::min(rest.find_first_of("&;"), rest.size());
    auto parameter = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    auto equals = std::min(parameter.find('='), parameter.size());
    auto name = decoded(parameter.substr(0, equals), true);
    auto value = decoded(parameter.substr(std::min(equals + 1, parameter.size())), true);
    if (!name || !value) return bad_escape(parameter);
    result.parameters_.emplace(std::move(*name), std::move(*value));
  }
  return result;
}

std::string query::text(const std::string& name) const {
  auto found = parameters_.find(name);
  return found == parameters_.end() ? std::string{} : found->second;
}

caf::expected<std::optional<uint64_t>> query::number(const std::string& name) const {
  auto given = text(name);
  if (given.empty()) return std::optional<uint64_t>{};
  uint64_t value = 0;
  if (!read_number(given, value))
    return fail(errc::invalid_argument, name + "=" + given + " is not a number");
  return std::optional{value};
}

caf::expected<aggregation_id> query::aggregation(const std::string& name) const {
  auto given = text(name);
  std::string_view whole = given;
  auto dot = std::min(whole.find('.'), whole.size());
  aggregation_id id;
  if (!read_number(whole.substr(0, dot), id.batch.value) ||
      !read_number(whole.substr(std::min(dot + 1, whole.size())), id.number))
    return fail(errc::invalid_argument, given.empty()
                                            ? "the parameter " + name + " is missing"
                                            : name + "=" + given + " is not of the form BATCH.N");
  return id;
}

}  // namespace et::monitor
