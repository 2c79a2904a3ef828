// kill -9 of the service under commands that run, and a start again: they end as if nothing had
// happened, and no put becomes two batches. ET_SEED makes other moments, ET_KILLS more of them.

#include <fcntl.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <thread>

#include "tests/blackbox/harness.hpp"

using namespace et::blackbox;
using std::chrono::microseconds;
using std::chrono::milliseconds;

namespace {

using words = std::vector<std::string>;

constexpr milliseconds late{120'000};

uint64_t setting(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

struct lost_head {
  lost_head() : node(folder / "state") { node.start(); }

  fs::path make_tree(int files) {
    auto tree = folder / "tree";
    for (int i = 0; i < files; ++i)
      write_file(tree / std::to_string(i % 10) / std::to_string(i), std::to_string(i));
    return tree;
  }

  /// Runs a command, kills the service so long after the command has begun, starts it again. With
  /// a `list` the command reads it from a pipe, and the time counts from its end.
  outcome killed_during(const words& line, microseconds moment, const std::string& list = {}) {
    auto out_file = folder / "out";
    auto err_file = folder / "err";
    auto flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC;
    file_end out{open(out_file.c_str(), flags, 0600)};
    file_end err{open(err_file.c_str(), flags, 0600)};
    pipe_ends in;
    child command{line, {node.surroundings(), {}, in.read.get(), out.get(), err.get()}};
    in.read.close();
    REQUIRE(command.wait_catches());
    if (!list.empty()) {
      append(in.write.get(), list);
      wait_taken(in.write.get());
    }
    in.write.close();
    std::this_thread::sleep_for(moment);
    node.kill_9();
    log_at_kill = node.log();
    node.start();
    auto code = command.wait(late);
    REQUIRE(code);
    return {*code, read_file(out_file), read_file(err_file), 0};
  }
  microseconds moment(uint64_t most_us) {
    return microseconds{static_cast<int64_t>(random() % most_us)};
  }
  /// The service was gone before the command reached it.
  static bool came_too_late(const outcome& ended) {
    return ended.err.find("cannot reach the service") != std::string::npos;
  }
  static bool was_lost(const outcome& ended) {
    return ended.err.find("connected again after") != std::string::npos;
  }
  std::string batches() const { return node.call({"et_ls", "-w", "local"}).out; }

  temp_folder folder;
  service node;
  const uint64_t seed = setting("ET_SEED", 1);
  const uint64_t kills = setting("ET_KILLS", 12);
  std::mt19937_64 random{seed};
  std::string log_at_kill;
};

}  // namespace

TEST_CASE("a put during which the service is killed is one batch in the end", "[lost]") {
  lost_head at;
  auto tree = at.make_tree(3000).string();
  // How long an undisturbed one takes, so that moments lie before, in and after its commit.
  auto begun = std::chrono::steady_clock::now();
  REQUIRE(at.node.put({tree}) == 1);
  auto took = std::chrono::duration_cast<microseconds>(std::chrono::steady_clock::now() - begun);
  REQUIRE(at.node.call({"et_rm", "-w", "local", "-b", "1"}).code == 0);
  std::string list;
  for (int i = 0; i < 1000; ++i)
    list += tree + "/" + std::to_string(i % 10) + "/" + std::to_string(i) + "\n";
  uint64_t lost = 0;
  uint64_t committed = 0;
  for (uint64_t round = 0; round < at.kills; ++round) {
    CAPTURE(at.seed, round);
    // Every third at any moment; the others from the last line of a list on, around the commit.
    auto ended = round % 3 == 0 ? at.killed_during({"et_put", "-w", "local", tree},
                                                   at.moment(static_cast<uint64_t>(took.count())))
                                : at.killed_during({"et_put", "-w", "local", "-f", "-"},
                                                   at.moment(12'000), list);
    INFO(ended.err);
    auto held = at.batches();
    if (lost_head::came_too_late(ended)) {
      CHECK(ended.code == 1);
      CHECK(held.empty());
      continue;
    }
    CHECK(ended.code == 0);
    uint64_t batch = 0;
    REQUIRE(std::sscanf(ended.out.c_str(), "Batch ID: %lu\n", &batch) == 1);
    CHECK(std::count(held.begin(), held.end(), '\n') == 1);
    CHECK(held.rfind("B\t" + std::to_string(batch) + "\t", 0) == 0);
    if (lost_head::was_lost(ended)) {
      ++lost;
      auto told = "batch " + std::to_string(batch) + " registered";
      committed += at.log_at_kill.find(told) != std::string::npos;
    }
    REQUIRE(at.node.call({"et_rm", "-w", "local", "-b", std::to_string(batch)}).code == 0);
  }
  WARN(at.kills << " kills, " << lost << " of them while the put had its session, " << committed
                << " of these when its batch was registered and not told yet");
  CHECK(lost > 0);
}

TEST_CASE("a put is not put again by the command that it names when time is up", "[lost]") {
  lost_head at;
  auto tree = at.make_tree(100).string();
  auto first = at.node.call(
      {"et_put", "-w", "local", "--request-id", "00112233445566778899aabbccddeeff", tree});
  CHECK(first.out == "Batch ID: 1\n");
  at.node.kill_9();
  at.node.start();
  auto second = at.node.call(
      {"et_put", "-w", "local", "--request-id", "00112233445566778899aabbccddeeff", tree});
  INFO(second.err);
  CHECK(second.code == 0);
  CHECK(second.out == "Batch ID: 1\n");
  // Without it the files are held already.
  CHECK(at.node.call({"et_put", "-w", "local", tree}).code == 2);
}

TEST_CASE("a put whose service does not come back names what to repeat", "[lost]") {
  lost_head at;
  auto tree = at.make_tree(100).string();
  pipe_ends list;
  auto err_file = at.folder / "err";
  file_end err{open(err_file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)};
  child put{{"et_put", "-w", "local", "--reconnect", "1", "-f", "-"},
            {at.node.surroundings(), {}, list.read.get(), -1, err.get()}};
  list.read.close();
  append(list.write.get(), tree + "/1/1\n");
  wait_taken(list.write.get());
  at.node.kill_9();
  list.write.close();
  CHECK(put.wait(late) == 1);
  auto told = read_file(err_file);
  INFO(told);
  auto named = told.find("et_put --request-id ");
  REQUIRE(named != std::string::npos);
  CHECK(told.find(" -w local --reconnect 1 -f - (with the same list", named) != std::string::npos);
  at.node.start();
  CHECK(at.batches().empty());
}

TEST_CASE("a removal during which the service is killed is done in the end", "[lost]") {
  lost_head at;
  auto tree = at.make_tree(200).string();
  uint64_t lost = 0;
  for (uint64_t round = 0; round < at.kills; ++round) {
    CAPTURE(at.seed, round);
    auto batch = std::to_string(at.node.put({tree}));
    words line{"et_rm", "-w", "local", "-b", batch};
    auto ended = at.killed_during(line, at.moment(40'000));
    INFO(ended.err);
    lost += lost_head::was_lost(ended);
    if (lost_head::came_too_late(ended)) {
      CHECK(ended.code == 1);
      REQUIRE(at.node.call(line).code == 0);
    } else {
      CHECK(ended.code == 0);
    }
    CHECK(at.batches().empty());
  }
  WARN(at.kills << " kills, " << lost << " of them while the removal had its session");
}

TEST_CASE("a get during which the service is killed goes on and is whole", "[lost]") {
  lost_head at;
  auto tree = at.folder / "tree";
  make_awkward_tree(tree, 40'000'000, 1);
  for (int i = 0; i < 6; ++i) fs::copy_file(tree / "large", tree / ("large" + std::to_string(i)));
  REQUIRE(at.node.put({"--wait", tree.string()}) == 1);
  uint64_t lost = 0;
  for (uint64_t round = 0; round < (at.kills + 1) / 2; ++round) {
    CAPTURE(at.seed, round);
    auto back = at.folder / "back";
    fs::create_directory(back);
    auto ended = at.killed_during({"et_get", "-w", "local", "-b", "1", "-r", back.string()},
                                  at.moment(250'000));
    INFO(ended.err);
    lost += lost_head::was_lost(ended);
    if (lost_head::came_too_late(ended)) {
      CHECK(ended.code == 1);
    } else {
      CHECK(ended.code == 0);
      CHECK(difference(tree, back) == "");
    }
    fs::remove_all(back);
  }
  WARN((at.kills + 1) / 2 << " kills, " << lost << " of them while the get had its session");
  CHECK(lost > 0);
}
