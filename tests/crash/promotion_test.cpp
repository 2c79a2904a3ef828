// kill -9 of the head under load, again and again: its standby becomes the head and it comes back
// as the standby. Clients put, get and remove at whoever is the head.
//
// ET_KILLS and ET_SEED make other and longer runs.

#include <catch2/catch.hpp>
#include <iostream>

#include "tests/blackbox/cluster.hpp"
#include "tests/crash/checks.hpp"
#include "tests/crash/clients.hpp"
#include "tests/crash/settings.hpp"

using namespace et::crash;
using et::blackbox::test_cluster;
using std::chrono::milliseconds;

TEST_CASE("kill -9 of the head under load: its standby has all that was told", "[promotion]") {
  auto kills = setting("ET_KILLS", 2);
  auto seed = setting("ET_SEED", 1);
  INFO("seed " << seed);
  std::mt19937_64 random{seed};
  test_cluster cluster{test_cluster::shape::with_standby};
  trees sources{cluster.data()};
  ledger told;
  std::string head = "head", standby = "standby";
  size_t next_tree = 1, commands = 0;
  auto run = [&](milliseconds time, bool kill) {
    clients load{{.surroundings = {{"ELASTICTAPE_SERVER",
                                    "unix:" + cluster.folder(head).string() + "/elastictape.sock"},
                                   {"HOME", cluster.folder("home").string()}},
                  .workspace = "w",
                  .folder = cluster.folder("clients"),
                  .seed = random(),
                  .first_tree = next_tree,
                  .reconnect_s = 0},
                 sources,
                 told};
    auto until = std::chrono::steady_clock::now() + time;
    while (std::chrono::steady_clock::now() < until) load.step(milliseconds{10});
    next_tree = load.next_tree();
    if (kill) cluster.kill_9(head);
    // What was said before the kill counts, and an answer that got lost does not.
    load.abandon();
    commands += load.commands();
    for (const auto& what : load.complaints()) FAIL_CHECK(what);
  };
  checks all{[&](std::vector<std::string> words) { return cluster.call(std::move(words)); }, "w",
             cluster.folder("check"), sources, told};
  for (uint64_t i = 0; i < kills; ++i) {
    INFO("kill " << i << " of " << head);
    run(milliseconds{500 + random() % 2500}, true);
    cluster.promote(standby);
    all.at_start();
    cluster.start(head, {"--rejoin-as-standby"});
    std::swap(head, standby);
    REQUIRE(cluster.wait_follows(standby));
  }
  for (std::string name : {"io1", "io2", "source"}) CHECK(cluster.wait_state(name, "up"));
  all.after_work(1'000'000);
  for (const auto& what : all.violations()) FAIL_CHECK(what);
  std::cout << kills << " heads killed and standbys promoted, " << told.batches().size()
            << " batches printed, " << commands << " commands, " << all.read_back()
            << " batches read back and checked" << std::endl;
}
