// What the dashboard says about the service's health.
#include "actors/monitor/dashboard/health.hpp"

#include <catch2/catch.hpp>

#include "tests/actors/monitor/fake_live.hpp"

using namespace et;
using namespace et::monitor;

namespace {

constexpr int64_t now_ns = 1'700'000'000'000'000'000;

live_state healthy() {
  auto state = test::busy_service(now_ns, 10).state;
  state.workspaces.resize(2);
  state.alerts.clear();
  return state;
}

std::vector<std::string> texts(const live_state& state) {
  std::vector<std::string> all;
  for (const auto& one : findings(state)) all.push_back(one.text);
  return all;
}

}  // namespace

TEST_CASE("a busy service is well, and so is one that knows nothing yet") {
  CHECK(texts(healthy()).empty());
  CHECK(texts({}).empty());
}

TEST_CASE("what is wrong is said, worst first") {
  auto state = healthy();
  state.trouble = "the scheduler does not answer";
  state.cache.full = true;
  state.volumes[0].record.status = volume_status::suspect;
  state.volumes[3].record.status = volume_status::quarantined;
  state.volumes[4].record.status = volume_status::quarantined;
  state.nodes.push_back({"node2", "lost", "", {}, 0});
  state.workspaces[0].used_bytes = state.workspaces[0].quota_bytes / 100 * 97;
  auto found = findings(state);
  REQUIRE(found.size() == 6);
  CHECK(found[0].text == "Node node2 is lost");
  CHECK(found[0].level == severity::error);
  CHECK(found[1].text == "Some of this is old or missing: the scheduler does not answer");
  CHECK(found[2].text == "1\xc2\xa0volume is suspect");
  CHECK(found[3].text == "2\xc2\xa0volumes are quarantined");
  CHECK(found[3].address == "/volumes?status=quarantined");
  CHECK(found[4].text == "The cache is full: work waits for room in it");
  CHECK(found[5].text == "Workspace w has used 97 % of its quota");
  CHECK(found[5].address == "/workspace/w");
}

TEST_CASE("a library without room is an error") {
  auto state = healthy();
  for (auto& volume : state.volumes) volume.record.status = volume_status::full;
  CHECK(texts(state) ==
        std::vector<std::string>{"No volume in the library has room: add blank cartridges"});
  // What is not in the library does not help.
  state.volumes.back().record.status = volume_status::blank;
  CHECK(texts(state).empty());
  state.volumes.back().present = false;
  CHECK(texts(state).size() == 1);
  state.volumes.back().drive = 1;
  CHECK(texts(state).empty());
  // Nor is anything said before the inventory has been taken.
  state.volumes.clear();
  CHECK(texts(state).empty());
}

TEST_CASE("several tight quotas are one finding") {
  auto state = healthy();
  for (auto& workspace : state.workspaces) workspace.used_bytes = workspace.quota_bytes;
  CHECK(texts(state).size() == 1);
  CHECK(findings(state).front().address == "/workspaces");
  // No quota: nothing to be near to.
  for (auto& workspace : state.workspaces) workspace.quota_bytes = 0;
  CHECK(texts(state).empty());
}

TEST_CASE("an error is worth a look for ten minutes") {
  auto state = healthy();
  alert_record alert;
  alert.level = severity::warning;
  alert.time_ns = now_ns;
  state.alerts.push_back(alert);
  CHECK(texts(state).empty());
  alert.level = severity::error;
  alert.time_ns = now_ns - int64_t{599} * 1'000'000'000;
  state.alerts.push_back(alert);
  CHECK(texts(state) == std::vector<std::string>{"1\xc2\xa0"
                                                 "error in the last 10 minutes"});
  state.alerts.back().time_ns -= int64_t{2} * 1'000'000'000;
  CHECK(texts(state).empty());
}

TEST_CASE("what happens to a batch") {
  auto state = healthy();
  auto batch = state.batches[0];
  CHECK(what_happens(batch, state) == "being planned, 10 to be read, 12 going to tape");
  batch.planned = true;
  for (auto& drive : state.drives) drive.activity = "reading";
  state.cache.full = true;
  CHECK(what_happens(batch, state) == "10 waiting for room in the cache, 12 waiting for a drive");
  batch.in_state = {0, 0, 0, 40, 0, 1};
  CHECK(what_happens(batch, state).empty());
}
