#include "cli/commands/get_plan.hpp"

#include <catch2/catch.hpp>

#include <limits>

using namespace et;

namespace {

file_row row(const std::string& path, uint32_t aggregation, uint64_t offset, uint64_t size) {
  file_row made;
  made.batch = batch_id{1};
  made.entry.path = path;
  made.entry.size_bytes = size;
  made.aggregation = aggregation;
  made.offset_bytes = offset;
  made.has_checksum = true;
  made.state = state::synced;
  return made;
}

}  // namespace

TEST_CASE("neighbours become one range; gaps, skips and aggregations begin another") {
  range_planner planner{std::numeric_limits<uint64_t>::max()};
  planner.want(row("/a", 1, 512, 100), "", false);
  planner.want(row("/b", 1, 1536, 100), "/a", false);
  planner.skip();
  planner.want(row("/d", 1, 9000, 10), "/c", true);
  planner.want(row("/e", 2, 512, 10), "/d", true);
  auto ranges = planner.take(false);
  REQUIRE(ranges.size() == 2);
  CHECK(ranges[0].range.begin_bytes == 512);
  CHECK(ranges[0].range.end_bytes == 1636);
  CHECK(ranges[0].files == 2);
  CHECK(ranges[0].size_bytes == 200);
  CHECK(ranges[0].before.empty());
  CHECK(ranges[0].last_path == "/b");
  CHECK(ranges[0].rows.empty());
  CHECK(ranges[1].before == "/c");
  CHECK(ranges[1].rows.size() == 1);
  planner.want(row("/f", 2, 1024, 10), "/e", false);
  ranges = planner.take(true);
  REQUIRE(ranges.size() == 1);
  CHECK(ranges[0].range.aggregation.number == 2);
  CHECK(ranges[0].range.end_bytes == 1034);
  CHECK(ranges[0].rows.size() == 2);
  CHECK(planner.take(true).empty());
  planner.want(row("/g", 2, 2048, 10), "/f", false);
  CHECK(planner.take(true).size() == 1);
}

TEST_CASE("listed files are merged over small gaps only, and never backwards") {
  range_planner planner{4096};
  planner.want(row("/a", 1, 512, 100), "", true);
  planner.want(row("/b", 1, 612 + 4096, 100), "", true);
  planner.want(row("/c", 1, 4808 + 4097, 100), "", true);
  planner.want(row("/d", 1, 0, 100), "", true);
  CHECK(planner.take(true).size() == 3);
}

TEST_CASE("which files lie in a range") {
  wanted_range range{{batch_id{1}, 1}, 1000, 2000};
  CHECK(lies_in(row("/a", 1, 1000, 1000), range));
  CHECK_FALSE(lies_in(row("/a", 1, 999, 10), range));
  CHECK_FALSE(lies_in(row("/a", 1, 1500, 501), range));
  CHECK_FALSE(lies_in(row("/a", 1, 1500, 0), range));
  CHECK_FALSE(lies_in(row("/a", 2, 1500, 10), range));
  auto failed = row("/a", 1, 1500, 10);
  failed.state = state::failed;
  CHECK_FALSE(lies_in(failed, range));
}
