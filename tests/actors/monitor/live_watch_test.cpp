// The live picture among fakes that answer as the test wants.
#include "actors/monitor/live_watch.hpp"

#include <future>
#include <thread>

#include "actors/defaults.hpp"
#include "actors/metrics.hpp"
#include "actors/node_config.hpp"
#include "actors/node_roster.hpp"
#include "tests/actors/monitor/support.hpp"

using namespace et;
using namespace et::test;

namespace {

/// What the fakes say, and how often they were asked.
struct service_facts {
  std::atomic<bool> keeper_silent{false};
  std::atomic<int> asked{0};
  std::mutex mutex;
  std::vector<volume_facts> volumes;
  std::vector<batch_id> batches;
};

struct watched : fixture {
  watched() {
    auto all = std::make_shared<service_actors>();
    auto* known = &facts;
    keeper = system.spawn([known](caf::event_based_actor* self) -> caf::behavior {
      return {[known, self](observe_atom) -> caf::result<keeper_facts> {
        if (known->keeper_silent) return self->make_response_promise<keeper_facts>();
        keeper_facts one;
        one.capacity_bytes = 100;
        one.file_bytes = 30;
        one.reserved_bytes = 12;
        one.queues = {{"cache", 1, 2, 3}};
        return one;
      }};
    });
    director = system.spawn([known](caf::event_based_actor*) -> caf::behavior {
      return {[known](observe_atom) {
        std::lock_guard lock{known->mutex};
        director_facts one;
        one.first = known->batches;
        one.in_motion = known->batches.size();
        return one;
      }};
    });
    retrievals = system.spawn([](caf::event_based_actor*) -> caf::behavior {
      return {[](list_retrievals_atom, workspace_id workspace) {
        retrieval_status running;
        running.record.id.value = 5 + workspace.value;
        return std::vector<retrieval_status>{running};
      }};
    });
    scheduler = system.spawn([known](caf::event_based_actor*) -> caf::behavior {
      return {[known](observe_atom, uint64_t revision) {
        ++known->asked;
        std::lock_guard lock{known->mutex};
        scheduler_facts one;
        one.ready = true;
        one.slots = 7;
        one.drives = {{{}, "reading", barcode{"V0"}, {}, {batch_id{1}, 1}},
                      {{}, "idle", {}, {}, {}}};
        // Two volumes in each answer.
        auto end = std::min<uint64_t>(revision + 2, known->volumes.size());
        for (auto i = revision; i < end; ++i) one.volumes.push_back(known->volumes[i]);
        one.revision = end;
        one.more = end < known->volumes.size();
        return one;
      }};
    });
    all->keeper = caf::actor_cast<cache_keeper_actor>(keeper);
    storage_node own;
    own.up = true;
    own.keeper = all->keeper;
    all->nodes->put(own);
    all->director = caf::actor_cast<batch_director_actor>(director);
    all->retrievals = caf::actor_cast<retrieval_director_actor>(retrievals);
    all->scheduler = caf::actor_cast<mount_scheduler_actor>(scheduler);
    actors = all;
    for (int i = 0; i < 5; ++i) {
      volume_facts one;
      one.record.id = barcode{"V" + std::to_string(i)};
      one.present = true;
      facts.volumes.push_back(one);
    }
    monitor::live_watch::options options;
    options.system = &system;
    options.actors = actors;
    options.store = &store();
    options.node = "node1";
    options.sessions = [] { return uint64_t{4}; };
    options.clock = &clock();
    watch = std::make_unique<monitor::live_watch>(std::move(options));
  }

  ~watched() {
    watch.reset();
    caf::scoped_actor self{system};
    for (auto& one : {keeper, director, retrievals, scheduler})
      self->send_exit(one, caf::exit_reason::user_shutdown);
    self->wait_for(keeper, director, retrievals, scheduler);
    *actors = {};
  }

  /// A picture that is made after this call.
  std::shared_ptr<const monitor::live_state> next() {
    auto before = watch->now();
    for (;;) {
      auto now = watch->now();
      if (now != before) return now;
      std::this_thread::sleep_for(std::chrono::milliseconds{20});
    }
  }

  service_facts facts;
  node_config config{service_node(2)};
  caf::actor_system system{config};
  std::shared_ptr<service_actors> actors;
  caf::actor keeper, director, retrievals, scheduler;
  std::unique_ptr<monitor::live_watch> watch;
};

}  // namespace

TEST_CASE("live: a picture has what actors and catalogue say") {
  watched f;
  auto id = f.commit(numbered_entries(2));
  f.facts.batches = {id};
  auto state = f.watch->now();
  CHECK(state->trouble.empty());
  CHECK(state->node == "node1");
  CHECK(state->sessions == 4);
  CHECK(state->library_known);
  CHECK(state->slots == 7);
  CHECK(state->cache.used_bytes == 42);
  REQUIRE(state->batches.size() == 1);
  CHECK(state->batches[0].files == 2);
  CHECK(state->batches_in_motion == 1);
  REQUIRE(state->retrievals.size() == 1);
  CHECK(state->retrievals[0].record.id.value == 5);
  REQUIRE(state->drives.size() == 2);
  CHECK(state->drives[0].workspace_name == "w");
  // All pages of volumes, in order, with their drives.
  REQUIRE(state->volumes.size() == 5);
  CHECK(state->volumes[0].drive == 0);
  CHECK(state->volumes[4].record.id.value == "V4");
  CHECK(state->volumes[4].drive == -1);
  REQUIRE(state->workspaces.size() == 1);
  REQUIRE_FALSE(state->alerts.empty());
  CHECK(state->queues.front().name == "batches");
}

TEST_CASE("live: however many look, a picture is made once") {
  watched f;
  auto first = f.watch->now();
  auto asked = f.facts.asked.load();
  std::vector<std::future<std::shared_ptr<const monitor::live_state>>> looks;
  for (int i = 0; i < 8; ++i)
    looks.push_back(std::async(std::launch::async, [&] { return f.watch->now(); }));
  for (auto& look : looks) CHECK(look.get() == first);
  CHECK(f.facts.asked == asked);
  // Only what has changed comes again.
  auto state = f.next();
  CHECK(state->volumes.size() == 5);
  CHECK(f.facts.asked > asked);
}

TEST_CASE("live: an actor that is silent leaves its part as it was, and the picture says so") {
  watched f;
  CHECK(f.watch->now()->trouble.empty());
  f.facts.keeper_silent = true;
  auto begin = std::chrono::steady_clock::now();
  auto state = f.next();
  CHECK(std::chrono::steady_clock::now() - begin < 2 * defaults::live_patience);
  CHECK(state->trouble.find("the cache keeper does not answer") != std::string::npos);
  CHECK(state->cache.used_bytes == 42);
  CHECK(state->volumes.size() == 5);
  f.facts.keeper_silent = false;
  CHECK(f.next()->trouble.empty());
}

TEST_CASE("live: alerts since the start are counted by severity") {
  watched f;
  f.watch->now();
  auto count = [&](const std::string& severity) {
    for (auto& family : f.actors->measures->collect())
      for (auto& one : family.metric)
        if (family.name == "elastictape_alerts_total" && one.label[0].value == severity)
          return one.counter.value;
    return -1.0;
  };
  alert_record alert;
  alert.level = severity::warning;
  alert.text = "tape is loose";
  for (int i = 0; i < 600; ++i) need(f.store().add_alert(alert));
  auto state = f.next();
  CHECK(state->alerts.size() == defaults::live_alerts);
  CHECK(state->alerts.front().number == 600);
  CHECK(count("warning") == 600);
  f.next();
  CHECK(count("warning") == 600);
  CHECK(count("error") == 0);
}

TEST_CASE("live: older alerts of quiet workspaces are kept for their managers") {
  watched f;
  alert_record quiet;
  quiet.workspace = "w";
  quiet.text = "quiet";
  need(f.store().add_alert(quiet));
  alert_record loud;
  loud.workspace = "other";
  loud.text = "loud";
  for (int i = 0; i < 50; ++i) need(f.store().add_alert(loud));
  auto state = f.next();
  CHECK(state->alerts.size() == defaults::live_alerts);
  REQUIRE(state->older_alerts.size() == 1);
  CHECK(state->older_alerts[0].text == "quiet");
}
