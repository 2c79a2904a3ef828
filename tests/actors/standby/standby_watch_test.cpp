#include "actors/standby/standby_watch.hpp"

#include <catch2/catch.hpp>

using namespace et;
using namespace std::chrono_literals;

namespace {

using mode = standby_watch::mode;
using step = standby_watch::step;

const standby_watch::time_point t0{};

}  // namespace

TEST_CASE("a standby that never comes is dropped in time", "[standby_watch]") {
  standby_watch watch{10s, standby_policy::drop, t0};
  CHECK(watch.deadline() == t0 + 10s);
  CHECK(watch.passed(t0 + 9s) == step::none);
  CHECK(watch.passed(t0 + 10s) == step::drop);
  CHECK(watch.now_in() == mode::alone);
  CHECK_FALSE(watch.deadline());
  watch.written(7, t0 + 11s);
  CHECK_FALSE(watch.deadline());
  SECTION("and counts again when it has caught up") {
    CHECK(watch.acknowledged(3, false, t0 + 12s) == step::none);
    CHECK(watch.missed());
    CHECK(watch.acknowledged(7, true, t0 + 13s) == step::begin);
    CHECK(watch.now_in() == mode::following);
    watch.welcome();
    CHECK_FALSE(watch.missed());
  }
}

TEST_CASE("a standby that follows is given the time from the first write it lacks",
          "[standby_watch]") {
  standby_watch watch{10s, standby_policy::drop, t0};
  CHECK(watch.acknowledged(5, true, t0 + 1s) == step::begin);
  CHECK_FALSE(watch.deadline());
  watch.written(6, t0 + 100s);
  watch.written(7, t0 + 105s);
  CHECK(watch.deadline() == t0 + 110s);
  SECTION("each acknowledgement is progress") {
    CHECK(watch.acknowledged(6, true, t0 + 109s) == step::none);
    CHECK(watch.deadline() == t0 + 119s);
    CHECK(watch.acknowledged(7, true, t0 + 110s) == step::none);
    CHECK_FALSE(watch.deadline());
  }
  SECTION("silence is not") {
    CHECK(watch.passed(t0 + 110s) == step::drop);
  }
  SECTION("a lost link does not begin the time anew") {
    watch.lost(t0 + 108s);
    CHECK(watch.deadline() == t0 + 110s);
    CHECK(watch.acknowledged(7, true, t0 + 109s) == step::begin);
    CHECK_FALSE(watch.deadline());
  }
}

TEST_CASE("a link that is lost while nothing is written is missed in time too", "[standby_watch]") {
  standby_watch watch{10s, standby_policy::drop, t0};
  watch.acknowledged(5, true, t0);
  watch.lost(t0 + 50s);
  CHECK(watch.now_in() == mode::waiting);
  CHECK(watch.passed(t0 + 60s) == step::drop);
}

TEST_CASE("with the policy wait it is complained of once, until it is back", "[standby_watch]") {
  standby_watch watch{10s, standby_policy::wait, t0};
  CHECK(watch.passed(t0 + 10s) == step::complain);
  CHECK(watch.now_in() == mode::waiting);
  CHECK(watch.passed(t0 + 30s) == step::none);
  CHECK(watch.acknowledged(1, true, t0 + 31s) == step::begin);
  watch.welcome();
  watch.written(2, t0 + 40s);
  CHECK(watch.passed(t0 + 50s) == step::complain);
  CHECK(watch.now_in() == mode::following);
  CHECK(watch.acknowledged(2, true, t0 + 51s) == step::begin);
}
