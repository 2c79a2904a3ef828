#include "cli/monitor_url.hpp"

#include <catch2/catch.hpp>

using namespace et;

namespace {

std::string whole(std::string_view given, const holdings_query& query = {}) {
  auto url = holdings_url(given, query);
  return url ? url->origin + ' ' + url->target : text_of(url.error());
}

}  // namespace

TEST_CASE("a monitor's base becomes the address of its page") {
  const std::string page = " /et_user/ET_Holdings_Summary_XML.php";
  for (auto base : {"http://m:80", "http://m:80/", "http://m:80/et_user", "http://m:80/et_user/",
                    "http://m:80/et_user/ET_Holdings_Summary_XML.php", "HTTP://m:80/#top"}) {
    CHECK(whole(base) == "http://m:80" + page);
  }
  CHECK(whole("https://monitor.example.org") == "https://monitor.example.org" + page);
  CHECK(whole("http://[::1]:8080/") == "http://[::1]:8080" + page);
  CHECK(whole("http://[::1]") == "http://[::1]" + page);
  CHECK(whole("http://m/tape/et_user") == "http://m /tape/et_user/ET_Holdings_Summary_XML.php");
  CHECK(whole("http://m/tape/") == "http://m /tape/et_user/ET_Holdings_Summary_XML.php");
  CHECK(whole("http://m/et_admin/") == "http://m /et_admin/ET_Holdings_Summary_XML.php");
  CHECK(whole("http://m/copy.xml") == "http://m /copy.xml");
}

TEST_CASE("what is asked for replaces what stands in the address") {
  holdings_query query{"w&s=1 \xff", "ada", batch_id{7}, "file"};
  const std::string asked = "workspace=w%26s%3D1%20%FF&caller=ada&batch=7&level=file";
  CHECK(whole("http://m/", query) == "http://m /et_user/ET_Holdings_Summary_XML.php?" + asked);
  CHECK(whole("http://m/p.php?workspace=x;level=top&a=1;;b=%20&batch=3;caller=", query) ==
        "http://m /p.php?a=1&b=%20&" + asked);
  CHECK(whole("http://m/p.php?workspace=x;level=top", {"", "", {}, "batch"}) ==
        "http://m /p.php?workspace=x&level=batch");
  CHECK(names_workspace("http://m/p.php?level=top;workspace=x"));
  CHECK_FALSE(names_workspace("http://m/workspace/p.php?myworkspace=x"));
  CHECK_FALSE(names_workspace(""));
}

TEST_CASE("what is not the address of a monitor is refused") {
  for (auto given : {"",
                     "m",
                     "m:80/et_user",
                     "ftp://m/",
                     "http://",
                     "http:///et_user",
                     "http://m:/",
                     "http://m:0/",
                     "http://m:65536/",
                     "http://m:8o/",
                     "http://u:p@m/",
                     "http://u@m",
                     "http://[::1/",
                     "http://[]/",
                     "http://[::1]x/",
                     "http://a:b:1/",
                     "http://m/a b",
                     "http://m/\r\nHost: x",
                     "http://m/\xc3\xbc",
                     "file:///etc"}) {
    INFO(given);
    auto url = holdings_url(given, {});
    REQUIRE_FALSE(url);
    CHECK(code_of(url.error()) == errc::invalid_argument);
    CHECK(text_of(url.error()).find("http://HOST:PORT/") != std::string::npos);
  }
}
