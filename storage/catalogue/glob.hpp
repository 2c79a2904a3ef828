// File name patterns: `*` any bytes, also none and also slashes; `?` one byte; `[a-z]`, `[!a-z]`
// one byte in or not in a set; `\x` the byte x. Bytes, not characters.
//
// Own code because fnmatch(3) takes exponential time on hostile patterns, and patterns come from
// users: here a match takes at most pattern times text steps, and tells how many it took.
#pragma once

#include <caf/expected.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "storage/error.hpp"

namespace et {

class glob {
 public:
  /// Longest pattern.
  static constexpr size_t max_pattern_bytes = 4096;

  /// An empty pattern matches everything. Error: invalid_argument for one that is too long, ends
  /// with a backslash or has a `[` without its `]`.
  static caf::expected<glob> parse(std::string_view pattern);

  /// Whether all of `text` matches; adds the steps it took to `steps`.
  bool matches(std::string_view text, uint64_t& steps) const;

  /// What every matching text begins with.
  const std::string& prefix() const { return prefix_; }

 private:
  struct token {
    enum class kind : uint8_t { byte, any_byte, any_bytes, set } what = kind::byte;
    char byte = 0;
    bool negated = false;
    std::vector<std::pair<uint8_t, uint8_t>> ranges;
    bool accepts(char c) const;
  };
  bool parse_set(std::string_view pattern, size_t& at);

  std::vector<token> tokens_;
  std::string prefix_;
};

}  // namespace et
