#include "storage/format/text.hpp"

#include <catch2/catch.hpp>

using namespace et;

TEST_CASE("UTF-8 is recognised by the book", "[text]") {
  CHECK(is_utf8(""));
  CHECK(is_utf8("plain"));
  CHECK(is_utf8("\xc3\xbc \xe6\xbc\xa2 \xf0\x9f\x93\xbc \xf4\x8f\xbf\xbf"));
  CHECK_FALSE(is_utf8("\x80"));
  CHECK_FALSE(is_utf8("\xc0\xaf"));          // overlong
  CHECK_FALSE(is_utf8("\xe0\x80\xaf"));      // overlong
  CHECK_FALSE(is_utf8("\xed\xa0\x80"));      // surrogate
  CHECK_FALSE(is_utf8("\xf4\x90\x80\x80"));  // above U+10FFFF
  CHECK_FALSE(is_utf8("\xf0\x9f\x93"));      // cut off
  CHECK_FALSE(is_utf8("\xff"));
}

TEST_CASE("base64 has one text for each value", "[text]") {
  CHECK(base64_encode("") == "");
  CHECK(base64_encode("f") == "Zg==");
  CHECK(base64_encode("fo") == "Zm8=");
  CHECK(base64_encode("foo") == "Zm9v");
  CHECK(base64_encode("\xff\xfe\x80") == "//6A");
  for (std::string raw : {"", "f", "fo", "foo", "foob", "\xff\x01\x80 x"})
    CHECK(*base64_decode(base64_encode(raw)) == raw);
  for (auto bad : {"Z", "Zg", "Zg=", "Zh==", "Z===", "====", "Zm9v\n", "Zm 9", "Zg==Zg=="})
    CHECK(code_of(base64_decode(bad).error()) == errc::invalid_argument);
}

TEST_CASE("names are escaped and come back", "[text]") {
  std::string out = "x";
  append_escaped(out, "a\tb\nc\\d\r\xff");
  CHECK(out == "xa\\tb\\nc\\\\d\r\xff");
  CHECK(*unescape(out) == "xa\tb\nc\\d\r\xff");
  for (auto bad : {"a\tb", "a\nb", "a\\", "a\\x", "\\r"})
    CHECK(code_of(unescape(bad).error()) == errc::corrupt);
}
