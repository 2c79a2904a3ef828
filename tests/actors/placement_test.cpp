#include "actors/placement.hpp"

#include <catch2/catch.hpp>

using namespace et;

namespace {

std::vector<file_entry> files(std::vector<std::string> paths) {
  std::vector<file_entry> all;
  for (auto& path : paths) all.push_back({path, 100, 0, 0644, 0, 0});
  return all;
}

place_facts io(const std::string& name, std::vector<std::string> roots, uint64_t free_bytes = 1000,
               uint64_t jobs = 0) {
  return {name, true, true, std::move(roots), free_bytes, jobs};
}

place_facts source(const std::string& name, std::vector<std::string> roots, uint64_t jobs = 0) {
  return {name, false, true, std::move(roots), 0, jobs};
}

}  // namespace

TEST_CASE("placement: a path is beneath a root, not beside it") {
  CHECK(is_beneath("/data/a", {"/data"}));
  CHECK(is_beneath("/data/a", {"/"}));
  CHECK(is_beneath("/data/a", {"/other", "/data"}));
  CHECK_FALSE(is_beneath("/database/a", {"/data"}));
  CHECK_FALSE(is_beneath("/data", {"/data"}));
  CHECK_FALSE(is_beneath("/data/a", {}));
}

TEST_CASE("placement: the cache beside the files is best, whatever the others have") {
  std::string why;
  auto found =
      place({io("far", {}, 5000), io("near", {"/data"}, 500, 9)}, files({"/data/a"}), 400, why);
  REQUIRE(found);
  CHECK(found->cache == "near");
  CHECK(found->reader.empty());
}

TEST_CASE("placement: of several, the one with room and the fewest jobs") {
  std::string why;
  auto all = files({"/data/a"});
  CHECK(place({io("a", {"/"}, 500, 3), io("b", {"/"}, 500, 1)}, all, 400, why)->cache == "b");
  CHECK(place({io("a", {"/"}, 500, 3), io("b", {"/"}, 300, 1)}, all, 400, why)->cache == "a");
  CHECK(place({io("a", {"/"}, 500, 1), io("b", {"/"}, 900, 1)}, all, 400, why)->cache == "b");
}

TEST_CASE("placement: a source node reads what no cache sees") {
  std::string why;
  auto found = place(
      {io("i1", {}, 900), io("i2", {}, 500), source("s1", {"/data"}), source("s2", {"/elsewhere"})},
      files({"/data/a", "/data/b"}), 400, why);
  REQUIRE(found);
  CHECK(found->cache == "i1");
  CHECK(found->reader == "s1");
}

TEST_CASE("placement: every file must be seen by the one that reads") {
  std::string why;
  CHECK_FALSE(place({io("i1", {"/data/a"}), source("s1", {"/data/b"})},
                    files({"/data/a/1", "/data/b/1"}), 400, why));
  CHECK(why == "no node that is up sees /data/a/1");
  CHECK_FALSE(place({source("s1", {"/data"})}, files({"/data/a/1"}), 400, why));
  CHECK(why == "no node with a cache is up");
}
