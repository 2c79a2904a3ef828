#include "storage/catalogue/glob.hpp"

namespace et {

bool glob::token::accepts(char c) const {
  if (what == kind::byte) return c == byte;
  if (what == kind::any_byte) return true;
  auto value = static_cast<uint8_t>(c);
  for (auto [low, high] : ranges)
    if (value >= low && value <= high) return !negated;
  return negated;
}

// Behind a `[`; leaves `at` behind the `]`.
bool glob::parse_set(std::string_view pattern, size_t& at) {
  token set;
  set.what = token::kind::set;
  if (at < pattern.size() && (pattern[at] == '!' || pattern[at] == '^')) {
    set.negated = true;
    ++at;
  }
  // A `]` that comes first stands for itself.
  for (bool first = true; at < pattern.size(); first = false) {
    if (pattern[at] == ']' && !first) {
      ++at;
      tokens_.push_back(std::move(set));
      return true;
    }
    if (pattern[at] == '\\' && at + 1 < pattern.size()) ++at;
    auto low = static_cast<uint8_t>(pattern[at++]);
    auto high = low;
    if (at + 1 < pattern.size() && pattern[at] == '-' && pattern[at + 1] != ']') {
      high = static_cast<uint8_t>(pattern[at + 1]);
      at += 2;
    }
    set.ranges.emplace_back(low, high);
  }
  return false;
}

caf::expected<glob> glob::parse(std::string_view pattern) {
  if (pattern.size() > max_pattern_bytes)
    return fail(errc::invalid_argument,
                "the pattern is longer than " + std::to_string(max_pattern_bytes) + " bytes");
  glob result;
  bool literal = true;
  for (size_t at = 0; at < pattern.size();) {
    char c = pattern[at++];
    if (c == '*') {
      // Several in a row are one.
      if (result.tokens_.empty() || result.tokens_.back().what != token::kind::any_bytes)
        result.tokens_.push_back({token::kind::any_bytes, 0, false, {}});
    } else if (c == '?') {
      result.tokens_.push_back({token::kind::any_byte, 0, false, {}});
    } else if (c == '[') {
      if (!result.parse_set(pattern, at))
        return fail(errc::invalid_argument, "the pattern has a [ without its ]");
    } else {
      if (c == '\\') {
        if (at == pattern.size())
          return fail(errc::invalid_argument, "the pattern ends with a backslash");
        c = pattern[at++];
      }
      result.tokens_.push_back({token::kind::byte, c, false, {}});
    }
    literal = literal && result.tokens_.back().what == token::kind::byte;
    if (literal) result.prefix_ += result.tokens_.back().byte;
  }
  if (pattern.empty()) result.tokens_.push_back({token::kind::any_bytes, 0, false, {}});
  return result;
}

// After a mismatch only the last `*` can help: what an earlier one took is as good as anything else
// it could have taken.
bool glob::matches(std::string_view text, uint64_t& steps) const {
  size_t in_text = 0;
  size_t in_pattern = 0;
  size_t star = std::string_view::npos;
  size_t star_text = 0;
  for (;;) {
    ++steps;
    if (in_pattern < tokens_.size() && tokens_[in_pattern].what == token::kind::any_bytes) {
      star = in_pattern++;
      star_text = in_text;
      if (in_pattern == tokens_.size()) return true;
    } else if (in_text == text.size()) {
      return in_pattern == tokens_.size();
    } else if (in_pattern < tokens_.size() && tokens_[in_pattern].accepts(text[in_text])) {
      ++in_pattern;
      ++in_text;
    } else if (star != std::string_view::npos) {
      in_pattern = star + 1;
      in_text = ++star_text;
    } else {
      return false;
    }
  }
}

}  // namespace et
