// The inspectors of a head and of a node that know each other.

#include "actors/inspector.hpp"

#include <catch2/catch.hpp>

#include "actors/node_config.hpp"
#include "actors/node_roster.hpp"

using namespace et;

namespace {

storage_node known(const std::string& name, const inspector_actor& with) {
  storage_node one;
  one.name = name;
  one.up = true;
  one.inspector = with;
  return one;
}

}  // namespace

TEST_CASE("an inspection asks every node once, also when nodes know each other") {
  node_config config{service_node(2)};
  caf::actor_system system{config};
  caf::scoped_actor self{system};
  auto asked = std::make_shared<std::atomic<int>>(0);
  auto counting = [asked](caf::event_based_actor*) -> caf::behavior {
    return {[asked](report_atom) {
      ++*asked;
      return std::vector<report>{{"actor", "counted", {}}};
    }};
  };
  auto head = std::make_shared<service_actors>();
  auto node = std::make_shared<service_actors>();
  head->node = "head";
  head->registrar = caf::actor_cast<registrar_actor>(system.spawn(counting));
  node->node = "node";
  node->keeper = caf::actor_cast<cache_keeper_actor>(system.spawn(counting));
  auto of_head = system.spawn(inspector, actors_ptr{head});
  auto of_node = system.spawn(inspector, actors_ptr{node});
  head->nodes->put(known("node", of_node));
  node->nodes->put(known("head", of_head));
  size_t reports = 0;
  self->request(of_head, std::chrono::seconds{20}, admin_inspect_atom_v)
      .receive([&](const std::vector<report>& all) { reports = all.size(); },
               [&](const caf::error& error) { FAIL(text_of(error)); });
  CHECK(reports == 2);
  CHECK(*asked == 2);
  std::vector<caf::actor> all{
      caf::actor_cast<caf::actor>(head->registrar), caf::actor_cast<caf::actor>(node->keeper),
      caf::actor_cast<caf::actor>(of_head), caf::actor_cast<caf::actor>(of_node)};
  for (auto& one : all) self->send_exit(one, caf::exit_reason::user_shutdown);
  self->wait_for(all);
  *head = {};
  *node = {};
}
