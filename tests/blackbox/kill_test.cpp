// kill -9 at random moments of puts and gets: every batch whose id was printed reaches safety after
// a restart, and comes back byte for byte. ET_KILLS, ET_LARGE_BYTES and ET_SEED make other and
// longer runs.

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <random>
#include <thread>

#include "tests/blackbox/harness.hpp"

using namespace et::blackbox;

namespace {

uint64_t setting(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

}  // namespace

TEST_CASE("kill -9 at any moment loses no batch whose id was printed") {
  auto kills = setting("ET_KILLS", 5);
  auto large_bytes = setting("ET_LARGE_BYTES", 150'000'000);
  auto seed = static_cast<uint32_t>(setting("ET_SEED", 1));
  CAPTURE(seed);
  std::mt19937 random{seed};
  temp_folder folder;
  // The large file is on disk once: a long run would fill it otherwise. All links are made before
  // the first put, since a new link changes the file as far as the service can see.
  for (uint64_t round = 0; round < kills; ++round) {
    auto tree = folder / ("tree" + std::to_string(round));
    make_awkward_tree(tree, round == 0 ? large_bytes : 0, static_cast<uint32_t>(round));
    if (round == 0) continue;
    fs::remove(tree / "large");
    fs::create_hard_link(folder / "tree0" / "large", tree / "large");
  }
  service node{folder / "state"};
  node.start();
  std::vector<std::pair<uint64_t, fs::path>> printed;
  for (uint64_t round = 0; round < kills; ++round) {
    auto tree = folder / ("tree" + std::to_string(round));
    auto scratch = folder / "scratch";
    fs::remove_all(scratch);
    fs::create_directory(scratch);
    // The moment: while a put registers, packs, writes, or while an earlier batch is got.
    auto delay = std::chrono::milliseconds{random() % (round % 4 == 0 ? 60 : 1500)};
    bool get = round % 3 == 2 && !printed.empty();
    std::thread killer;
    auto kill_later = [&] {
      killer = std::thread{[&, delay] {
        std::this_thread::sleep_for(delay);
        kill(node.process(), SIGKILL);
      }};
    };
    uint64_t batch = 0;
    if (get) {
      batch = node.put({tree.string()});
      kill_later();
      node.call({"et_get", "-w", "local", "-b", std::to_string(printed[0].first), "-r",
                 scratch.string()});
    } else {
      kill_later();
      batch = node.put({tree.string()});
    }
    killer.join();
    node.kill_9();
    if (batch != 0) printed.emplace_back(batch, tree);
    node.start();
  }
  INFO(node.log());
  for (auto& [batch, tree] : printed) {
    CAPTURE(batch);
    CHECK(node.wait(batch) == 0);
    auto back = folder / ("back" + std::to_string(batch));
    fs::create_directory(back);
    auto got =
        node.call({"et_get", "-w", "local", "-b", std::to_string(batch), "-r", back.string()});
    INFO(got.err);
    CHECK(got.code == 0);
    CHECK(difference(tree, back) == "");
    fs::remove_all(back);
  }
  // What was not printed is not there either.
  auto listed = node.call({"et_ls", "-w", "local", "-L", "batch"}).out;
  CHECK(static_cast<size_t>(std::count(listed.begin(), listed.end(), '\n')) >= printed.size());
  WARN(kills << " kills, " << printed.size() << " batches printed, all of them safe");
}

TEST_CASE("a stop at any moment of a put ends the service, and the next start goes on") {
  temp_folder folder;
  service node{folder / "state"};
  for (int round = 0; round < 6; ++round) {
    node.start();
    auto tree = folder / ("tree" + std::to_string(round));
    make_awkward_tree(tree, 3'000'000, static_cast<uint32_t>(round));
    REQUIRE(node.put({tree.string()}) == static_cast<uint64_t>(round + 1));
    // From the middle of packing to the middle of the mount.
    std::this_thread::sleep_for(std::chrono::milliseconds{round * 70});
    CHECK(node.stop() == 0);
  }
  node.start();
  for (uint64_t batch = 1; batch <= 6; ++batch) CHECK(node.wait(batch) == 0);
  CHECK(node.stop() == 0);
}
