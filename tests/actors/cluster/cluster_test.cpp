// The beginning and the end of a node's part in a cluster.
#include "actors/cluster/cluster.hpp"

#include <catch2/catch.hpp>
#include <random>
#include <thread>

#include "actors/relay.hpp"
#include "tests/actors/cluster/linked_nodes.hpp"

using namespace et;
using namespace et::test;

TEST_CASE("cluster: links may end while somebody begins to dial") {
  // What is wrong here is seen by sanitizers: the links were used when they were no more.
  linked_node n{"n1"};
  auto actors = std::make_shared<service_actors>();
  actors->node = "n1";
  auto head = caf::actor_cast<caf::actor>(n.system.spawn(relay<head_actor>));
  actors->head = caf::actor_cast<head_actor>(head);
  storage_node own;
  own.name = "n1";
  own.up = true;
  actors->nodes->put(own);
  cluster::cluster_options options;
  options.folder = n.own.folder();
  options.heads = {"127.0.0.1:1"};
  options.heartbeat = std::chrono::milliseconds{1};
  std::mt19937_64 random{1};
  caf::scoped_actor self{n.system};
  for (int round = 0; round < 300; ++round) {
    auto begun = cluster::begin(n.system, actors_ptr{actors}, options, {});
    REQUIRE(begun);
    REQUIRE(begun->links);
    std::this_thread::sleep_for(std::chrono::microseconds{random() % 3000});
    begun->links->stop();
    auto membership = caf::actor_cast<caf::actor>(begun->membership);
    self->send_exit(membership, caf::exit_reason::user_shutdown);
    self->wait_for(membership);
    begun->links.reset();
  }
  self->send_exit(head, caf::exit_reason::user_shutdown);
  self->wait_for(head);
  *actors = {};
}
