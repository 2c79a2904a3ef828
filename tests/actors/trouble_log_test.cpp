#include "actors/trouble_log.hpp"

#include <catch2/catch.hpp>

using namespace et;

TEST_CASE("a trouble is news once when it begins and once when it is over", "[trouble_log]") {
  trouble_log log;
  CHECK_FALSE(log.over("drive 0: writing"));
  CHECK(log.begins("drive 0: writing"));
  CHECK_FALSE(log.begins("drive 0: writing"));
  CHECK_FALSE(log.begins("drive 0: writing"));
  CHECK(log.times("drive 0: writing") == 3);
  CHECK(log.over("drive 0: writing"));
  CHECK_FALSE(log.over("drive 0: writing"));
  CHECK(log.times("drive 0: writing") == 0);
  CHECK(log.begins("drive 0: writing"));
}

TEST_CASE("troubles of different subjects do not hide one another", "[trouble_log]") {
  trouble_log log;
  CHECK(log.begins("drive 0: writing"));
  CHECK(log.begins("drive 0: reading"));
  CHECK(log.begins("drive 1: writing"));
  CHECK(log.over("drive 0: writing"));
  CHECK_FALSE(log.begins("drive 0: reading"));
  CHECK_FALSE(log.begins("drive 1: writing"));
}
