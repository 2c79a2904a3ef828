// A batch supervisor among fakes whose answers come in the order that the test wants.

#include "actors/batch_supervisor.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <functional>
#include <future>
#include <numeric>

#include "actors/defaults.hpp"
#include "actors/node_config.hpp"
#include "actors/node_roster.hpp"
#include "tests/actors/stepped_system.hpp"

using namespace et;
using namespace std::chrono_literals;

namespace {

const batch_id the_batch{7};

/// What the fakes share. Each member is used by one of them, or before they start.
struct catalogue {
  std::vector<aggregation_record> planned;
  caf::actor reader;
  int given_up = 0;                 ///< so many times caching is given up
  std::promise<std::string> first;  ///< what happened to the batch first, besides
  bool decided = false;
  std::mutex mutex;

  void happens(const std::string& what) {
    std::lock_guard lock{mutex};
    if (!std::exchange(decided, true)) first.set_value(what);
  }
};

/// Reads the aggregations before the plan is recorded, but answers when it has been.
struct reader_state {
  caf::typed_response_promise<std::vector<aggregation_record>> held;
  bool asked = false;
};

caf::behavior late_reader(caf::stateful_actor<reader_state>* self, catalogue* all) {
  return {
      [](batch_atom, batch_id id) {
        batch_record batch;
        batch.id = id;
        batch.workspace_name = "w";
        batch.files = 1;
        return batch;
      },
      [](list_workspaces_atom, const std::string& name) {
        workspace_record workspace;
        workspace.name = name;
        return std::vector<workspace_record>{workspace};
      },
      [](entries_atom, batch_id, const std::string& after) {
        std::vector<file_entry> entries;
        if (after.empty()) entries.emplace_back().path = "/file";
        return entries;
      },
      [](entries_atom, batch_id, const std::string&, const std::string&) {
        std::vector<file_entry> entries;
        entries.emplace_back().path = "/file";
        return entries;
      },
      [=](aggregations_atom, batch_id,
          uint32_t after) -> caf::result<std::vector<aggregation_record>> {
        if (std::exchange(self->state.asked, true))
          return after == 0 ? all->planned : std::vector<aggregation_record>{};
        self->state.held = self->make_response_promise<std::vector<aggregation_record>>();
        return self->state.held;
      },
      [=](release_atom, std::vector<aggregation_record> planned) {
        all->planned = std::move(planned);
        self->state.held.deliver(std::vector<aggregation_record>{});
      },
  };
}

caf::behavior fake_registrar(caf::event_based_actor* self, catalogue* all) {
  return {[=](plan_atom, batch_id, std::vector<aggregation_record>& planned, bool) {
    auto promise = self->make_response_promise<bool>();
    promise.deliver(true);
    // Behind the answer in the supervisor's mailbox.
    self->send(all->reader, release_atom_v, std::move(planned));
    return promise;
  }};
}

/// What happens first to a batch of one aggregation.
std::string first_event(catalogue& all) {
  node_config config{service_node(2)};
  caf::actor_system system{config};
  all.reader = system.spawn(late_reader, &all);
  auto actors = std::make_shared<service_actors>();
  actors->readers.push_back(caf::actor_cast<catalogue_reader_actor>(all.reader));
  auto registrar = system.spawn(fake_registrar, &all);
  actors->registrar = caf::actor_cast<registrar_actor>(registrar);
  auto keeper = system.spawn([&all](caf::event_based_actor* self) -> caf::behavior {
    return {[&all, self](cached_atom, const cache_job&) -> caf::result<cached_aggregation> {
      if (all.given_up-- > 0) return fail(errc::cancelled, "given up on request");
      all.happens("caching");
      return self->make_response_promise<cached_aggregation>();
    }};
  });
  actors->keeper = caf::actor_cast<cache_keeper_actor>(keeper);
  storage_node self_node;
  self_node.up = true;
  self_node.roots = {"/"};
  self_node.keeper = actors->keeper;
  self_node.writers = {caf::actor_cast<cache_writer_actor>(keeper)};
  actors->nodes->put(self_node);
  auto director = system.spawn([&all](caf::event_based_actor*) -> caf::behavior {
    return {[&all](finished_atom, batch_id) { all.happens("finished"); }};
  });
  actors->director = caf::actor_cast<batch_director_actor>(director);
  auto supervisor = system.spawn(batch_supervisor, the_batch, actors_ptr{actors}, packing_options{},
                                 caf::actor_cast<caf::actor_addr>(director));
  caf::anon_send(supervisor, tick_atom_v);
  auto first = all.first.get_future();
  bool happened = first.wait_for(std::chrono::seconds{30}) == std::future_status::ready;

  caf::scoped_actor self{system};
  self->send_exit(supervisor, caf::exit_reason::user_shutdown);
  for (auto& one : {all.reader, registrar, keeper, director})
    self->send_exit(one, caf::exit_reason::user_shutdown);
  self->wait_for(supervisor, all.reader, registrar, keeper, director);
  *actors = {};
  all.reader = nullptr;
  return happened ? first.get() : "nothing";
}

using held_answers = std::vector<caf::typed_response_promise<std::vector<file_entry>>>;

/// A catalogue of a planned batch of `count` aggregations.
caf::behavior slow_reader(caf::event_based_actor* self, held_answers* held, uint32_t count) {
  return {[](batch_atom, batch_id id) {
            batch_record batch;
            batch.id = id;
            batch.planned = true;
            return batch;
          },
          [](list_workspaces_atom, const std::string&) { return std::vector<workspace_record>(1); },
          [count](aggregations_atom, batch_id batch, uint32_t after) {
            std::vector<aggregation_record> page;
            for (uint32_t number = after + 1; number <= count; ++number)
              page.emplace_back().id = {batch, number};
            return page;
          },
          // The answers come one by one, or there would be but one look for all.
          [held, self](entries_atom, batch_id, const std::string&, const std::string&) {
            held->push_back(self->make_response_promise<std::vector<file_entry>>());
            self->delayed_send(self, 1ms * (3 + 5 * (held->size() % 7)), tick_atom_v,
                               uint64_t{held->size() - 1});
            return held->back();
          },
          [held](tick_atom, uint64_t which) {
            std::vector<file_entry> entries;
            entries.emplace_back().path = "/file";
            (*held)[which].deliver(std::move(entries));
          }};
}

using fake = std::function<caf::behavior(caf::event_based_actor*)>;

/// Runs a batch of `count` aggregations for a time of the scheduler's clock. The keeper is its
/// cache writer as well.
void run_batch(uint32_t count, std::chrono::milliseconds until, const fake& keeper,
               const fake& registrar = {}, const fake& scheduler = {}) {
  test::stepped_system s;
  held_answers held;
  auto reader = s.system.spawn(slow_reader, &held, count);
  auto director = s.system.spawn(
      [](caf::event_based_actor*) -> caf::behavior { return {[](finished_atom, batch_id) {}}; });
  std::vector<caf::actor> all{reader, director};
  auto spawn = [&](const fake& one) {
    return all.emplace_back(s.system.spawn([&one](caf::event_based_actor* self) -> caf::behavior {
      return one ? one(self) : caf::behavior{[](tick_atom) {}};
    }));
  };
  auto actors = std::make_shared<service_actors>();
  actors->readers.push_back(caf::actor_cast<catalogue_reader_actor>(reader));
  actors->director = caf::actor_cast<batch_director_actor>(director);
  actors->registrar = caf::actor_cast<registrar_actor>(spawn(registrar));
  actors->scheduler = caf::actor_cast<mount_scheduler_actor>(spawn(scheduler));
  auto cache = spawn(keeper);
  storage_node node;
  node.name = "n";
  node.up = true;
  node.roots = {"/"};
  node.keeper = caf::actor_cast<cache_keeper_actor>(cache);
  node.writers = {caf::actor_cast<cache_writer_actor>(cache)};
  actors->nodes->put(node);
  auto supervisor = s.system.spawn(batch_supervisor, the_batch, actors_ptr{actors},
                                   packing_options{}, caf::actor_cast<caf::actor_addr>(director));
  all.push_back(caf::actor_cast<caf::actor>(supervisor));
  caf::anon_send(supervisor, tick_atom_v);
  for (auto time = 0ms; time < until; time += 1ms) {
    s.turns.run();
    s.turns.advance_time(1ms);
  }
  for (auto& one : all) caf::anon_send_exit(one, caf::exit_reason::kill);
  s.turns.run();
  held.clear();
  *actors = {};
}

/// How often each of `count` aggregations whose node is lost is tried in so many looks.
std::vector<uint32_t> attempts(uint32_t count, int looks) {
  std::vector<uint32_t> tried(count);
  run_batch(count, looks * defaults::retry_delay, [&tried](caf::event_based_actor*) {
    return caf::behavior{
        [&tried](cached_atom, const cache_job& job) -> caf::result<cached_aggregation> {
          ++tried.at(job.aggregation.id.number - 1);
          return fail(errc::node_lost, "node n is lost");
        }};
  });
  return tried;
}

}  // namespace

TEST_CASE("a plan recorded while an older page is on its way is not taken for an empty batch") {
  catalogue all;
  CHECK(first_event(all) == "caching");
}

TEST_CASE(
    "a batch goes on when a node gave up its aggregation, having lost the head for a moment") {
  catalogue all;
  all.given_up = 1;
  CHECK(first_event(all) == "caching");
}

TEST_CASE("aggregations that cannot be cached are all tried again once in a while, not ever more") {
  for (auto tried : attempts(4, 10)) {
    CHECK(tried >= 9);
    CHECK(tried <= 10);
  }
}

TEST_CASE(
    "of many aggregations that cannot be cached a look tries some, and the next ones others") {
  constexpr int looks = 10;
  // As many as may fail in one, and some under way when the last one does.
  constexpr uint32_t in_a_look = 16 + 8;
  auto tried = attempts(64, looks);
  CHECK(*std::min_element(tried.begin(), tried.end()) >= 1);
  CHECK(std::accumulate(tried.begin(), tried.end(), 0u) <= looks * in_a_look);
}

TEST_CASE("a copy that could not be recorded leaves the cache, those of others of its batch stay") {
  std::vector<std::string> told;
  auto keeper = [&told](caf::event_based_actor*) {
    return caf::behavior{[](cached_atom, const cache_job& job) {
                           cached_aggregation made;
                           made.id = job.aggregation.id;
                           made.size_bytes = 100;
                           made.node = "n";
                           return made;
                         },
                         [&told](judged_atom, const std::vector<held_file>& files) {
                           for (auto& one : files)
                             if (one.verdict == held_file::verdict_type::nobody)
                               told.push_back(to_string(one.id));
                           return true;
                         },
                         [&told](forget_atom, batch_id, bool) { told.push_back("all"); }};
  };
  std::map<uint32_t, int> recorded;
  auto registrar = [&recorded](caf::event_based_actor*) {
    return caf::behavior{
        [&recorded](cached_atom,
                    const cached_aggregation& made) -> caf::result<aggregation_record> {
          if (++recorded[made.id.number] == 1 && made.id.number == 2)
            return fail(errc::io_error, "cannot write to the catalogue");
          aggregation_record record;
          record.id = made.id;
          record.state = state::cached;
          return record;
        }};
  };
  auto scheduler = [](caf::event_based_actor*) {
    return caf::behavior{[](write_atom, const tape_item&) { return true; }};
  };
  run_batch(3, 2 * defaults::retry_delay, keeper, registrar, scheduler);
  CHECK(told == std::vector<std::string>{"7.2"});
  CHECK(recorded == std::map<uint32_t, int>{{1, 1}, {2, 2}, {3, 1}});
}
