// Several nodes: where data goes, and what happens when nodes are killed or freeze.
#include "tests/blackbox/cluster.hpp"

#include <signal.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <random>
#include <thread>

using namespace et::blackbox;

namespace {

std::string random_bytes(std::mt19937_64& random, size_t size) {
  std::string out(size, '\0');
  for (auto& c : out) c = static_cast<char>(random());
  return out;
}

/// A folder of files for one batch.
fs::path make_batch(test_cluster& cluster, int number, std::mt19937_64& random) {
  auto folder = cluster.data() / ("batch" + std::to_string(number));
  auto files = 1 + random() % 20;
  for (uint64_t i = 0; i < files; ++i)
    write_file(folder / ("f" + std::to_string(i)), random_bytes(random, random() % 400'000));
  return folder;
}

outcome get(test_cluster& cluster, uint64_t batch, const fs::path& to) {
  fs::create_directories(to);
  return cluster.call({"get", "-w", "w", "-b", std::to_string(batch), "-r", to.string()});
}

}  // namespace

TEST_CASE("cluster: files travel from a source node to tape and straight back", "[cluster]") {
  test_cluster cluster;
  std::mt19937_64 random{1};
  auto folder = make_batch(cluster, 1, random);
  write_file(folder / "large", random_bytes(random, 30'000'000));
  auto batch = cluster.put(folder);
  REQUIRE(batch == 1);
  REQUIRE(cluster.wait_safe(batch, std::chrono::seconds{60}));
  auto done = get(cluster, batch, cluster.folder("back"));
  INFO(done.err);
  REQUIRE(done.code == 0);
  CHECK(difference(folder, cluster.folder("back")).empty());
  // The client went to the node that has the data, with a ticket.
  CHECK((cluster.log_of("io1") + cluster.log_of("io2")).find("a client with a ticket") !=
        std::string::npos);
}

TEST_CASE("cluster: work of a killed I/O node goes on elsewhere, and it comes back", "[cluster]") {
  test_cluster cluster;
  std::mt19937_64 random{2};
  auto first = make_batch(cluster, 1, random);
  auto one = cluster.put(first);
  REQUIRE(cluster.wait_safe(one, std::chrono::seconds{60}));
  auto holder =
      cluster.log_of("head").find("CACHED_SYNCED on EA") != std::string::npos ? "io1" : "io2";
  cluster.kill_9(holder);
  CHECK(cluster.wait_state(holder, "lost"));
  auto alerts = cluster.call({"admin", "alerts"}).out;
  CHECK(alerts.find("node " + std::string{holder} + " is lost") != std::string::npos);
  auto second = make_batch(cluster, 2, random);
  auto two = cluster.put(second);
  CHECK(cluster.wait_safe(two, std::chrono::seconds{60}));
  cluster.start(holder);
  CHECK(cluster.wait_state(holder, "up"));
  CHECK(get(cluster, one, cluster.folder("back")).code == 0);
  CHECK(difference(first, cluster.folder("back")).empty());
}

TEST_CASE("cluster: a frozen I/O node is lost, and joins again when it goes on", "[cluster]") {
  test_cluster cluster;
  cluster.signal("io1", SIGSTOP);
  CHECK(cluster.wait_state("io1", "lost"));
  std::mt19937_64 random{3};
  auto batch = cluster.put(make_batch(cluster, 1, random));
  CHECK(cluster.wait_safe(batch, std::chrono::seconds{60}));
  cluster.signal("io1", SIGCONT);
  CHECK(cluster.wait_state("io1", "up"));
}

TEST_CASE("cluster: a stranger does not get in with a used or invented token", "[cluster]") {
  test_cluster cluster;
  write_file(cluster.folder("x.toml"),
             "[node]\nname = \"x\"\nroles = [\"source\"]\n[service]\nstate = \"" +
                 cluster.folder("x").string() + "\"\n[cluster]\nhead = \"127.0.0.1:1\"\n");
  auto refused = run({"elastictape", "serve", "--config", cluster.folder("x.toml").string(),
                      "--join", "127.0.0.1:1", "--token", "et-join1.nonsense"});
  CHECK(refused.code == 1);
  CHECK(refused.err.find("join token") != std::string::npos);
  // Who made the tokens of the others is known.
  auto audit = cluster.call({"admin", "audit"}).out;
  CHECK(audit.find("(unix) cluster token: ok") != std::string::npos);
}

namespace {

std::unique_ptr<test_cluster> separated_or_not() {
  auto obstacle = separate_networks::obstacle();
  if (!obstacle.empty()) WARN("no cables are cut: " << obstacle);
  return std::make_unique<test_cluster>(obstacle.empty() ? test_cluster::shape::separated
                                                         : test_cluster::shape::plain);
}

/// What a node holds, to be compared with what it holds later.
struct holding {
  size_t descriptors = 0, memory_kib = 0;
};

std::map<std::string, holding> holdings(const test_cluster& cluster) {
  std::map<std::string, holding> all;
  for (auto& name : test_cluster::names())
    all[name] = {cluster.descriptors_of(name), cluster.memory_kib_of(name)};
  return all;
}

void put_two(test_cluster& cluster, int& made, std::mt19937_64& random,
             std::map<uint64_t, fs::path>& batches) {
  for (int i = 0; i < 2; ++i) {
    auto folder = make_batch(cluster, ++made, random);
    if (auto batch = cluster.put(folder)) batches[batch] = folder;
  }
}

/// Kills a node, freezes it, or cuts its cable, and makes it whole again.
void do_fault(test_cluster& cluster, bool cables, std::mt19937_64& random) {
  auto& victim = test_cluster::names()[random() % test_cluster::names().size()];
  auto kind = random() % (cables ? 4 : 3);
  auto pause = [&](uint64_t least, uint64_t more) {
    std::this_thread::sleep_for(std::chrono::milliseconds{least + random() % more});
  };
  if (kind == 3) {
    cluster.cut(victim);
    pause(500, 2000);
    cluster.mend(victim);
  } else if (kind == 2 && victim != "head") {
    cluster.signal(victim, SIGSTOP);
    pause(500, 2000);
    cluster.signal(victim, SIGCONT);
  } else {
    cluster.kill_9(victim);
    pause(0, 1500);
    cluster.start(victim);
  }
}

void check_whole(test_cluster& cluster, uint64_t batch, const fs::path& folder) {
  INFO("batch " << batch);
  REQUIRE(cluster.wait_safe(batch, std::chrono::seconds{120}));
  auto to = cluster.folder("back" + std::to_string(batch));
  auto done = get(cluster, batch, to);
  INFO(done.err);
  CHECK(done.code == 0);
  CHECK(difference(folder, to).empty());
  fs::remove_all(to);
}

}  // namespace

TEST_CASE("cluster: a cut cable is a lost node, and a mended one is back", "[cluster]") {
  auto obstacle = separate_networks::obstacle();
  if (!obstacle.empty()) {
    WARN("skipped: " << obstacle);
    return;
  }
  test_cluster cluster{test_cluster::shape::separated};
  std::mt19937_64 random{4};
  cluster.cut("io1");
  CHECK(cluster.wait_state("io1", "lost"));
  auto folder = make_batch(cluster, 1, random);
  auto batch = cluster.put(folder);
  CHECK(cluster.wait_safe(batch, std::chrono::seconds{60}));
  cluster.mend("io1");
  CHECK(cluster.wait_state("io1", "up"));
  // The head alone is cut off: all of them look for it, and find it again.
  cluster.cut("head");
  for (std::string name : {"io1", "io2", "source"}) CHECK(cluster.wait_state(name, "lost"));
  cluster.mend("head");
  for (std::string name : {"io1", "io2", "source"}) CHECK(cluster.wait_state(name, "up"));
  check_whole(cluster, batch, folder);
}

TEST_CASE("cluster: seeded faults while batches are put and got lose nothing", "[cluster]") {
  auto* wanted = std::getenv("ET_CLUSTER_FAULTS");
  auto* seed = std::getenv("ET_CLUSTER_SEED");
  int faults = wanted ? std::atoi(wanted) : 8;
  std::mt19937_64 random{seed ? std::strtoull(seed, nullptr, 10) : 42};
  auto whole = separated_or_not();
  auto& cluster = *whole;
  bool cables = separate_networks::obstacle().empty();
  std::map<uint64_t, fs::path> batches;
  std::map<std::string, holding> before;
  int made = 0;
  for (int fault = 0; fault < faults; ++fault) {
    INFO("fault " << fault);
    put_two(cluster, made, random, batches);
    std::this_thread::sleep_for(std::chrono::milliseconds{random() % 300});
    // Some come back in the middle of it all.
    if (fault % 4 == 3 && !batches.empty()) {
      auto one = std::next(batches.begin(), static_cast<long>(random() % batches.size()));
      check_whole(cluster, one->first, one->second);
    }
    do_fault(cluster, cables, random);
  }
  for (auto& name : test_cluster::names()) REQUIRE(cluster.wait_state(name, "up"));
  for (auto& [batch, folder] : batches) check_whole(cluster, batch, folder);
  CHECK(batches.size() >= static_cast<size_t>(faults));
  WARN(faults << " faults, " << (cables ? "with" : "without") << " cut cables, " << batches.size()
              << " batches");
  // A whole cluster that goes on working holds no more than it did.
  before = holdings(cluster);
  batches.clear();
  for (int i = 0; i < 10; ++i) put_two(cluster, made, random, batches);
  for (auto& [batch, folder] : batches) check_whole(cluster, batch, folder);
  for (auto& [name, after] : holdings(cluster)) {
    INFO(name << " had " << before[name].descriptors << " descriptors and has "
              << after.descriptors << ", had " << before[name].memory_kib << " KiB and has "
              << after.memory_kib);
    CHECK(after.descriptors <= before[name].descriptors + 40);
    CHECK(after.memory_kib <= before[name].memory_kib + 64 * 1024);
  }
}
