// kill -9, and now and then a stop, of the nodes of a cluster under load: the head, I/O nodes, and
// the node with the files.
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

namespace {

/// SIGTERM: whatever runs, that is no crash.
void stop_well(test_cluster& cluster, const std::string& node) {
  auto code = cluster.stop(node);
  auto log = cluster.log_of(node);
  INFO("node " << node
               << " ended so: " << log.substr(log.size() - std::min<size_t>(log.size(), 3000)));
  CHECK(code == 0);
}

}  // namespace

TEST_CASE("kill -9 of any node of a cluster under load loses nothing", "[cluster]") {
  auto kills = setting("ET_KILLS", 5);
  auto seed = setting("ET_SEED", 1);
  INFO("seed " << seed);
  std::mt19937_64 random{seed};
  test_cluster cluster;
  trees sources{cluster.data()};
  ledger told;
  clients load{{.surroundings = {{"ELASTICTAPE_SERVER",
                                  "unix:" + cluster.folder("head/elastictape.sock").string()},
                                 {"HOME", cluster.folder("home").string()}},
                .workspace = "w",
                .folder = cluster.folder("clients"),
                .seed = random(),
                .first_tree = 1,
                .reconnect_s = 120},
               sources,
               told};
  std::map<std::string, size_t> killed;
  for (uint64_t i = 0; i < kills; ++i) {
    auto run_until = [&](milliseconds time) {
      auto until = std::chrono::steady_clock::now() + time;
      while (std::chrono::steady_clock::now() < until) load.step(milliseconds{10});
    };
    run_until(milliseconds{random() % 2000});
    const auto& victim = test_cluster::names()[random() % test_cluster::names().size()];
    if (random() % 3 == 0) {
      stop_well(cluster, victim);
    } else {
      cluster.kill_9(victim);
      ++killed[victim];
    }
    // Back before the others miss it, or after they have given its work away.
    if (random() % 2 == 0) run_until(milliseconds{random() % 3000});
    cluster.start(victim);
  }
  auto all_ended = load.finish(std::chrono::seconds{180});
  for (const auto& name : test_cluster::names()) {
    auto up = cluster.wait_state(name, "up");
    INFO(name << " in " << cluster.call({"admin", "cluster", "status"}).out);
    INFO("the head:\n" << cluster.log_of("head"));
    INFO(name << ":\n" << cluster.log_of(name));
    CHECK(up);
  }
  checks all{[&](std::vector<std::string> words) { return cluster.call(std::move(words)); }, "w",
             cluster.folder("check"), sources, told};
  all.at_start();
  all.after_work(1'000'000);
  for (const auto& name : test_cluster::names()) stop_well(cluster, name);
  all.on_disk({cluster.folder("io1/library"), cluster.folder("io2/library")},
              {cluster.folder("head"), cluster.folder("io1"), cluster.folder("io2")});
  CHECK(all_ended);
  for (const auto& what : load.complaints()) FAIL_CHECK(what);
  for (const auto& what : all.violations()) FAIL_CHECK(what);
  for (const auto& [name, count] : killed) std::cout << name << " killed " << count << " times, ";
  std::cout << load.commands() - load.unreached() << " commands, " << all.read_back()
            << " batches read back and checked" << std::endl;
}
