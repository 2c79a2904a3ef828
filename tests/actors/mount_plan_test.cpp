#include "actors/mount_plan.hpp"

#include <catch2/catch.hpp>
#include <random>
#include <set>

#include "actors/scheduler_reports.hpp"

using namespace et;

namespace {

using kind_type = mount_action::kind_type;

queued_write write(uint64_t batch, uint32_t number, uint64_t size_bytes, int64_t since_ms,
                   const std::string& pool = "archive") {
  queued_write queued;
  queued.item.aggregation.id = {batch_id{batch}, number};
  queued.item.aggregation.size_bytes = size_bytes;
  queued.pool = pool;
  queued.since_ms = since_ms;
  return queued;
}

queued_recall recall(uint64_t number, const std::string& volume, uint64_t block) {
  queued_recall queued;
  queued.job.number = number;
  queued.job.copy.volume = barcode{volume};
  queued.job.copy.data = block_address{block};
  return queued;
}

volume_record volume(const std::string& id, volume_status status, const std::string& pool = {}) {
  volume_record record;
  record.id = barcode{id};
  record.status = status;
  record.pool = pool;
  return record;
}

mount_policy policy() {
  mount_policy p;
  p.write_after_bytes = 1000;
  p.write_after_ms = 300;
  p.idle_dismount_ms = 60'000;
  return p;
}

/// A library with volumes A (appendable, archive), B and C (blank).
mount_plan small_plan(size_t drives = 2) {
  mount_plan plan{policy()};
  plan.set_drives(drives);
  plan.set_volume(volume("A", volume_status::appendable, "archive"));
  plan.set_volume(volume("B", volume_status::blank));
  plan.set_volume(volume("C", volume_status::blank));
  plan.set_present({barcode{"A"}, barcode{"B"}, barcode{"C"}});
  return plan;
}

}  // namespace

TEST_CASE("mount plan: nothing queued, nothing to do") {
  auto plan = small_plan();
  CHECK_FALSE(plan.next(0));
  CHECK_FALSE(plan.next_time_ms(0));
}

TEST_CASE("mount plan: a write waits until enough has gathered") {
  auto plan = small_plan();
  plan.add_write(write(1, 1, 600, 0));
  CHECK_FALSE(plan.next(0));
  CHECK(plan.next_time_ms(0) == 300);
  plan.add_write(write(1, 2, 400, 10));
  auto action = plan.next(10);
  REQUIRE(action);
  CHECK(action->kind == kind_type::write);
  CHECK(action->volume == barcode{"A"});
  CHECK(action->writes.size() == 2);
  CHECK(plan.writes().empty());
}

TEST_CASE("mount plan: or until the oldest has waited long enough") {
  auto plan = small_plan();
  plan.add_write(write(1, 1, 1, 0));
  CHECK_FALSE(plan.next(299));
  CHECK(plan.next(300));
}

TEST_CASE("mount plan: one drive writes a pool at a time") {
  auto plan = small_plan();
  plan.add_write(write(1, 1, 5000, 0));
  REQUIRE(plan.next(0));
  plan.add_write(write(1, 2, 5000, 0));
  CHECK_FALSE(plan.next(1000));
}

TEST_CASE("mount plan: two pools never use the same volume") {
  auto plan = small_plan();
  plan.add_write(write(1, 1, 5000, 0, "archive"));
  plan.add_write(write(1, 1, 5000, 0, "archive-2"));
  auto first = plan.next(0);
  REQUIRE(first);
  plan.drive(first->drive).mounted = first->volume;
  auto second = plan.next(0);
  REQUIRE(second);
  CHECK(first->drive != second->drive);
  CHECK(first->volume == barcode{"A"});
  CHECK(second->volume == barcode{"B"});
}

TEST_CASE("mount plan: the same aggregation is queued for a pool only once") {
  auto plan = small_plan();
  CHECK(plan.add_write(write(1, 1, 10, 0)));
  CHECK_FALSE(plan.add_write(write(1, 1, 10, 0)));
  CHECK(plan.add_write(write(1, 1, 10, 0, "archive-2")));
}

TEST_CASE("mount plan: recalls of the mounted volume come in ascending order") {
  auto plan = small_plan(1);
  plan.drive(0).mounted = barcode{"A"};
  plan.add_recall(recall(1, "A", 900));
  plan.add_recall(recall(2, "A", 100));
  plan.add_recall(recall(3, "A", 500));
  std::vector<uint64_t> order;
  while (auto action = plan.next(0)) {
    REQUIRE(action->kind == kind_type::read);
    order.push_back(action->recall->job.number);
    plan.drive(0).activity = drive_activity::idle;
    if (order.size() == 3) break;
  }
  CHECK(order == std::vector<uint64_t>{2, 3, 1});
}

TEST_CASE("mount plan: what a recall waits for is told with its place, its volume and its drive") {
  auto plan = small_plan(1);
  for (uint32_t i = 1; i <= 3; ++i) {
    auto queued = recall(i, "A", i * 100);
    queued.job.aggregation.id = {batch_id{7}, i};
    plan.add_recall(queued);
  }
  CHECK(waiting_for(plan, {batch_id{7}, 1}) == "volume A, place 1 in the queue of recalls");
  REQUIRE(plan.next(0));
  CHECK(waiting_for(plan, {batch_id{7}, 1}) == "volume being mounted in drive 0");
  plan.drive(0).mounted = barcode{"A"};
  CHECK(waiting_for(plan, {batch_id{7}, 1}) == "volume A, being read in drive 0");
  CHECK(waiting_for(plan, {batch_id{7}, 3}) == "volume A, place 2 in the queue of recalls");
  CHECK(waiting_for(plan, {batch_id{8}, 1}).empty());
}

TEST_CASE("mount plan: a due write comes between two reads of one drive") {
  auto plan = small_plan(1);
  plan.drive(0).mounted = barcode{"A"};
  plan.add_recall(recall(1, "A", 1));
  plan.add_recall(recall(2, "A", 2));
  plan.add_write(write(1, 1, 5000, 0));
  auto first = plan.next(0);
  REQUIRE(first);
  CHECK(first->kind == kind_type::read);
  plan.drive(0).activity = drive_activity::idle;
  auto second = plan.next(0);
  REQUIRE(second);
  CHECK(second->kind == kind_type::write);
  plan.drive(0).activity = drive_activity::idle;
  plan.drive(0).pool.clear();
  auto third = plan.next(0);
  REQUIRE(third);
  CHECK(third->kind == kind_type::read);
}

TEST_CASE("mount plan: a volume in one drive is not mounted in another") {
  auto plan = small_plan();
  plan.drive(0).mounted = barcode{"A"};
  plan.drive(0).activity = drive_activity::writing;
  plan.add_recall(recall(1, "A", 1));
  CHECK_FALSE(plan.next(0));
}

TEST_CASE("mount plan: a cartridge that is not in the library is not asked for") {
  auto plan = small_plan();
  plan.set_present({barcode{"B"}});
  plan.add_recall(recall(1, "A", 1));
  CHECK_FALSE(plan.next(0));
  plan.add_write(write(1, 1, 5000, 0));
  auto action = plan.next(0);
  REQUIRE(action);
  CHECK(action->volume == barcode{"B"});
}

TEST_CASE("mount plan: full and suspect volumes are not written, and the obstacle is named") {
  auto plan = small_plan();
  plan.set_volume(volume("A", volume_status::full, "archive"));
  plan.set_volume(volume("B", volume_status::suspect, "archive"));
  plan.set_volume(volume("C", volume_status::full, "archive"));
  plan.add_write(write(1, 1, 5000, 0));
  CHECK_FALSE(plan.next(0));
  CHECK(plan.write_obstacle("archive").find("no volume") == 0);
}

TEST_CASE("mount plan: a drive that failed rests, then works again") {
  auto plan = small_plan(1);
  plan.drive(0).rest_until_ms = 5000;
  plan.add_write(write(1, 1, 5000, 0));
  CHECK_FALSE(plan.next(0));
  CHECK(plan.next_time_ms(0) == 5000);
  CHECK(plan.next(5000));
}

TEST_CASE("mount plan: an idle drive is emptied after its time") {
  auto plan = small_plan(1);
  plan.drive(0).mounted = barcode{"A"};
  plan.drive(0).idle_since_ms = 1000;
  CHECK_FALSE(plan.next(60'999));
  CHECK(plan.next_time_ms(1000) == 60'000);
  auto action = plan.next(61'000);
  REQUIRE(action);
  CHECK(action->kind == kind_type::dismount);
}

TEST_CASE("mount plan: a removed batch's writes and a given up recall leave the queues") {
  auto plan = small_plan();
  plan.add_write(write(1, 1, 10, 0));
  plan.add_write(write(2, 1, 10, 0));
  plan.cancel_batch(batch_id{1});
  REQUIRE(plan.writes().size() == 1);
  CHECK(plan.writes()[0].item.aggregation.id.batch == batch_id{2});
  plan.add_recall(recall(5, "A", 1));
  CHECK(plan.take_recall(5));
  CHECK_FALSE(plan.take_recall(5));
}

TEST_CASE("mount plan: random work is all done, once, never with a volume in two drives") {
  std::mt19937 random{7};
  auto plan = small_plan(3);
  std::multiset<uint64_t> written;
  std::set<uint64_t> read;
  uint64_t next_write = 1;
  uint64_t next_read = 1;
  std::map<uint32_t, mount_action> running;
  for (int64_t now_ms = 0; now_ms < 200'000; now_ms += 50) {
    if (now_ms < 100'000 && random() % 3 == 0)
      plan.add_write(
          write(next_write++, 1, random() % 900, now_ms, random() % 2 ? "archive" : "archive-2"));
    if (now_ms < 100'000 && random() % 3 == 0)
      plan.add_recall(recall(next_read++, std::string(1, static_cast<char>('A' + random() % 3)),
                             random() % 1000));
    while (auto action = plan.next(now_ms)) {
      REQUIRE_FALSE(running.count(action->drive));
      if (action->kind != kind_type::dismount) {
        for (uint32_t i = 0; i < 3; ++i)
          if (i != action->drive) REQUIRE(plan.drives()[i].mounted != action->volume);
        plan.drive(action->drive).mounted = action->volume;
      }
      running.emplace(action->drive, *action);
    }
    for (auto i = running.begin(); i != running.end();) {
      if (random() % 2) {
        ++i;
        continue;
      }
      auto& action = i->second;
      for (auto& w : action.writes) written.insert(w.item.aggregation.id.batch.value);
      if (action.kind == kind_type::write) {
        auto record = plan.volumes().at(action.volume);
        CHECK((record.pool.empty() || record.pool == action.pool));
        record.pool = action.pool;
        record.status = volume_status::appendable;
        plan.set_volume(record);
      }
      if (action.recall) CHECK(read.insert(action.recall->job.number).second);
      auto& slot = plan.drive(i->first);
      if (action.kind == kind_type::dismount) slot.mounted.reset();
      slot.activity = drive_activity::idle;
      slot.pool.clear();
      slot.idle_since_ms = now_ms;
      i = running.erase(i);
    }
  }
  CHECK(written.size() == next_write - 1);
  CHECK(std::set<uint64_t>(written.begin(), written.end()).size() == written.size());
  CHECK(read.size() == next_read - 1);
}

TEST_CASE("mount plan: a volume on its way into one drive is not sought by another") {
  auto plan = small_plan();
  plan.add_recall(recall(1, "A", 10));
  plan.add_recall(recall(2, "A", 20));
  auto first = plan.next(0);
  REQUIRE(first);
  CHECK(first->drive == 0);
  // The library is still moving it: nothing says yet that it is mounted.
  CHECK_FALSE(plan.next(0));
  CHECK(plan.in_use(barcode{"A"}));
  plan.drive(0).mounted = barcode{"A"};
  plan.drive(0).activity = drive_activity::idle;
  plan.drive(0).target.reset();
  CHECK_FALSE(plan.in_use(barcode{"A"}));
  auto second = plan.next(1);
  REQUIRE(second);
  CHECK(second->drive == 0);
  CHECK(second->recall->job.number == 2);
}

TEST_CASE("mount plan: what is quarantined is neither written nor read") {
  auto plan = small_plan();
  plan.set_volume(volume("A", volume_status::quarantined, "archive"));
  plan.set_volume(volume("B", volume_status::quarantined));
  plan.set_volume(volume("C", volume_status::quarantined));
  CHECK(plan.read_obstacle(barcode{"A"}) ==
        "volume A is quarantined; an administrator may release it");
  CHECK(plan.read_obstacle(barcode{"Z"}) == "cartridge Z is not in the library; put it back");
  CHECK_FALSE(plan.write_obstacle("archive").empty());
  plan.set_volume(volume("A", volume_status::suspect, "archive"));
  CHECK_FALSE(plan.read_obstacle(barcode{"A"}));
  CHECK_FALSE(plan.write_obstacle("archive").empty());
}

TEST_CASE("mount plan: changed volumes come in pages, each change once") {
  mount_plan plan{{}};
  for (int i = 0; i < 5; ++i)
    plan.set_volume(volume("V" + std::to_string(i), volume_status::blank));
  plan.set_present({barcode{"V0"}, barcode{"V1"}});
  uint64_t at = 0;
  auto first = plan.changed_volumes(0, 3, at);
  CHECK(first.size() == 3);
  auto second = plan.changed_volumes(at, 3, at);
  CHECK(second.size() == 2);
  std::set<barcode> seen{first.begin(), first.end()};
  seen.insert(second.begin(), second.end());
  CHECK(seen.size() == 5);
  CHECK(plan.changed_volumes(at, 3, at).empty());
  plan.set_absent(barcode{"V1"});
  plan.set_absent(barcode{"V1"});
  CHECK(plan.changed_volumes(at, 3, at) == std::vector<barcode>{barcode{"V1"}});
  plan.set_volume(volume("V3", volume_status::full));
  plan.set_volume(volume("V3", volume_status::suspect));
  CHECK(plan.changed_volumes(at, 3, at) == std::vector<barcode>{barcode{"V3"}});
}

TEST_CASE("mount plan: facts tell each pool's queue, recalls and resting drives") {
  mount_plan plan{{}};
  plan.set_drives(2);
  plan.drive(1).rest_until_ms = 2000;
  plan.add_write(write(1, 1, 10, 400));
  plan.add_write(write(1, 2, 20, 500));
  plan.add_write(write(1, 1, 10, 600, "archive-2"));
  plan.add_recall(recall(1, "V1", 5));
  auto facts = facts_of(plan, {"archive", "empty"}, 1000, 0);
  REQUIRE(facts.queues.size() == 4);
  CHECK(facts.queues[0].name == "write archive");
  CHECK(facts.queues[0].waiting == 2);
  CHECK(facts.queues[0].waiting_bytes == 30);
  CHECK(facts.queues[0].oldest_ms == 600);
  CHECK(facts.queues[1].name == "write archive-2");
  CHECK(facts.queues[2].name == "write empty");
  CHECK(facts.queues[2].waiting == 0);
  CHECK(facts.queues[3].name == "recall");
  CHECK(facts.queues[3].waiting == 1);
  CHECK(facts.drives[0].activity == "idle");
  CHECK(facts.drives[1].activity == "resting");
}

namespace {

/// Two nodes with a drive and a cartridge each, writes due at once.
mount_plan two_nodes() {
  mount_policy policy;
  policy.write_after_ms = 0;
  mount_plan plan{policy};
  for (auto* name : {"A", "B"}) {
    volume_record volume;
    volume.id = barcode{name};
    plan.set_volume(volume);
  }
  plan.set_present({barcode{"A"}}, "n1");
  plan.set_drives(1, "n1");
  plan.set_present({barcode{"B"}}, "n2");
  plan.set_drives(1, "n2");
  return plan;
}

queued_write cached_at(const std::string& node, uint32_t number) {
  queued_write write;
  write.item.aggregation.id = {batch_id{1}, number};
  write.item.aggregation.node = node;
  write.item.aggregation.size_bytes = 10;
  write.pool = "archive";
  return write;
}

}  // namespace

TEST_CASE("mount plan: each node's drive writes what its cache has, at the same time") {
  auto plan = two_nodes();
  plan.add_write(cached_at("n1", 1));
  plan.add_write(cached_at("n2", 2));
  auto first = plan.next(1);
  auto second = plan.next(1);
  REQUIRE(first);
  REQUIRE(second);
  CHECK(first->volume == barcode{"A"});
  CHECK(first->writes.front().item.aggregation.id.number == 1);
  CHECK(second->volume == barcode{"B"});
  CHECK(second->writes.front().item.aggregation.id.number == 2);
}

TEST_CASE("mount plan: what a node without a drive has cached is written by another") {
  auto plan = two_nodes();
  plan.add_write(cached_at("n3", 1));
  // Of a node that has not joined yet nothing can be read.
  CHECK_FALSE(plan.next(1));
  plan.set_found("n3");
  auto action = plan.next(1);
  REQUIRE(action);
  CHECK(action->volume == barcode{"A"});
}

TEST_CASE("mount plan: what a lost node has cached waits for it") {
  auto plan = two_nodes();
  plan.add_write(cached_at("n1", 1));
  plan.set_lost("n1");
  CHECK_FALSE(plan.next(1));
  CHECK(plan.place_of(barcode{"A"}) == std::nullopt);
  CHECK(plan.lost_place_of(barcode{"A"}) == "n1");
  CHECK(plan.read_obstacle(barcode{"A"})->find("node n1, which is lost") != std::string::npos);
  plan.set_present({barcode{"A"}}, "n1");
  plan.set_drives(1, "n1");
  auto action = plan.next(1);
  REQUIRE(action);
  CHECK(action->volume == barcode{"A"});
}

TEST_CASE("mount plan: a second library with the same barcode does not count") {
  auto plan = two_nodes();
  plan.set_present({barcode{"A"}, barcode{"B"}}, "n2");
  CHECK(plan.place_of(barcode{"A"}) == "n1");
}
