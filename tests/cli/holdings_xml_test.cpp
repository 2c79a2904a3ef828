#include "cli/holdings_xml.hpp"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <ctime>
#include <random>

using namespace et;

namespace {

std::string shown(const std::optional<std::string_view>& value) {
  return value ? std::string{*value} : "-";
}

template <class Number>
std::string shown(const std::optional<Number>& value) {
  return value ? std::to_string(*value) : "-";
}

// What was found, a line each, and how it ended.
struct reading {
  std::string found;
  caf::error error;
};

reading read(std::string_view xml, size_t piece_bytes = 1 << 20, size_t max_files = 1 << 20) {
  reading result;
  size_t files = 0;
  holdings_sink sink;
  sink.workspace = [&](const listed_workspace& row) {
    result.found +=
        "W " + shown(row.name) + ' ' + shown(row.quota_bytes) + ' ' + shown(row.used_bytes) + '\n';
    CHECK_FALSE(row.batches);
    return true;
  };
  sink.batch = [&](const listed_batch& row) {
    result.found += "B " + shown(row.id) + ' ' + shown(row.tag) + ' ' + shown(row.state) + ' ' +
                    shown(row.created_ns) + ' ' + shown(row.files) + ' ' + shown(row.size_bytes) +
                    '\n';
    return true;
  };
  sink.file = [&](const listed_file& row) {
    result.found += "F " + shown(row.batch) + ' ' + shown(row.state) + ' ' + shown(row.size_bytes) +
                    ' ' + shown(row.path) + '\n';
    CHECK_FALSE(row.checksum);
    return ++files < max_files;
  };
  holdings_parser parser{sink};
  for (size_t at = 0; at < xml.size() && !result.error; at += piece_bytes) {
    result.error = parser.feed(xml.substr(at, piece_bytes));
  }
  if (!result.error) result.error = parser.finish();
  if (result.error) CHECK(parser.finish() == result.error);
  return result;
}

struct utc_zone {
  explicit utc_zone(const char* name) {
    setenv("TZ", name, 1);
    tzset();
  }
  ~utc_zone() {
    unsetenv("TZ");
    tzset();
  }
};

constexpr std::string_view example = R"(<?xml version="1.0" encoding="UTF-8"?>
<!-- made by a monitor -->
<et_wkspaces>
 <et_wkspace kind="project">
  <workspace_id>lidar</workspace_id><workspace_id>17</workspace_id>
  <quota> 1000 </quota><quota_used>12</quota_used>
  <batches>
   <batch>
    <batch_id>3</batch_id><batch_name>a tag &amp; more</batch_name>
    <batch_state>CACHED_SYNCED</batch_state>
    <file_count>2</file_count><batch_size>12</batch_size>
    <time_created>2024-02-29 12:00:01</time_created>
    <files>
     <file><file_name>/d/a&amp;b &lt;c&gt;</file_name><file_size>5</file_size>
      <current_state>SYNCED</current_state><time_to_tape>2024-02-29 12:01:01</time_to_tape></file>
     <file><file_name>/d/50%25 %FE%01</file_name><file_size>7</file_size>
      <current_state>CACHED</current_state><time_to_tape></time_to_tape></file>
     <file><file_name><![CDATA[/d/<&>]]></file_name></file>
    </files>
   </batch>
   <batch><batch_id>9</batch_id><time_created></time_created><future>x</future></batch>
  </batches>
 </et_wkspace>
 <et_wkspace><workspace_id>sea</workspace_id></et_wkspace>
</et_wkspaces>
)";

constexpr const char* example_found =
    "F 3 SYNCED 5 /d/a&b <c>\n"
    "F 3 CACHED 7 /d/50% \xfe\x01\n"
    "F 3 - - /d/<&>\n"
    "B 3 a tag & more CACHED_SYNCED 1709208001000000000 2 12\n"
    "B 9 - - - - -\n"
    "W lidar 1000 12\n"
    "W sea - -\n";

void check_refused(const std::string& xml, const std::string& word) {
  for (size_t piece_bytes : {1u, 7u, 1u << 20}) {
    auto result = read(xml, piece_bytes);
    INFO(text_of(result.error));
    CHECK(code_of(result.error) == errc::protocol);
    CHECK(text_of(result.error).find(word) != std::string::npos);
  }
}

std::string file_with(const std::string& name) {
  return "<et_wkspaces><et_wkspace><batches><batch><batch_id>1</batch_id><files><file><file_name>" +
         name + "</file_name></file></files></batch></batches></et_wkspace></et_wkspaces>";
}

}  // namespace

TEST_CASE("holdings are found in XML that is cut anywhere") {
  utc_zone zone{"UTC"};
  for (size_t piece_bytes : {1u, 2u, 3u, 5u, 64u, 1u << 20}) {
    auto result = read(example, piece_bytes);
    CHECK(result.error == caf::none);
    CHECK(result.found == example_found);
  }
}

TEST_CASE("what is found before an error stays found") {
  utc_zone zone{"UTC"};
  auto cut = read(example.substr(0, example.find("<future>")));
  CHECK(text_of(cut.error).find("ended too early") != std::string::npos);
  CHECK(cut.found.rfind("F 3 SYNCED 5 /d/a&b <c>\n", 0) == 0);
  CHECK(cut.found.find("B 3 ") != std::string::npos);
  CHECK(cut.found.find("B 9") == std::string::npos);
}

TEST_CASE("what is not a monitor's holdings is refused") {
  check_refused("", "empty");
  check_refused("  \n", "no element");
  check_refused("not found", "not a monitor's holdings");
  check_refused("<html><body>Hello</body></html>", "<html>");
  check_refused("<!DOCTYPE html><html></html>", "DOCTYPE");
  check_refused("<et_wkspaces><et_wkspace></batch></et_wkspaces>", "mismatched tag");
  check_refused("<et_wkspaces>\n<a>&nothing;</a></et_wkspaces>", "line 2");
  check_refused("<et_wkspaces><batch><batch/></batch></et_wkspaces>", "within another");
  check_refused("<et_wkspaces><file><batch/></file></et_wkspaces>", "within another");
  check_refused("<et_wkspaces>", "too early");
  check_refused("<et_wkspaces></et_wkspaces><more/>", "junk");
  check_refused(file_with("a\xff"), "not well-formed");
  check_refused(file_with("a&#0;"), "reference to invalid character");
}

TEST_CASE("entities are never expanded, bombs or not") {
  std::string bomb = "<!DOCTYPE b [<!ENTITY a \"aaaaaaaaaa\">";
  for (char c = 'b'; c < 'k'; ++c) {
    bomb += std::string{"<!ENTITY "} + c + " \"";
    for (int i = 0; i < 10; ++i) bomb += std::string{"&"} + static_cast<char>(c - 1) + ';';
    bomb += "\">";
  }
  check_refused(bomb + "]>" + file_with("&j;"), "DOCTYPE");
  check_refused("<!DOCTYPE b SYSTEM \"file:///etc/passwd\">" + file_with("x"), "DOCTYPE");
  check_refused("<!DOCTYPE b [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>" + file_with("&e;"),
                "DOCTYPE");
}

TEST_CASE("depth, values and tags are bounded") {
  std::string deep = "<et_wkspaces>";
  for (size_t i = 0; i < max_xml_depth; ++i) deep += "<x>";
  check_refused(deep, "deeply");
  check_refused(file_with(std::string(max_xml_value_bytes + 1, 'n')), "value is over");
  CHECK_FALSE(read(file_with(std::string(max_xml_value_bytes, 'n'))).error);
  // Text where nothing is looked at is not kept.
  CHECK_FALSE(
      read("<et_wkspaces><x>" + std::string(3 * max_xml_value_bytes, 'n') + "</x></et_wkspaces>")
          .error);
  // A tag or a comment that never ends.
  for (std::string begin : {"<et_wkspaces><x a='", "<et_wkspaces><!--", "<!--", "<?p "}) {
    auto xml = begin + std::string(3 * max_xml_token_bytes, 'n');
    auto result = read(xml, 4096);
    INFO(begin);
    CHECK(text_of(result.error).find("tag or comment is over") != std::string::npos);
  }
}

TEST_CASE("damaged XML is read or refused, never more than that") {
  std::mt19937 random{11};
  for (int i = 0; i < 5'000; ++i) {
    std::string xml{example};
    for (auto n = 1 + random() % 4; n > 0; --n) {
      auto at = random() % xml.size();
      auto size = random() % 40;
      if (random() % 2 == 0) {
        xml[at] = static_cast<char>(random());
      } else if (random() % 2 == 0) {
        xml.erase(at, size);
      } else {
        xml.insert(at, xml.substr(random() % xml.size(), size));
      }
    }
    auto result = read(xml, 1 + random() % 300);
    bool expected = !result.error || code_of(result.error) == errc::protocol;
    CHECK(expected);
  }
}

TEST_CASE("a sink that has enough ends the reading") {
  auto result = read(example, 16, 2);
  CHECK(code_of(result.error) == errc::cancelled);
  CHECK(std::count(result.found.begin(), result.found.end(), '\n') == 2);
}

TEST_CASE("odd values are not known") {
  auto result = read(
      "<et_wkspaces><et_wkspace><workspace_id>w</workspace_id><quota>-1</quota>"
      "<quota_used>99999999999999999999</quota_used><batches><batch><batch_id>x</batch_id>"
      "<file_count>1.5</file_count><batch_size/><time_created>yesterday</time_created></batch>"
      "</batches></et_wkspace></et_wkspaces>");
  CHECK_FALSE(result.error);
  CHECK(result.found == "B - - - - - -\nW w - -\n");
}

TEST_CASE("local times are those of this machine's zone") {
  {
    utc_zone zone{"UTC"};
    CHECK(local_time_ns("1970-01-02 00:00:01") == 86'401'000'000'000);
    for (auto bad : {"", "2024", "2024-02-30 00:00:00", "2024-13-01 00:00:00",
                     "2024-01-01T00:00:00", "2024-01-01 00:00:00Z", "x"}) {
      CHECK_FALSE(local_time_ns(bad));
    }
  }
  utc_zone zone{"CET-1CEST,M3.5.0,M10.5.0/3"};
  CHECK(time_text(*local_time_ns("2024-01-15 12:00:00")) == "2024-01-15T11:00:00Z");
  CHECK(time_text(*local_time_ns("2024-07-15 12:00:00")) == "2024-07-15T10:00:00Z");
}

// Found by fuzzing: the year 6545 was taken for some other time.
TEST_CASE("times that do not fit into nanoseconds are not known") {
  utc_zone zone{"UTC"};
  CHECK(local_time_ns("2262-04-11 23:47:16") == 9'223'372'036'000'000'000);
  CHECK_FALSE(local_time_ns("2262-04-11 23:47:17"));
  CHECK_FALSE(local_time_ns("6545-11-14 22:13:20"));
  CHECK_FALSE(local_time_ns("0001-01-01 00:00:00"));
}
