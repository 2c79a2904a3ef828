// A retrieval supervisor among fakes.

#include "actors/retrieval_supervisor.hpp"

#include <catch2/catch.hpp>
#include <thread>

#include "actors/node_config.hpp"
#include "actors/node_roster.hpp"
#include "tests/actors/stepped_system.hpp"

using namespace et;

namespace {

const aggregation_id the_aggregation{batch_id{7}, 1};

caf::behavior fake_reader(caf::event_based_actor*) {
  return {[](batch_atom, batch_id id) {
            batch_record batch;
            batch.id = id;
            return batch;
          },
          [](aggregation_atom, aggregation_id id) {
            aggregation_record record;
            record.id = id;
            record.state = state::synced;
            record.size_bytes = default_block_bytes;
            record.copies.emplace_back().blocks = 1;
            return record;
          }};
}

/// Pins what is asked for, or nothing: then its copy of every aggregation is leaving for ever.
caf::behavior fake_keeper(caf::event_based_actor*, bool pins) {
  return {[](reserve_atom, uint64_t) { return uint64_t{5}; },
          [](keep_atom, uint64_t, aggregation_id, uint64_t) {},
          [=](pin_atom, aggregation_id) { return pins; }, [](unpin_atom, aggregation_id) {},
          [](release_atom, uint64_t) {}};
}

caf::behavior fake_scheduler(caf::event_based_actor*, std::vector<bool>* whole,
                             const std::string& node) {
  return {[=](place_atom, const barcode&) { return node; },
          [](status_atom, aggregation_id) { return std::string{}; }, [](cancel_atom, uint64_t) {},
          [=](recall_atom, const recall_job& job) {
            whole->push_back(job.whole);
            recall_outcome done;
            done.number = job.number;
            done.aggregation = job.aggregation.id;
            done.whole = job.whole;
            return done;
          }};
}

caf::behavior fake_registrar(caf::event_based_actor*) {
  return {[](recalled_atom, aggregation_id, const std::string&) { return true; },
          [](get_end_atom, const retrieval_record&) { return true; }};
}

caf::behavior fake_cache_reader(caf::event_based_actor*) {
  return {[](read_atom, aggregation_id, uint64_t, uint64_t, uint32_t size_bytes) {
            return bytes(size_bytes, 'x');
          },
          [](lend_atom, aggregation_id, uint64_t, uint64_t) { return uint64_t{0}; },
          [](forget_atom, aggregation_id, uint64_t) { return true; }};
}

/// Its node is lost when it is asked for the first ticket.
caf::behavior fake_tickets(caf::event_based_actor*, int* asked) {
  return {[=](permit_atom, retrieval_id, aggregation_id, uint64_t) -> caf::result<std::string> {
            if (++*asked == 1) return fail(errc::node_lost, "node m is lost");
            return std::string{"ticket"};
          },
          [](get_end_atom, retrieval_id) {},
          [](forget_atom, retrieval_id, aggregation_id, uint64_t) {}};
}

/// Among its fakes, with one range wanted. `node` is where everything is read.
class supervisor_fixture {
 public:
  supervisor_fixture(bool pins, storage_node node) : config_(service_node(2)), system_(config_) {
    auto cast = [this](caf::actor fake) { return fakes_.emplace_back(std::move(fake)); };
    auto actors = std::make_shared<service_actors>();
    actors->node = "n";
    actors->readers.push_back(
        caf::actor_cast<catalogue_reader_actor>(cast(system_.spawn(fake_reader))));
    actors->registrar = caf::actor_cast<registrar_actor>(cast(system_.spawn(fake_registrar)));
    actors->scheduler = caf::actor_cast<mount_scheduler_actor>(
        cast(system_.spawn(fake_scheduler, &whole, node.name)));
    actors->cache_readers.push_back(
        caf::actor_cast<cache_reader_actor>(cast(system_.spawn(fake_cache_reader))));
    node.up = true;
    node.keeper = caf::actor_cast<cache_keeper_actor>(cast(system_.spawn(fake_keeper, pins)));
    if (!node.clients.empty())
      node.tickets =
          caf::actor_cast<ticket_office_actor>(cast(system_.spawn(fake_tickets, &tickets)));
    node.cache_readers = actors->cache_readers;
    actors->nodes->put(node);
    node_ = node;
    actors_ = actors;
    supervisor_ = system_.spawn(retrieval_supervisor, actors_ptr{actors}, retrieval_record{},
                                self_->address(), uint64_t{1});
    self_
        ->request(supervisor_, std::chrono::seconds{30}, get_want_atom_v,
                  std::vector{wanted_range{the_aggregation, 0, 100}}, true)
        .receive([](bool) {}, [](const caf::error& error) { FAIL(text_of(error)); });
  }
  ~supervisor_fixture() {
    self_->send_exit(supervisor_, caf::exit_reason::user_shutdown);
    self_->wait_for(supervisor_);
    for (auto& one : fakes_) {
      self_->send_exit(one, caf::exit_reason::user_shutdown);
      self_->wait_for(one);
    }
    *actors_ = {};
  }

  /// What the client is told next, but for that it has to wait.
  delivery next() {
    for (;;) {
      delivery told;
      self_->request(supervisor_, std::chrono::seconds{30}, get_next_atom_v)
          .receive([&](const delivery& one) { told = one; },
                   [](const caf::error& error) { FAIL(text_of(error)); });
      if (told.kind != delivery_kind::waiting) return told;
      waits.push_back(told.text);
    }
  }

  caf::expected<bytes> data() {
    caf::expected<bytes> result{caf::error{}};
    self_
        ->request(supervisor_, std::chrono::seconds{30}, get_data_atom_v, the_aggregation,
                  uint64_t{10}, uint32_t{5})
        .receive([&](bytes& some) { result = std::move(some); },
                 [&](caf::error& error) { result = std::move(error); });
    return result;
  }
  /// As after a kill and a quick start: it is up, but not since then.
  void node_was_lost() {
    ++node_.since_ns;
    actors_->nodes->put(node_);
  }

  std::vector<bool> whole;  ///< of each recall; its writer is idle when next() has answered
  int tickets = 0;          ///< asked for
  std::vector<std::string> waits;

 private:
  node_config config_;
  caf::actor_system system_;
  caf::scoped_actor self_{system_};
  std::vector<caf::actor> fakes_;
  storage_node node_;
  std::shared_ptr<service_actors> actors_;
  retrieval_supervisor_actor supervisor_;
};

}  // namespace

TEST_CASE("what is recalled while its old copy leaves the cache is read past the cache") {
  storage_node node;
  node.name = "n";
  supervisor_fixture all{false, node};
  auto told = all.next();
  INFO(told.text);
  CHECK(told.kind == delivery_kind::ready);
  // First as a whole, which would have a place in the cache, then only what is wanted.
  CHECK(all.whole == std::vector{true, false});
}

TEST_CASE("a node that is lost before its client comes is waited for") {
  storage_node node;
  node.name = "m";
  node.clients = "127.0.0.1:1";
  supervisor_fixture all{true, node};
  auto told = all.next();
  INFO(told.text);
  CHECK(told.kind == delivery_kind::ready);
  CHECK(told.ticket == "ticket");
  CHECK(all.tickets == 2);
  CHECK(all.waits.size() >= 1);
  CHECK(all.waits.at(0) == "node m is lost");
}

TEST_CASE("a node that was lost while its client reads is not read from as if nothing had been") {
  storage_node node;
  node.name = "m";
  node.clients = "127.0.0.1:1";
  supervisor_fixture all{true, node};
  CHECK(all.next().kind == delivery_kind::ready);
  auto before = all.data();
  REQUIRE(before);
  CHECK(before->size() == 5);
  all.node_was_lost();
  auto lost = all.data();
  REQUIRE_FALSE(lost);
  CHECK(code_of(lost.error()) == errc::node_lost);
  // The client asks until its range is ready again.
  auto until = std::chrono::steady_clock::now() + std::chrono::seconds{30};
  while (!lost && std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(std::chrono::milliseconds{10});
    lost = all.data();
    if (!lost) CHECK(code_of(lost.error()) == errc::node_lost);
  }
  CHECK(lost);
}

TEST_CASE("a retrieval whose client leaves before its first turn is cancelled") {
  test::stepped_system s;
  std::vector<retrieval_state> ends;
  auto registrar = s.system.spawn([&ends](caf::event_based_actor*) -> caf::behavior {
    return {[&ends](get_end_atom, const retrieval_record& record) {
      ends.push_back(record.state);
      return true;
    }};
  });
  auto actors = std::make_shared<service_actors>();
  actors->registrar = caf::actor_cast<registrar_actor>(registrar);
  auto port =
      s.system.spawn([](caf::event_based_actor*) -> caf::behavior { return {[](tick_atom) {}}; });
  s.turns.run();
  auto supervisor = s.system.spawn(retrieval_supervisor, actors_ptr{actors}, retrieval_record{},
                                   port.address(), uint64_t{1});
  caf::anon_send_exit(port, caf::exit_reason::user_shutdown);
  port = nullptr;
  // The port ends first, as it may on another thread.
  REQUIRE(s.turns.jobs.size() == 2);
  std::swap(s.turns.jobs[0], s.turns.jobs[1]);
  s.turns.run();
  CHECK(ends == std::vector{retrieval_state::cancelled});
  caf::anon_send_exit(registrar, caf::exit_reason::kill);
  s.turns.run();
  *actors = {};
}

namespace {

/// A registrar that records ends when it is told to, and a supervisor with a client's port.
struct slow_recording {
  test::stepped_system s;
  caf::typed_response_promise<bool> recorded;
  std::shared_ptr<service_actors> actors = std::make_shared<service_actors>();
  caf::actor registrar;
  caf::actor port;
  retrieval_supervisor_actor supervisor;
  bool end_answered = false;
  bool cancel_answered = false;
  retrieval_record cancelled;

  slow_recording() {
    registrar = s.system.spawn([this](caf::event_based_actor* self) -> caf::behavior {
      return {[this, self](get_end_atom, const retrieval_record&) {
                recorded = self->make_response_promise<bool>();
                return recorded;
              },
              [this](tick_atom) { recorded.deliver(true); }};
    });
    actors->registrar = caf::actor_cast<registrar_actor>(registrar);
    port = s.system.spawn([this](caf::event_based_actor* self) -> caf::behavior {
      return {[this, self](get_end_atom) {
                self->request(supervisor, std::chrono::seconds{30}, get_end_atom_v,
                              retrieval_outcome{})
                    .then([this](bool) { end_answered = true; });
              },
              [this, self](cancel_atom) {
                self->request(supervisor, std::chrono::seconds{30}, cancel_atom_v,
                              std::string{"ada"})
                    .then([this](const retrieval_record& record) {
                      cancelled = record;
                      cancel_answered = true;
                    });
              }};
    });
    supervisor = s.system.spawn(retrieval_supervisor, actors_ptr{actors}, retrieval_record{},
                                port.address(), uint64_t{1});
  }
  ~slow_recording() {
    supervisor = nullptr;
    s.end(port);
    s.end(registrar);
    *actors = {};
  }
  void end() {
    caf::anon_send(port, get_end_atom_v);
    s.turns.run();
  }
  void cancel() {
    caf::anon_send(port, cancel_atom_v);
    s.turns.run();
  }
  void record() {
    caf::anon_send(registrar, tick_atom_v);
    s.turns.run();
  }
};

}  // namespace

TEST_CASE("the end of a retrieval is answered when it is recorded, not before") {
  slow_recording s;
  s.end();
  REQUIRE(s.recorded.pending());
  CHECK_FALSE(s.end_answered);
  s.record();
  CHECK(s.end_answered);
}

TEST_CASE("a cancel that is being recorded when its retrieval ends is answered") {
  slow_recording s;
  s.cancel();
  s.end();
  REQUIRE(s.recorded.pending());
  CHECK_FALSE(s.cancel_answered);
  CHECK_FALSE(s.end_answered);
  s.record();
  CHECK(s.cancel_answered);
  CHECK(s.cancelled.state == retrieval_state::cancelled);
  CHECK(s.end_answered);
}

TEST_CASE("a cancel while the end of its retrieval is being recorded waits for that") {
  slow_recording s;
  s.end();
  s.cancel();
  CHECK_FALSE(s.cancel_answered);
  s.record();
  CHECK(s.end_answered);
  CHECK(s.cancel_answered);
  CHECK(s.cancelled.state == retrieval_outcome{}.state);
}
