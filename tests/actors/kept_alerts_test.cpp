#include "actors/kept_alerts.hpp"

#include <catch2/catch.hpp>

using namespace et;
using std::chrono::seconds;

namespace {

const kept_alerts::time_point start{seconds{1000}};

alert_record alert(std::string text) {
  alert_record draft;
  draft.level = severity::warning;
  draft.text = std::move(text);
  return draft;
}

std::vector<std::string> texts(const std::vector<alert_record>& alerts) {
  std::vector<std::string> all;
  for (auto& one : alerts) all.push_back(one.text);
  return all;
}

}  // namespace

TEST_CASE("kept alerts: they are told once, with their age, and are else what they were") {
  kept_alerts kept;
  kept.keep(alert("a"), start);
  kept.keep(alert("b"), start + seconds{2});
  auto told = kept.take(start + seconds{5});
  CHECK(texts(told) == std::vector<std::string>{"a (no head: raised 5 s before this)",
                                                "b (no head: raised 3 s before this)"});
  CHECK(told[0].level == severity::warning);
  CHECK(kept.take(start + seconds{6}).empty());
}

TEST_CASE("kept alerts: of a flood the first are kept and the others counted") {
  kept_alerts kept;
  for (int round = 0; round < 2; ++round) {
    for (size_t i = 0; i < max_kept_alerts + 7; ++i) kept.keep(alert(std::to_string(i)), start);
    auto told = texts(kept.take(start));
    REQUIRE(told.size() == max_kept_alerts + 1);
    CHECK(told.front() == "0 (no head: raised 0 s before this)");
    CHECK(told.back() ==
          "7 more alerts were raised while there was no head: see the log of their node");
  }
}

TEST_CASE("kept alerts: what was passed on is told again if that was a moment ago") {
  kept_alerts kept;
  kept.passed_on(alert("old"), start);
  kept.passed_on(alert("new"), start + seconds{1});
  kept.doubt(start + alert_doubt_time + seconds{1});
  CHECK(texts(kept.take(start + seconds{70})) ==
        std::vector<std::string>{
            "new (perhaps told before, the link broke: raised 69 s before this)"});
  CHECK(kept.take(start + seconds{70}).empty());
  kept.doubt(start + seconds{70} + 2 * alert_doubt_time);
  CHECK(kept.take(start + seconds{300}).empty());
}

TEST_CASE("kept alerts: of a flood that was passed on the last are told again, with what follows") {
  kept_alerts kept;
  for (size_t i = 0; i < max_kept_alerts + 7; ++i) kept.passed_on(alert(std::to_string(i)), start);
  kept.doubt(start);
  kept.keep(alert("behind"), start);
  auto told = texts(kept.take(start));
  REQUIRE(told.size() == max_kept_alerts + 1);
  CHECK(told.front() == "7 (perhaps told before, the link broke: raised 0 s before this)");
  CHECK(told.back() ==
        "1 more alerts were raised while there was no head: see the log of their node");
}

TEST_CASE("kept alerts: links that break again and again do not tell for ever, nor longer texts") {
  kept_alerts kept;
  kept.keep(alert("a"), start);
  size_t told = 0;
  std::string last;
  for (int i = 1; i < 10; ++i) {
    for (auto& one : kept.take(start + seconds{i})) {
      ++told;
      last = one.text;
    }
    kept.doubt(start + seconds{i});
  }
  CHECK(told == static_cast<size_t>(max_tellings));
  CHECK(last == "a (perhaps told before, the link broke: raised 3 s before this)");
}
