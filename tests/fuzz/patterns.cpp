// Patterns of find, against any text, within the steps that are promised.
#include "storage/catalogue/glob.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace et;

namespace {

/// The pattern that only `text` matches.
std::string quoted(std::string_view text) {
  std::string pattern;
  for (char c : text) {
    pattern += '\\';
    pattern += c;
  }
  return pattern;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::choices input{data, size};
  auto piece = input.piece();
  auto pattern = fuzz::text_of_input(piece.data(), piece.size());
  auto text = input.text();
  if (auto parsed = glob::parse(pattern)) {
    uint64_t steps = 0;
    bool matches = parsed->matches(text, steps);
    fuzz::require(steps <= (pattern.size() + 1) * (text.size() + 1),
                  "not more steps than promised");
    fuzz::require(!matches || text.starts_with(parsed->prefix()), "what matches has the prefix");
  }
  auto literal = glob::parse(quoted(text));
  uint64_t steps = 0;
  if (literal) fuzz::require(literal->matches(text, steps), "a quoted text matches itself");
  return 0;
}
