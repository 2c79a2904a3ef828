#include "storage/catalogue/glob.hpp"

#include <catch2/catch.hpp>

using namespace et;

namespace {

bool matches(std::string_view pattern, std::string_view text) {
  auto parsed = glob::parse(pattern);
  REQUIRE(parsed);
  uint64_t steps = 0;
  return parsed->matches(text, steps);
}

}  // namespace

TEST_CASE("patterns match whole paths", "[glob]") {
  CHECK(matches("", "/anything"));
  CHECK(matches("/a/b", "/a/b"));
  CHECK_FALSE(matches("/a/b", "/a/bc"));
  CHECK_FALSE(matches("/a/b", "/a/"));
  CHECK(matches("*", ""));
  CHECK(matches("*.nc", "/deep/folder/x.nc"));
  CHECK_FALSE(matches("*.nc", "/deep/folder/x.nc4"));
  CHECK(matches("/a/*/c*", "/a/b/x/cd"));
  CHECK(matches("/a**b", "/a-b-b"));
  CHECK_FALSE(matches("/a*b", "/a-b-"));
  CHECK(matches("/?", "/\xff"));
  CHECK_FALSE(matches("/?", "/"));
  CHECK(matches("*a*b*c", "xxaxxbxxbxxc"));
}

TEST_CASE("sets and escapes", "[glob]") {
  CHECK(matches("/[a-c]", "/b"));
  CHECK_FALSE(matches("/[a-c]", "/d"));
  CHECK(matches("/[!a-c]", "/d"));
  CHECK_FALSE(matches("/[^a-c]", "/b"));
  CHECK(matches("/[]]", "/]"));
  CHECK(matches("/[a-]", "/-"));
  CHECK(matches("/[\\]x]", "/]"));
  CHECK(matches("/[\x80-\xff]", "/\xc3"));
  CHECK(matches("/\\*", "/*"));
  CHECK_FALSE(matches("/\\*", "/x"));
}

TEST_CASE("malformed patterns are errors", "[glob]") {
  for (auto text : {"/a\\", "/[abc", "/[", "/[]"}) CHECK_FALSE(glob::parse(text));
  CHECK(glob::parse(std::string(glob::max_pattern_bytes, 'a')));
  CHECK_FALSE(glob::parse(std::string(glob::max_pattern_bytes + 1, 'a')));
}

TEST_CASE("the literal beginning is known", "[glob]") {
  CHECK(glob::parse("/a/b*c")->prefix() == "/a/b");
  CHECK(glob::parse("/a\\*b?")->prefix() == "/a*b");
  CHECK(glob::parse("*x")->prefix().empty());
  CHECK(glob::parse("/whole")->prefix() == "/whole");
}

TEST_CASE("a hostile pattern takes bounded time", "[glob]") {
  std::string pattern;
  for (int i = 0; i < 1000; ++i) pattern += "*a";
  pattern += "b";
  std::string text(4000, 'a');
  uint64_t steps = 0;
  CHECK_FALSE(glob::parse(pattern)->matches(text, steps));
  CHECK(steps < pattern.size() * text.size());
}
