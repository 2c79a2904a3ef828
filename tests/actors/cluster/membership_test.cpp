// A head and a node whose link is plain: who is up, what is judged, what a loss does.
#include "actors/cluster/membership.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <condition_variable>
#include <mutex>

#include "actors/actor_ends.hpp"
#include "actors/node_config.hpp"
#include "tests/storage/catalogue/fixture.hpp"

using namespace et;
using namespace et::test;
using namespace std::chrono_literals;

namespace {

/// What happened, in words, in the order in which it did.
struct diary {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::string> lines;

  void note(const std::string& line) {
    std::lock_guard lock{mutex};
    lines.push_back(line);
    changed.notify_all();
  }
  bool has(const std::string& line) {
    std::unique_lock lock{mutex};
    return changed.wait_for(
        lock, 30s, [&] { return std::find(lines.begin(), lines.end(), line) != lines.end(); });
  }
};

caf::behavior fake_scheduler(caf::event_based_actor*, diary* seen) {
  return {[=](joined_atom, const std::string& node) { seen->note("scheduler: joined " + node); },
          [=](left_atom, const std::string& node) { seen->note("scheduler: left " + node); },
          [=](lost_atom, aggregation_id id) { seen->note("scheduler: lost " + to_string(id)); }};
}

caf::behavior fake_director(caf::event_based_actor*, diary* seen) {
  return {[=](lost_atom, aggregation_id id, const std::string&) {
    seen->note("director: lost " + to_string(id));
  }};
}

caf::behavior fake_head_port(caf::event_based_actor*, diary* seen) {
  return {[=](alert_atom, const alert_record& alert) { seen->note("alert: " + alert.text); }};
}

caf::behavior real_registrar(caf::event_based_actor*, diary* seen, catalogue_store* store) {
  return {[=](lost_atom, aggregation_id id) {
            seen->note("lost " + to_string(id));
            return !store->record_cache_lost(id);
          },
          [=](evicted_atom, const std::vector<aggregation_id>& ids, const std::string& node) {
            for (auto id : ids) seen->note("evicted " + to_string(id));
            return !store->record_evicted(ids, node);
          }};
}

/// The cache of a node: tells what it holds, notes what the head says of it.
caf::behavior fake_keeper(caf::event_based_actor* self, diary* seen, std::vector<held_file> files) {
  return {[=](held_atom, aggregation_id after) {
            std::vector<held_file> page;
            for (auto& one : files)
              if (after < one.id) page.push_back(one);
            return page;
          },
          [=](judged_atom, const std::vector<held_file>& judged) {
            for (auto& one : judged)
              seen->note("judged " + to_string(one.id) + " " +
                         std::to_string(static_cast<int>(one.verdict)));
            return true;
          },
          [=](observe_atom) {
            keeper_facts facts;
            facts.capacity_bytes = 1000;
            return facts;
          },
          [=](abandon_atom) {
            seen->note("keeper: abandoned");
            return true;
          },
          // Never answered: somebody waits for it when the node is lost.
          [=](pin_atom, aggregation_id) -> caf::result<bool> {
            seen->note("keeper: asked");
            return self->make_response_promise<bool>();
          }};
}

/// Dials by handing over the port of the other membership.
struct no_state {
  static inline const char* name = "plain_dialler";
  no_state() = default;
};

dialler_actor::behavior_type plain_dialler(dialler_actor::stateful_pointer<no_state> self,
                                           membership_actor own, std::string own_name,
                                           const std::map<std::string, membership_actor>* others,
                                           diary* seen) {
  auto number = std::make_shared<uint64_t>(0);
  return {[=](dial_atom, const std::string& address, const std::string& node) {
            auto other = others->find(address);
            if (other == others->end()) return;
            seen->note("dialled " + address);
            auto port = self->spawn(cluster::node_port, other->second, ++*number, own_name);
            self->send(own, linked_atom_v, *number, node, address.substr(0, address.find(':')),
                       caf::actor_cast<caf::strong_actor_ptr>(port));
          },
          [=](tick_atom) {}};
}

struct pair_of_nodes {
  node_config config{service_node(2)};
  caf::actor_system system{config};
  diary seen;
  fixture catalogue;
  std::shared_ptr<service_actors> head = std::make_shared<service_actors>();
  std::shared_ptr<service_actors> node = std::make_shared<service_actors>();
  std::map<std::string, membership_actor> at, nowhere;  ///< who is found where
  membership_actor of_head, of_node;
  uint64_t head_link = 1;
  std::vector<caf::actor> all;
  actor_ends diallers;  ///< which end when nobody has them any more

  ~pair_of_nodes() {
    caf::scoped_actor self{system};
    for (auto& one : all) self->send_exit(one, caf::exit_reason::user_shutdown);
    self->wait_for(all);
    users->wait(30s);  // jobs read the catalogue
    diallers.wait(system);
    at.clear();
    *head = {};
    *node = {};
  }

  template <class Handle>
  Handle keep(caf::actor made) {
    all.push_back(made);
    return caf::actor_cast<Handle>(made);
  }

  auto dials(std::string own_name, const std::map<std::string, membership_actor>* others) {
    return [=, this](const membership_actor& own) -> dialler_actor {
      auto made = system.spawn(plain_dialler, own, own_name, others, &seen);
      diallers.add(made);
      return made;
    };
  }

  /// A membership that is no head and looks for none: a standby's.
  void add_standby() {
    auto own = std::make_shared<service_actors>();
    own->node = "standby";
    own->head = keep<head_actor>(caf::actor_cast<caf::actor>(system.spawn(relay<head_actor>)));
    cluster::membership_options options;
    options.heads = {"nowhere:1"};
    options.heartbeat = 20ms;
    options.down_after = 20s;
    options.close_link = [](uint64_t, const std::string&) {};
    at["standby:1"] = system.spawn(cluster::membership, actors_ptr{own}, options,
                                   dials("standby", &nowhere));
    all.push_back(caf::actor_cast<caf::actor>(at["standby:1"]));
    head_link = 2;
  }

  std::shared_ptr<cluster::store_users> users = cluster::store_users::make();
  std::atomic<bool> stops{false};

  void begin(std::vector<held_file> files, std::vector<std::string> heads = {"head:1"}) {
    head->node = "head";
    head->scheduler = keep<mount_scheduler_actor>(system.spawn(fake_scheduler, &seen));
    head->director = keep<batch_director_actor>(system.spawn(fake_director, &seen));
    head->head = keep<head_actor>(system.spawn(fake_head_port, &seen));
    head->registrar =
        keep<registrar_actor>(system.spawn(real_registrar, &seen, &catalogue.store()));
    cluster::membership_options as_head;
    as_head.store = &catalogue.store();
    as_head.users = users;
    as_head.stops = [this] { return stops.load(); };
    as_head.heartbeat = 20ms;
    as_head.down_after = 20s;
    as_head.close_link = [this](uint64_t number, const std::string& why) { cut(number, why); };
    of_head =
        system.spawn(cluster::membership, actors_ptr{head}, as_head, dials("head", &nowhere));
    all.push_back(caf::actor_cast<caf::actor>(of_head));
    at["head:1"] = of_head;
    if (heads.size() > 1) add_standby();

    node->node = "n1";
    node->head = keep<head_actor>(caf::actor_cast<caf::actor>(system.spawn(relay<head_actor>)));
    node->keeper = keep<cache_keeper_actor>(system.spawn(fake_keeper, &seen, std::move(files)));
    storage_node own;
    own.name = "n1";
    own.up = true;
    own.keeper = node->keeper;
    node->nodes->put(own);
    cluster::membership_options as_node;
    as_node.heads = std::move(heads);
    as_node.heartbeat = 20ms;
    as_node.down_after = 20s;
    as_node.close_link = as_head.close_link;
    as_node.give_up_jobs = [this](bool on) { seen.note(on ? "node: gives up" : "node: settled"); };
    of_node = system.spawn(cluster::membership, actors_ptr{node}, as_node, dials("n1", &at));
    all.push_back(caf::actor_cast<caf::actor>(of_node));
  }
  /// Both sides hear that the link has ended.
  void cut(uint64_t number, const std::string& why) {
    caf::anon_send(of_head, cut_atom_v, number, std::string{"n1"}, why);
    caf::anon_send(of_node, cut_atom_v, number, std::string{"head"}, why);
  }
};

}  // namespace

TEST_CASE("membership: what a joining node holds is judged by the catalogue, both ways") {
  pair_of_nodes p;
  auto& f = p.catalogue;
  auto ids = f.plan(f.commit(numbered_entries(5)), 1);
  auto on = [&](size_t i, const std::string& node) {
    auto cached = f.cached(ids[i]);
    cached.node = node;
    need(f->record_cached(cached));
  };
  on(0, "n1");
  on(1, "n1");
  on(2, "n1");
  on(3, "elsewhere");
  f.write({ids[1], ids[2]});
  auto size = f.aggregation(ids[0]).size_bytes;
  // 0 whole, 1 safe and whole, 2 safe and missing, 3 of another node, 4 not cached; one too short.
  p.begin(
      {{ids[0], size}, {ids[1], f.aggregation(ids[1]).size_bytes}, {ids[3], size}, {ids[4], size}});
  REQUIRE(p.seen.has("scheduler: joined n1"));
  CHECK(p.seen.has("judged " + to_string(ids[0]) + " 1"));
  CHECK(p.seen.has("judged " + to_string(ids[1]) + " 2"));
  CHECK(p.seen.has("judged " + to_string(ids[3]) + " 3"));
  CHECK(p.seen.has("judged " + to_string(ids[4]) + " 3"));
  CHECK(p.seen.has("evicted " + to_string(ids[2])));
  CHECK(f.aggregation(ids[0]).state == state::cached);
  CHECK(f.aggregation(ids[2]).state == state::synced);
  CHECK(f.aggregation(ids[3]).state == state::cached);
  CHECK(p.head->nodes->find("n1")->up);
}

TEST_CASE("membership: a CACHED aggregation whose file is not whole is made again") {
  pair_of_nodes p;
  auto& f = p.catalogue;
  auto ids = f.plan(f.commit(numbered_entries(1)), 1);
  auto cached = f.cached(ids[0]);
  cached.node = "n1";
  need(f->record_cached(cached));
  p.begin({{ids[0], cached.size_bytes - 1}});
  REQUIRE(p.seen.has("scheduler: joined n1"));
  CHECK(p.seen.has("lost " + to_string(ids[0])));
  CHECK(p.seen.has("judged " + to_string(ids[0]) + " 3"));
  CHECK(p.seen.has("scheduler: lost " + to_string(ids[0])));
  CHECK(p.seen.has("director: lost " + to_string(ids[0])));
  CHECK(f.aggregation(ids[0]).state == state::registered);
}

TEST_CASE("membership: a lost node fails what waits for it, gives up its work, and joins again") {
  pair_of_nodes p;
  auto& f = p.catalogue;
  auto ids = f.plan(f.commit(numbered_entries(1)), 1);
  auto cached = f.cached(ids[0]);
  cached.node = "n1";
  need(f->record_cached(cached));
  p.begin({{ids[0], cached.size_bytes}});
  REQUIRE(p.seen.has("scheduler: joined n1"));
  caf::scoped_actor self{p.system};
  auto waiting = self->request(p.head->nodes->find("n1")->keeper, 1min, pin_atom_v, ids[0]);
  REQUIRE(p.seen.has("keeper: asked"));
  p.cut(1, "a test");
  errc code = errc::none;
  waiting.receive([](bool) {}, [&](caf::error& error) { code = code_of(error); });
  CHECK(code == errc::node_lost);
  CHECK(p.seen.has("scheduler: left n1"));
  CHECK(
      p.seen.has("alert: node n1 is lost (a test): 1 aggregations that are not on tape yet are "
                 "in its cache only, and wait for it"));
  CHECK(p.seen.has("node: gives up"));
  CHECK(p.seen.has("keeper: abandoned"));
  CHECK(p.seen.has("node: settled"));
  CHECK(p.seen.has("alert: node n1 is back"));
  // Nothing of what it alone has was touched.
  CHECK(f.aggregation(ids[0]).state == state::cached);
}

TEST_CASE("membership: who is met over a link that has ended does not keep its node out") {
  pair_of_nodes p;
  p.begin({});
  REQUIRE(p.seen.has("scheduler: joined n1"));
  caf::scoped_actor self{p.system};
  node_card card;
  card.node = "n2";
  // Its end was told before its first message.
  caf::anon_send(p.of_head, cut_atom_v, uint64_t{77}, std::string{"n2"}, std::string{"a test"});
  auto meet = [&](uint64_t number) {
    errc code = errc::none;
    self->request(p.of_head, 30s, meet_atom_v, number, std::string{"n2"}, card)
        .receive([](const node_card&) {}, [&](const caf::error& e) { code = code_of(e); });
    return code;
  };
  CHECK(meet(77) == errc::node_lost);
  CHECK(meet(78) == errc::none);
  CHECK(p.seen.has("scheduler: joined n2"));
}

TEST_CASE("membership: a node that goes while it is judged keeps the head's jobs no longer") {
  pair_of_nodes p;
  p.begin({});
  REQUIRE(p.seen.has("scheduler: joined n1"));
  auto silent = p.system.spawn([&p](caf::event_based_actor* self) -> caf::behavior {
    return {[self, &p](held_atom, aggregation_id) -> caf::result<std::vector<held_file>> {
      p.seen.note("n2: asked");
      return self->make_response_promise<std::vector<held_file>>();
    }};
  });
  node_card card;
  card.node = "n2";
  card.keeper = caf::actor_cast<cache_keeper_actor>(silent);
  caf::anon_send(p.of_head, meet_atom_v, uint64_t{78}, std::string{"n2"}, card);
  REQUIRE(p.seen.has("n2: asked"));
  CHECK_FALSE(p.users->wait(0ms));
  // As when its link ends.
  caf::anon_send_exit(silent, caf::exit_reason::user_shutdown);
  CHECK(p.users->wait(20s));
}

TEST_CASE("membership: a second link to the head ends both, and the head is looked for again") {
  pair_of_nodes p;
  p.begin({});
  REQUIRE(p.seen.has("scheduler: joined n1"));
  // The head refuses it, since it sees the first still, and closes that.
  auto second = p.system.spawn(cluster::node_port, p.of_head, uint64_t{77}, std::string{"n1"});
  caf::anon_send(p.of_node, linked_atom_v, uint64_t{77}, std::string{}, std::string{"head"},
                 caf::actor_cast<caf::strong_actor_ptr>(second));
  CHECK(p.seen.has("node: gives up"));
  CHECK(p.seen.has("alert: node n1 is back"));
  caf::anon_send_exit(second, caf::exit_reason::user_shutdown);
}

TEST_CASE("membership: a standby at one of the head's addresses does not end the search") {
  pair_of_nodes p;
  p.begin({}, {"standby:1", "head:1"});
  CHECK(p.seen.has("scheduler: joined n1"));
  // The link to the standby is one, however often the search begins anew.
  p.cut(p.head_link, "a test");
  CHECK(p.seen.has("alert: node n1 is back"));
  std::lock_guard lock{p.seen.mutex};
  CHECK(std::count(p.seen.lines.begin(), p.seen.lines.end(), "dialled standby:1") == 1);
}

TEST_CASE("membership: a node that is expected and never came is lost") {
  pair_of_nodes p;
  p.begin({});
  REQUIRE(p.seen.has("scheduler: joined n1"));
  caf::anon_send(p.of_head, expect_atom_v, std::string{"n2"});
  caf::anon_send(p.of_head, expect_atom_v, std::string{"n1"});
  caf::scoped_actor self{p.system};
  std::map<std::string, std::string> states;
  self->request(p.of_head, 30s, nodes_atom_v)
      .receive(
          [&](const std::vector<report>& all) {
            for (auto& one : all) states[one.name] = one.facts.front().value;
          },
          [](const caf::error& e) { FAIL(text_of(e)); });
  CHECK(states["n1"] == "up");
  CHECK(states["n2"] == "lost");
}

TEST_CASE("membership: a head that stops does not call its nodes lost") {
  pair_of_nodes p;
  p.begin({});
  REQUIRE(p.seen.has("scheduler: joined n1"));
  p.stops = true;
  auto before = p.users->begun();
  p.cut(1, "this node stops");
  CHECK(p.seen.has("scheduler: left n1"));
  // The nodes_atom comes behind the cut: whatever that began has begun.
  caf::scoped_actor self{p.system};
  self->request(p.of_head, 30s, nodes_atom_v)
      .receive([](const std::vector<report>&) {}, [](const caf::error& e) { FAIL(text_of(e)); });
  CHECK(p.users->begun() == before);
}

TEST_CASE("membership: jobs that read the catalogue are waited for before it is closed") {
  auto users = cluster::store_users::make();
  CHECK(users->wait(0ms));
  auto one = users->begin();
  auto two = one;
  one.reset();
  CHECK_FALSE(users->wait(1ms));
  two.reset();
  CHECK(users->wait(0ms));

  pair_of_nodes p;
  p.begin({});
  REQUIRE(p.seen.has("scheduler: joined n1"));
  auto joined = p.users->begun();
  CHECK(joined >= 1);
  p.cut(1, "a test");
  REQUIRE(p.seen.has("alert: node n1 is lost (a test)"));
  CHECK(p.users->begun() > joined);
  // And they end.
  CHECK(p.users->wait(30s));
}
