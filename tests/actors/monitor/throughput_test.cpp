#include "actors/monitor/throughput.hpp"

#include <catch2/catch.hpp>

#include "actors/defaults.hpp"

using namespace et;
using monitor::throughput_history;

namespace {

constexpr int64_t begin_s = 1'700'000'000 / 60 * 60;

moved_bytes put(uint64_t size_bytes) {
  return {size_bytes, 0, 0, 0};
}

}  // namespace

TEST_CASE("throughput: a sample is what moved since the one before") {
  throughput_history history{begin_s, {1, 2, 3, 4}};
  CHECK(history.list(false, 10).empty());
  history.sample(begin_s + 1, {11, 22, 33, 44});
  history.sample(begin_s + 2, {11, 22, 33, 54});
  auto all = history.list(false, 10);
  REQUIRE(all.size() == 2);
  CHECK(all[0].time_s == begin_s);
  CHECK(all[0].put_bytes == 10);
  CHECK(all[0].tape_write_bytes == 20);
  CHECK(all[0].tape_read_bytes == 30);
  CHECK(all[0].get_bytes == 40);
  CHECK(all[1].get_bytes == 10);
  CHECK(history.list(false, 1).front().time_s == begin_s + 1);
}

TEST_CASE("throughput: a second without a sample gets its share, and no byte is lost") {
  throughput_history history{begin_s, {}};
  history.sample(begin_s + 3, put(11));
  auto all = history.list(false, 10);
  REQUIRE(all.size() == 3);
  CHECK(all[0].put_bytes + all[1].put_bytes + all[2].put_bytes == 11);
  CHECK(all[2].put_bytes == 3);
  // Twice in a second: the next one has it.
  history.sample(begin_s + 3, put(20));
  history.sample(begin_s + 4, put(21));
  CHECK(history.list(false, 1).front().put_bytes == 10);
}

TEST_CASE("throughput: a clock that is set does no harm") {
  throughput_history history{begin_s, {}};
  history.sample(begin_s + 1, put(1));
  history.sample(begin_s - 5000, put(5));
  CHECK(history.list(false, 10).back().time_s == begin_s - 5001);
  CHECK(history.list(false, 10).back().put_bytes == 4);
  history.sample(begin_s + 1'000'000, put(6));
  CHECK(history.list(false, 10).size() == 3);
}

TEST_CASE("throughput: minutes are sums of their seconds, without the running one") {
  throughput_history history{begin_s, {}};
  for (int64_t i = 1; i <= 150; ++i) history.sample(begin_s + i, put(static_cast<uint64_t>(i) * 2));
  auto minutes = history.list(true, 10);
  REQUIRE(minutes.size() == 2);
  CHECK(minutes[0].time_s == begin_s);
  CHECK(minutes[0].put_bytes == 120);
  CHECK(minutes[1].put_bytes == 120);
}

TEST_CASE("throughput: ten minutes and a day are kept") {
  throughput_history history{begin_s, {}};
  for (int64_t i = 1; i <= 100'000; ++i) history.sample(begin_s + i, {});
  CHECK(history.list(false, SIZE_MAX).size() == defaults::live_seconds);
  CHECK(history.list(true, SIZE_MAX).size() == defaults::live_minutes);
}
