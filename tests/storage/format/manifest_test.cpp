#include "storage/format/manifest.hpp"

#include "format_support.hpp"
#include "storage/format/about.hpp"

using namespace et;
using namespace et::test;

namespace {

const std::string example_line =
    "11264\t5\t0123456789abcdef00000000000000ff\t644\t1000\t100\t-1700000000123456789\t"
    "/a\\tb\\\\c\\nd \xff\n";

manifest_entry example_entry() {
  return {{"/a\tb\\c\nd \xff", 5, -1'700'000'000'123'456'789, 0644, 1000, 100},
          11264,
          {0x0123456789abcdef, 0xff}};
}

std::string head() {
  return std::string{manifest_header};
}

}  // namespace

TEST_CASE("a manifest has these bytes", "[manifest]") {
  auto entry = example_entry();
  std::string line;
  append_manifest_line(line, entry.file, entry.offset_bytes, entry.checksum);
  CHECK(line == example_line);
  CHECK(manifest_header == "offset\tsize\txxh3-128\tmode\tuid\tgid\tmtime_ns\tpath\n");
  line.clear();
  append_manifest_line(line, {"/x", UINT64_MAX, INT64_MIN, UINT32_MAX, UINT32_MAX, UINT32_MAX},
                       UINT64_MAX, {UINT64_MAX, UINT64_MAX});
  CHECK(
      line ==
      "18446744073709551615\t18446744073709551615\tffffffffffffffffffffffffffffffff\t37777777777\t"
      "4294967295\t4294967295\t-9223372036854775808\t/x\n");
}

TEST_CASE("a manifest comes back whatever the pieces", "[manifest]") {
  auto text =
      head() + example_line + "11776\t0\t99aa06d3014798d86001c324468d497f\t0\t0\t0\t0\t/z\n";
  auto whole = parse_manifest(text);
  REQUIRE(whole);
  REQUIRE(whole->size() == 2);
  CHECK(whole->front() == example_entry());
  CHECK(parse_manifest(head())->empty());
  for (size_t piece_bytes : {1u, 3u, 50u, 100u}) {
    std::vector<manifest_entry> entries;
    manifest_parser parser{[&](manifest_entry&& entry) {
      entries.push_back(std::move(entry));
      return true;
    }};
    for (size_t at = 0; at < text.size(); at += piece_bytes)
      REQUIRE(!parser.feed(std::string_view{text}.substr(at, piece_bytes)));
    REQUIRE(!parser.finish());
    CHECK(entries == *whole);
  }
}

TEST_CASE("damaged manifests are refused with the line's number", "[manifest]") {
  auto refused = [](const std::string& text) {
    auto parsed = parse_manifest(text);
    return !parsed && code_of(parsed.error()) == errc::corrupt;
  };
  CHECK(refused(""));
  CHECK(refused(example_line));
  CHECK(refused(head().substr(1) + example_line));
  CHECK(refused(head() + example_line.substr(0, example_line.size() - 1)));
  CHECK(refused(head() + "\n"));
  CHECK(refused(head() + example_line + example_line));  // overlaps
  auto changed = [&](std::string_view from, std::string_view to) {
    auto line = example_line;
    return refused(head() + line.replace(line.find(from), from.size(), to));
  };
  CHECK(changed("11264", "011264"));
  CHECK(changed("11264", "+11264"));
  CHECK(changed("11264", "-11264"));
  CHECK(changed("11264", " 11264"));
  CHECK(changed("11264", ""));
  CHECK(changed("11264", "99999999999999999999"));
  CHECK(changed("\t5\t", "\t18446744073709551615\t"));
  CHECK(changed("0123456789abcdef", "0123456789ABCDEF"));
  CHECK(changed("0123456789abcdef", "0123456789abcde"));
  CHECK(changed("644", "648"));
  CHECK(changed("1000", "4294967296"));
  CHECK(changed("-1700000000123456789", "-0"));
  CHECK(changed("/a", "a"));
  CHECK(changed("\\t", "\\q"));
  CHECK(changed("\\t", "\t"));
  CHECK(changed("\\\\", "\\"));
  CHECK(changed("\\t", std::string(1, '\0')));
  CHECK(text_of(parse_manifest(head() + example_line + "x\n").error()) ==
        "manifest line 3 is malformed");
  CHECK(refused(head() + std::string(20'000, 'x')));
}

TEST_CASE("the spool gives back what went in, from memory and from its file", "[manifest]") {
  temp_folder folder;
  for (size_t limit : {100u, 1u << 20, 8u << 20}) {
    text_spool spool{folder.path(), limit};
    std::string all;
    for (int i = 0; i < 200'000; ++i) {
      auto line = "line " + std::to_string(i) + "\n";
      all += line;
      spool.tail() += line;
      REQUIRE(!spool.appended());
      if (limit == 100 && i > 20'000) break;
    }
    CHECK(spool.size_bytes() == all.size());
    std::string got;
    REQUIRE(!spool.replay([&](std::string_view piece) {
      got += piece;
      return caf::error{};
    }));
    CHECK((got == all));
    CHECK(std::filesystem::is_empty(folder.path()));  // the file never has a name
  }
  text_spool nowhere{folder.path() / "missing", 1};
  nowhere.tail() = "xx";
  CHECK(code_of(nowhere.appended()) == errc::io_error);
}

TEST_CASE("about.json has these bytes and comes back", "[about]") {
  auto about = example_about();
  about.tag = "t\xff";
  auto text = encode_about(about);
  CHECK(text ==
        "{\n  \"format\": \"elastictape aggregation\",\n  \"version\": 1,\n"
        "  \"aggregation\": \"7.2\",\n  \"batch\": 7,\n  \"number\": 2,\n"
        "  \"workspace\": \"climate\",\n  \"tag\": {\n    \"bytes\": \"dP8=\"\n  },\n"
        "  \"requester\": \"ada\",\n  \"created\": \"2023-11-14T22:13:20Z\",\n"
        "  \"created_ns\": 1700000000000000000\n}\n");
  CHECK(*parse_about(text) == about);
  about = {{batch_id{UINT64_MAX}, UINT32_MAX}, "", "\xc3\xbc \"\\\n", "", -1};
  CHECK(*parse_about(encode_about(about)) == about);
}

TEST_CASE("an about.json that is not ours is refused", "[about]") {
  auto text = encode_about(example_about());
  auto code = [&](std::string_view from, std::string_view to) {
    auto copy = text;
    auto parsed = parse_about(copy.replace(copy.find(from), from.size(), to));
    return parsed ? errc::none : code_of(parsed.error());
  };
  CHECK(code("\"version\": 1", "\"version\": 2") == errc::newer_version);
  CHECK(code("\"version\": 1", "\"version\": \"1\"") == errc::corrupt);
  CHECK(code("elastictape", "other") == errc::corrupt);
  CHECK(code("\"batch\": 7", "\"batch\": 8") == errc::corrupt);
  CHECK(code("\"batch\": 7", "\"batch\": -7") == errc::corrupt);
  CHECK(code("\"number\": 2", "\"number\": 4294967298") == errc::corrupt);
  CHECK(code("\"climate\"", "5") == errc::corrupt);
  CHECK(code("\"climate\"", "{\"bytes\": \"?\"}") == errc::corrupt);
  CHECK(code("\"tag\"", "\"gat\"") == errc::corrupt);
  CHECK(code("}", "") == errc::corrupt);
  CHECK(code("{\n", "{\"later\": 1,\n") == errc::none);
  CHECK(code_of(parse_about("").error()) == errc::corrupt);
  CHECK(code_of(parse_about("[]").error()) == errc::corrupt);
}
