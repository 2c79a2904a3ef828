#include "actors/head.hpp"

#include <catch2/catch.hpp>

#include "actors/node_config.hpp"
#include "tests/support/scratch_folder.hpp"

using namespace et;

TEST_CASE("a head that stops leaves its table to actors that have not ended") {
  test::scratch_folder scratch;
  node_config config{service_node(1)};
  caf::actor_system system{config};
  head_options with;
  with.state = scratch.path() / "state";
  with.node = "head";
  with.storage.library.cartridges = 1;
  with.storage.library.drives = 1;
  auto opened = head::open(system, std::move(with), [](const std::string&) {});
  REQUIRE(opened);
  // As an actor does that is busy while the head stops, and asks a reader next.
  auto table = (*opened)->actors();
  (*opened)->stop();
  CHECK_FALSE(table->readers.empty());
  // A ring of references.
  *std::const_pointer_cast<service_actors>(table) = {};
}
