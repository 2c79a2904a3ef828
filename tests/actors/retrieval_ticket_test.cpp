// A retrieval whose data lie in the cache of another node, among fakes.

#include <catch2/catch.hpp>

#include "actors/node_config.hpp"
#include "actors/node_roster.hpp"
#include "actors/retrieval_supervisor.hpp"

using namespace et;

namespace {

/// A head and a node that holds aggregation 1.1 and does not give tickets.
struct site {
  node_config config{service_node(2)};
  caf::actor_system system{config};
  caf::scoped_actor self{system};
  std::shared_ptr<service_actors> actors = std::make_shared<service_actors>();
  std::vector<caf::actor> all;
  retrieval_supervisor_actor supervisor;

  template <class Handle>
  Handle keep(caf::actor made) {
    all.push_back(made);
    return caf::actor_cast<Handle>(made);
  }

  site() {
    actors->node = "head";
    actors->readers.push_back(
        keep<catalogue_reader_actor>(system.spawn([](caf::event_based_actor*) -> caf::behavior {
          return {[](batch_atom, batch_id) { return batch_record{}; },
                  [](aggregation_atom, aggregation_id id) {
                    aggregation_record record;
                    record.id = id;
                    record.state = state::cached;
                    record.size_bytes = 1000;
                    record.node = "other";
                    return record;
                  }};
        })));
    actors->registrar =
        keep<registrar_actor>(system.spawn([](caf::event_based_actor*) -> caf::behavior {
          return {[](get_end_atom, const retrieval_record&) { return true; }};
        }));
    actors->scheduler =
        keep<mount_scheduler_actor>(system.spawn([](caf::event_based_actor*) -> caf::behavior {
          return {[](status_atom, aggregation_id) { return std::string{}; },
                  [](cancel_atom, uint64_t) {}};
        }));
    storage_node other;
    other.name = "other";
    other.up = true;
    other.keeper =
        keep<cache_keeper_actor>(system.spawn([](caf::event_based_actor*) -> caf::behavior {
          return {[](pin_atom, aggregation_id) { return true; }, [](unpin_atom, aggregation_id) {}};
        }));
    other.tickets =
        keep<ticket_office_actor>(system.spawn([](caf::event_based_actor*) -> caf::behavior {
          return {
              [](permit_atom, retrieval_id, aggregation_id, uint64_t) -> caf::result<std::string> {
                return fail(errc::unavailable, "it gives none");
              },
              [](forget_atom, retrieval_id, aggregation_id, uint64_t) {},
              [](get_end_atom, retrieval_id) {}};
        }));
    other.clients = "other:1";
    actors->nodes->put(other);
  }

  ~site() {
    if (supervisor) all.push_back(caf::actor_cast<caf::actor>(supervisor));
    for (auto& one : all) self->send_exit(one, caf::exit_reason::user_shutdown);
    self->wait_for(all);
    *actors = {};
  }

  void begin() {
    retrieval_record record;
    record.id = retrieval_id{1};
    supervisor = system.spawn(retrieval_supervisor, actors_ptr{actors}, record, self->address(),
                              uint64_t{1});
  }

  delivery next() {
    delivery given;
    self->request(supervisor, std::chrono::seconds{20}, get_next_atom_v)
        .receive([&](delivery& one) { given = std::move(one); },
                 [&](const caf::error& error) { FAIL(text_of(error)); });
    return given;
  }
};

}  // namespace

TEST_CASE("a range whose ticket cannot be had fails, and the retrieval ends") {
  site all;
  all.begin();
  std::vector<wanted_range> wanted{{{batch_id{1}, 1}, 0, 10}, {{batch_id{1}, 1}, 20, 30}};
  bool taken = false;
  all.self->request(all.supervisor, std::chrono::seconds{20}, get_want_atom_v, wanted, true)
      .receive([&](bool value) { taken = value; },
               [&](const caf::error& error) { FAIL(text_of(error)); });
  CHECK(taken);
  size_t failed = 0;
  delivery given;
  for (int i = 0; i < 10 && given.kind != delivery_kind::end; ++i) {
    given = all.next();
    if (given.kind == delivery_kind::failed) ++failed;
  }
  CHECK(failed == 2);
  CHECK(given.kind == delivery_kind::end);
}
