#include "storage/format/xml_name.hpp"

#include <catch2/catch.hpp>
#include <random>

#include "storage/format/text.hpp"

using namespace et;

TEST_CASE("a name that XML can hold is itself, and comes back") {
  for (std::string name :
       {"/data/a b", "/data/100%", "/data/50%25", "/data/caf%C3%A9", "/data/a%41b", "tab\tline\n",
        "gr\xc3\xbc\xc3\x9f"
        "e",
        "\xf0\x9f\x93\xbc", "%", "%%", "%F", "%zz", "", "<&>\"'", "\x7f"}) {
    CHECK(xml_name(name) == name);
    CHECK(raw_name(name) == name);
  }
}

TEST_CASE("bytes that XML cannot hold are %XX, and % is %25 in the same name only") {
  CHECK(xml_name("a\xff") == "a%FF");
  CHECK(xml_name("50% \xfe") == "50%25 %FE");
  CHECK(xml_name(std::string_view{"\0x\x1b", 3}) == "%00x%1B");
  CHECK(xml_name("\xef\xbf\xbf") == "%EF%BF%BF");
  CHECK(xml_name("\xed\xa0\x80") == "%ED%A0%80");
  CHECK(xml_name("\xc3\xbc\xc3") == "\xc3\xbc%C3");
  CHECK(raw_name("a%FF") == "a\xff");
  CHECK(raw_name("a%ff") == "a\xff");
  CHECK(raw_name("50%25 %FE") == "50% \xfe");
  // Not what xml_name() makes: these are names that look like it.
  CHECK(raw_name("50% %FE") == "50% %FE");
  CHECK(raw_name("%41%FF") == "%41%FF");
  CHECK(raw_name("%C3%BC%FF") == "%C3%BC%FF");
}

TEST_CASE("any name comes back, but for those that look like shown bytes") {
  std::mt19937 random{7};
  const std::string pieces[] = {"%", "a", "/", "\xff", "\xc3", "\xbc", "\x01", "2", "5", "F", "\n"};
  for (int i = 0; i < 20'000; ++i) {
    std::string name;
    for (auto n = random() % 9; n > 0; --n) name += pieces[random() % std::size(pieces)];
    auto shown = xml_name(name);
    CHECK(is_utf8(shown));
    if (shown != name) CHECK(raw_name(shown) == name);
  }
}
