// A retrieval supervisor among fakes.

#include "actors/retrieval_supervisor.hpp"

#include <catch2/catch.hpp>

#include "actors/node_config.hpp"
#include "actors/node_roster.hpp"

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

/// Its copy of every aggregation is leaving for as long as anybody looks.
caf::behavior fake_keeper(caf::event_based_actor*) {
  return {[](reserve_atom, uint64_t) { return uint64_t{5}; },
          [](keep_atom, uint64_t, aggregation_id, uint64_t) {},
          [](pin_atom, aggregation_id) { return false; }, [](release_atom, uint64_t) {}};
}

caf::behavior fake_scheduler(caf::event_based_actor*, std::vector<bool>* whole) {
  return {[](place_atom, const barcode&) { return std::string{"n"}; },
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
  return {[](lend_atom, aggregation_id, uint64_t, uint64_t) { return uint64_t{0}; },
          [](forget_atom, aggregation_id, uint64_t) { return true; }};
}

}  // namespace

TEST_CASE("what is recalled while its old copy leaves the cache is read past the cache") {
  node_config config{service_node(2)};
  caf::actor_system system{config};
  caf::scoped_actor self{system};
  std::vector<bool> whole;
  auto reader = system.spawn(fake_reader);
  auto keeper = system.spawn(fake_keeper);
  auto scheduler = system.spawn(fake_scheduler, &whole);
  auto registrar = system.spawn(fake_registrar);
  auto cache_reader = system.spawn(fake_cache_reader);
  auto actors = std::make_shared<service_actors>();
  actors->node = "n";
  actors->readers.push_back(caf::actor_cast<catalogue_reader_actor>(reader));
  actors->registrar = caf::actor_cast<registrar_actor>(registrar);
  actors->scheduler = caf::actor_cast<mount_scheduler_actor>(scheduler);
  actors->cache_readers.push_back(caf::actor_cast<cache_reader_actor>(cache_reader));
  storage_node node;
  node.name = "n";
  node.up = true;
  node.keeper = caf::actor_cast<cache_keeper_actor>(keeper);
  actors->nodes->put(node);
  auto supervisor = system.spawn(retrieval_supervisor, actors_ptr{actors}, retrieval_record{},
                                 self->address(), uint64_t{1});

  wanted_range range{the_aggregation, 0, 100};
  bool taken = false;
  auto failed = [](const caf::error& error) { FAIL(text_of(error)); };
  self->request(supervisor, std::chrono::seconds{30}, get_want_atom_v, std::vector{range}, true)
      .receive([&](bool yes) { taken = yes; }, failed);
  CHECK(taken);
  delivery next;
  self->request(supervisor, std::chrono::seconds{30}, get_next_atom_v)
      .receive([&](const delivery& one) { next = one; }, failed);
  INFO(next.text);
  CHECK(next.kind == delivery_kind::ready);

  self->send_exit(supervisor, caf::exit_reason::user_shutdown);
  self->wait_for(supervisor);
  // First as a whole, which would have a place in the cache, then only what is wanted.
  CHECK(whole == std::vector{true, false});
  for (auto& one : {reader, keeper, scheduler, registrar, cache_reader})
    self->send_exit(one, caf::exit_reason::user_shutdown);
  self->wait_for(reader, keeper, scheduler, registrar, cache_reader);
  *actors = {};
}
