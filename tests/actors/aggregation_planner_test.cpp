#include "actors/aggregation_planner.hpp"

#include <catch2/catch.hpp>
#include <random>

using namespace et;

namespace {

file_entry entry(const std::string& path, uint64_t size_bytes) {
  file_entry e;
  e.path = path;
  e.size_bytes = size_bytes;
  return e;
}

std::vector<aggregation_record> plan(const std::vector<file_entry>& files, uint64_t target_bytes,
                                     uint64_t max_files) {
  aggregation_planner planner{batch_id{7}, 1, target_bytes, max_files};
  std::vector<aggregation_record> out;
  for (auto& file : files) planner.add(file, out);
  planner.finish(out);
  return out;
}

}  // namespace

TEST_CASE("planner: no files make no aggregation") {
  CHECK(plan({}, 100, 10).empty());
}

TEST_CASE("planner: files are cut at the target size, in path order, numbered from one") {
  auto runs = plan({entry("/a", 60), entry("/b", 40), entry("/c", 1), entry("/d", 99)}, 100, 10);
  REQUIRE(runs.size() == 2);
  CHECK(runs[0].id == aggregation_id{batch_id{7}, 1});
  CHECK(runs[0].first_path == "/a");
  CHECK(runs[0].last_path == "/b");
  CHECK(runs[0].content_bytes == 100);
  CHECK(runs[1].id.number == 2);
  CHECK(runs[1].first_path == "/c");
  CHECK(runs[1].last_path == "/d");
  CHECK(runs[1].files == 2);
}

TEST_CASE("planner: a file larger than the target stands alone") {
  auto runs = plan({entry("/a", 1), entry("/big", 101), entry("/z", 1)}, 100, 10);
  REQUIRE(runs.size() == 3);
  CHECK(runs[1].first_path == "/big");
  CHECK(runs[1].last_path == "/big");
}

TEST_CASE("planner: the number of files is bounded, empty files too") {
  std::vector<file_entry> files;
  for (char c = 'a'; c <= 'g'; ++c) files.push_back(entry(std::string{"/"} + c, 0));
  auto runs = plan(files, 100, 3);
  REQUIRE(runs.size() == 3);
  CHECK(runs[0].files == 3);
  CHECK(runs[2].files == 1);
}

TEST_CASE(
    "planner: every file is in exactly one run, and planning on after a crash gives the same") {
  std::mt19937 random{42};
  std::vector<file_entry> files;
  for (int i = 0; i < 3000; ++i) {
    char name[16];
    std::snprintf(name, sizeof name, "/f%05d", i);
    files.push_back(entry(name, random() % 10 == 0 ? random() % 3000 : random() % 200));
  }
  auto whole = plan(files, 1000, 16);
  uint64_t count = 0;
  size_t next = 0;
  for (auto& run : whole) {
    CHECK(run.first_path == files[next].path);
    next += run.files;
    CHECK(run.last_path == files[next - 1].path);
    CHECK((run.content_bytes <= 1000 || run.files == 1));
    count += run.files;
  }
  CHECK(count == files.size());

  // Half of the plan was recorded; a new planner starts behind it.
  auto half = whole.size() / 2;
  aggregation_planner again{batch_id{7}, static_cast<uint32_t>(half + 1), 1000, 16};
  std::vector<aggregation_record> rest;
  for (auto& file : files)
    if (file.path > whole[half - 1].last_path) again.add(file, rest);
  again.finish(rest);
  REQUIRE(rest.size() == whole.size() - half);
  for (size_t i = 0; i < rest.size(); ++i) {
    CHECK(rest[i].id == whole[half + i].id);
    CHECK(rest[i].first_path == whole[half + i].first_path);
  }
}
