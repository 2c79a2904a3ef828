#include "cli/output.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <cerrno>
#include <csignal>

#include "tests/cli/command_fixture.hpp"

using namespace et;

namespace {

template <class Append>
std::string made(Append append) {
  std::string out;
  append(out);
  return out;
}

}  // namespace

TEST_CASE("names in text keep all bytes but tab, newline and backslash") {
  CHECK(made([](auto& out) { append_escaped(out, "a b\xff\x01"); }) == "a b\xff\x01");
  CHECK(made([](auto& out) { append_escaped(out, "\ta\nb\\c\\"); }) == "\\ta\\nb\\\\c\\\\");
  CHECK(made([](auto& out) { append_escaped(out, ""); }).empty());
}

TEST_CASE("CSV fields are quoted when they must be") {
  CHECK(made([](auto& out) { append_csv(out, "plain name"); }) == "plain name");
  CHECK(made([](auto& out) { append_csv(out, "a,b"); }) == "\"a,b\"");
  CHECK(made([](auto& out) { append_csv(out, "say \"x\""); }) == "\"say \"\"x\"\"\"");
  CHECK(made([](auto& out) { append_csv(out, "a\r\nb"); }) == "\"a\r\nb\"");
}

TEST_CASE("JSON strings come back as they were, other bytes as base64") {
  for (std::string text :
       {"", "plain", "q\"b\\", "tab\tnl\n\x01\x7f", "z\xc3\xbcrich \xf0\x9f\x93\xbc"}) {
    auto json = nlohmann::json::parse(made([&](auto& out) { append_json(out, text); }));
    CHECK(json.get<std::string>() == text);
  }
  CHECK(made([](auto& out) { append_json(out, "\xff"); }) == "{\"bytes\":\"/w==\"}");
  // An overlong slash, a surrogate, a cut sequence and a number beyond Unicode are not UTF-8.
  for (std::string text : {"\xc0\xaf", "\xed\xa0\x80", "\xe2\x82", "\xf4\x90\x80\x80", "\x80"}) {
    auto json = nlohmann::json::parse(made([&](auto& out) { append_json(out, text); }));
    CHECK(json["bytes"] == base64_encode(text));
  }
  CHECK(base64_encode("") == "");
  CHECK(base64_encode("f") == "Zg==");
  CHECK(base64_encode("fo") == "Zm8=");
  CHECK(base64_encode("foo") == "Zm9v");
  CHECK(base64_encode("foob") == "Zm9vYg==");
}

TEST_CASE("times are UTC, before 1970, too") {
  CHECK(time_text(0) == "1970-01-01T00:00:00Z");
  CHECK(time_text(951'782'399'999'999'999) == "2000-02-28T23:59:59Z");
  CHECK(time_text(951'782'400'000'000'000) == "2000-02-29T00:00:00Z");
  CHECK(time_text(1'700'000'000'000'000'000) == "2023-11-14T22:13:20Z");
  CHECK(time_text(-1) == "1969-12-31T23:59:59Z");
}

TEST_CASE("sizes and names for people") {
  CHECK(human_bytes(0) == "0 B");
  CHECK(human_bytes(999) == "999 B");
  CHECK(human_bytes(1000) == "1.0 kB");
  CHECK(human_bytes(999'960) == "1.0 MB");
  CHECK(human_bytes(1'234'567'890) == "1.2 GB");
  CHECK(printable("a\x1b[2Jb\n\xff\xc2\x9b z\xc3\xbc") ==
        "a\\x1b[2Jb\\x0a\\xff\\xc2\\x9b z\xc3\xbc");
}

TEST_CASE("output is written in pieces, in order, whole") {
  test::memory_fd fd;
  std::string expected;
  {
    output out{fd.get(), 100};
    for (int i = 0; i < 1000; ++i) {
      std::string line = std::to_string(i) + "\n";
      expected += line;
      REQUIRE(out.write(line));
    }
  }
  CHECK(fd.text() == expected);
}

TEST_CASE("a reader who went away is seen, once and for all") {
  std::signal(SIGPIPE, SIG_IGN);
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  close(ends[0]);
  output out{ends[1], 10};
  CHECK_FALSE(out.write("more than ten bytes"));
  CHECK(out.failed_errno() == EPIPE);
  CHECK_FALSE(out.write("x"));
  CHECK_FALSE(out.flush());
  close(ends[1]);
}
