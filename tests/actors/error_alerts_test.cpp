#include "actors/error_alerts.hpp"

#include <spdlog/logger.h>

#include <catch2/catch.hpp>

using namespace et;

TEST_CASE("an error in the log is news once an hour, whatever its numbers", "[error_alerts]") {
  error_news news;
  CHECK(news.text_of("drive 0: sense 3/11 at block 812", 0) == "drive 0: sense 3/11 at block 812");
  CHECK_FALSE(news.text_of("drive 1: sense 3/11 at block 9", 1000));
  CHECK(news.text_of("drive 1: cannot be unloaded", 1000));
  CHECK_FALSE(news.text_of("drive 1: sense 3/11 at block 9", error_news::again_after_ms - 1));
  CHECK(news.text_of("drive 7: sense 3/11 at block 9", error_news::again_after_ms));
}

TEST_CASE("alerts in the log are no news", "[error_alerts]") {
  error_news news;
  CHECK_FALSE(news.text_of("alert: node io1 is lost", 0));
  CHECK_FALSE(news.text_of("alert not recorded: node io1 is lost: no space", 0));
  CHECK(news.text_of("alerts to hook: nothing is sent", 0));
}

TEST_CASE("a flood of errors of all kinds is told of with a bound", "[error_alerts]") {
  error_news news;
  size_t told = 0;
  std::string last;
  for (size_t i = 0; i < 10 * error_news::max_kinds; ++i)
    if (auto text = news.text_of("user " + std::string(i + 1, 'x'), 5)) ++told, last = *text;
  CHECK(told == error_news::max_kinds + 1);
  CHECK(last == "more errors than are told of one by one: see the log");
  CHECK(news.text_of("user x", 5 + error_news::again_after_ms) == "user x");
}

TEST_CASE("errors are told while there is who listens, warnings never", "[error_alerts]") {
  auto sink = std::make_shared<error_alerts>();
  spdlog::logger log{"test", sink};
  log.error("nobody is there");
  std::vector<std::string> heard;
  sink->to([&](std::string text) { heard.push_back(std::move(text)); });
  log.warn("a warning");
  log.error("an error of {}", 7);
  log.critical("worse");
  sink->to({});
  log.error("too late");
  CHECK(heard == std::vector<std::string>{"an error of 7", "worse"});
}
