#include "actors/alert_delivery.hpp"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <ctime>

using namespace et;
using namespace std::chrono_literals;
using namespace std::string_literals;

namespace {

alert_target some_target() {
  setenv("TZ", "UTC", 1);
  tzset();
  alert_target target;
  target.name = "ops";
  target.node = "tape1";
  target.from = "et@example.org";
  target.to = {"a@example.org", "b@example.org"};
  return target;
}

alert_record some_alert(uint64_t number, severity level, std::string workspace, std::string text) {
  return {number,         1'700'000'000'000'000'000, level, std::move(workspace), batch_id{7},
          std::move(text)};
}

std::string header(const std::string& mail, const std::string& name) {
  auto begin = mail.find("\r\n" + name + ": ");
  REQUIRE(begin != std::string::npos);
  begin += name.size() + 4;
  auto end = mail.find("\r\n", begin);
  while (mail.compare(end, 3, "\r\n ") == 0) end = mail.find("\r\n", end + 2);
  return mail.substr(begin, end - begin);
}

}  // namespace

TEST_CASE("a target gets what its workspaces and severity say", "[alert_delivery]") {
  alert_target target;
  CHECK(target.wants(some_alert(1, severity::warning, "w", "x")));
  CHECK(target.wants(some_alert(1, severity::error, "", "x")));
  CHECK_FALSE(target.wants(some_alert(1, severity::info, "w", "x")));
  target.workspaces = {"climate", "w"};
  CHECK(target.wants(some_alert(1, severity::warning, "w", "x")));
  CHECK_FALSE(target.wants(some_alert(1, severity::warning, "other", "x")));
  CHECK_FALSE(target.wants(some_alert(1, severity::error, "", "x")));
}

TEST_CASE("retries wait twice as long each time, up to a bound, with jitter", "[alert_delivery]") {
  double random = 0;
  retry_schedule schedule{1s, 10s, [&] { return random; }};
  CHECK(schedule.failed() == 500ms);
  CHECK(schedule.failed() == 1s);
  random = 0.5;
  CHECK(schedule.failed() == 3s);
  CHECK(schedule.failed() == 6s);
  CHECK(schedule.failed() == 7500ms);
  CHECK(schedule.failures() == 5);
  for (int i = 0; i < 10'000; ++i) CHECK(schedule.failed() <= 10s);
  schedule.succeeded();
  CHECK(schedule.failures() == 0);
  CHECK(schedule.failed() == 750ms);
}

TEST_CASE("signatures are HMAC-SHA256 as in RFC 4231", "[alert_delivery]") {
  CHECK(signature_of(std::string(20, '\x0b'), "Hi There") ==
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  CHECK(signature_of("Jefe", "what do ya want for nothing?") ==
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  CHECK(signature_of(std::string(131, '\xaa'),
                     "Test Using Larger Than Block-Size Key - Hash Key First") ==
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST_CASE("the body of a webhook", "[alert_delivery]") {
  CHECK(webhook_body(some_target(), some_alert(5, severity::error, "w", "a \"b\"\n\xff")) ==
        R"({"number":5,"time":"2023-11-14T22:13:20Z","severity":"error","workspace":"w","batch":7,)"
        "\"text\":\"a \\\"b\\\"\\n\xef\xbf\xbd\",\"node\":\"tape1\"}");
}

TEST_CASE("a header that is not plain ASCII is encoded in short words", "[alert_delivery]") {
  CHECK(mail_header("Batch 7 removed") == "Batch 7 removed");
  CHECK(mail_header("=?x") == "=?UTF-8?B?PT94?=");
  CHECK(mail_header("a\r\nBcc: x@y") == "=?UTF-8?B?YQ0KQmNjOiB4QHk=?=");
  CHECK(mail_header("gr\xc3\xbc\xc3\x9f") == "=?UTF-8?B?Z3LDvMOf?=");
  std::string text;
  for (int i = 0; i < 40; ++i) text += "\xe2\x82\xac";
  auto encoded = mail_header(text);
  CHECK(encoded.find("\r\n ") != std::string::npos);
  size_t begin = 0;
  while (begin < encoded.size()) {
    auto end = std::min(encoded.find("\r\n ", begin), encoded.size());
    CHECK(end - begin <= 75);
    begin = end + 3;
  }
  // Bytes that are no UTF-8 come to an end as well.
  CHECK_FALSE(mail_header(std::string(200, '\x80')).empty());
}

TEST_CASE("a mail about one alert", "[alert_delivery]") {
  auto mail = mail_text(some_target(), {some_alert(5, severity::error, "w", "Volume \xc3\xbc")});
  CHECK(mail.starts_with("From: et@example.org\r\nTo: a@example.org,\r\n b@example.org\r\n"));
  CHECK(header(mail, "Subject").starts_with("=?UTF-8?B?"));
  CHECK(header(mail, "Date") == "Tue, 14 Nov 2023 22:13:20 +0000");
  CHECK(header(mail, "Message-ID").starts_with("<alert.5."));
  CHECK(mail == mail_text(some_target(), {some_alert(5, severity::error, "w", "Volume \xc3\xbc")}));
  auto other = some_target();
  other.name = "others";
  CHECK(header(mail_text(other, {some_alert(5, severity::error, "w", "x")}), "Message-ID") !=
        header(mail, "Message-ID"));
}

TEST_CASE("several alerts in one mail, and no line of it a name can make", "[alert_delivery]") {
  auto mail = mail_text(some_target(), {some_alert(5, severity::info, "w", "first"),
                                        some_alert(6, severity::error, "", "bad\r\nBcc: x@y"),
                                        some_alert(9, severity::info, "w", "last")});
  CHECK(header(mail, "Subject") ==
        "[elastictape] error several: bad\\x0d\\x0aBcc: x@y (and 2 more)");
  CHECK(header(mail, "Message-ID").starts_with("<alert.5-9."));
  CHECK(mail.find("\r\nBcc") == std::string::npos);
  for (size_t begin = 0; begin < mail.size();) {
    auto end = mail.find("\r\n", begin);
    REQUIRE(end != std::string::npos);
    CHECK(end - begin <= 78);
    begin = end + 2;
  }
}

TEST_CASE("addresses are plain", "[alert_delivery]") {
  CHECK(address_fault("a.b+c@example.org").empty());
  for (const auto* bad : {"", "a", "@b", "a@", "a b@c", "a@b\r\nDATA", "<a@b>", "a@b,c@d"})
    CHECK_FALSE(address_fault(bad).empty());
}
