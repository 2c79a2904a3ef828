// The head is killed under load, its standby promoted, and the old head comes back as its standby.
#include <atomic>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <mutex>
#include <random>
#include <set>
#include <thread>

#include "tests/blackbox/cluster.hpp"

using namespace et::blackbox;

namespace {

/// A client that puts one batch after the other, and remembers what it was told.
class putter {
 public:
  putter(test_cluster& cluster, int number, std::string head)
      : cluster_(cluster), number_(number), head_(std::move(head)), thread_([this] { work(); }) {}
  ~putter() { stop(); }
  void stop() {
    ends_ = true;
    if (thread_.joinable()) thread_.join();
  }
  /// How many batches have their number until now.
  size_t count() const { return count_; }
  /// Batches whose number was printed, with their folders. Behind stop().
  const std::map<uint64_t, fs::path>& printed() const { return printed_; }
  /// Those that were called safe.
  const std::set<uint64_t>& safe() const { return safe_; }

 private:
  void work() {
    std::mt19937_64 random(number_);
    for (int i = 0; !ends_; ++i) {
      auto folder =
          cluster_.data() / ("p" + std::to_string(number_)) / ("batch" + std::to_string(i));
      for (int file = 0; file < 5; ++file) {
        std::string bytes(random() % 100'000, char('a' + file));
        write_file(folder / ("f" + std::to_string(file)), bytes);
      }
      auto done = cluster_.call_at(head_, {"put", "--reconnect", "0", "-w", "w", folder.string()});
      auto id = done.out.find("Batch ID: ");
      if (id != std::string::npos) printed_[std::stoull(done.out.substr(id + 10))] = folder;
      count_ = printed_.size();
      if (!printed_.empty()) ask_of(printed_.rbegin()->first);
      if (i % 4 == 3) ask_of(printed_.empty() ? 1 : printed_.begin()->first);
    }
  }
  void ask_of(uint64_t batch) {
    auto told = cluster_.call_at(
        head_, {"status", "--reconnect", "0", "-w", "w", "-b", std::to_string(batch)});
    if (told.out.find("SYNCED") != std::string::npos) safe_.insert(batch);
  }

  test_cluster& cluster_;
  int number_;
  std::string head_;
  std::atomic<bool> ends_{false};
  std::atomic<size_t> count_{0};
  std::map<uint64_t, fs::path> printed_;
  std::set<uint64_t> safe_;
  std::thread thread_;
};

bool is_safe(const test_cluster& cluster, uint64_t batch) {
  return cluster.call({"status", "-w", "w", "-b", std::to_string(batch)}).out.find("SYNCED") !=
         std::string::npos;
}

}  // namespace

TEST_CASE("standby: a killed head, the standby promoted, no printed batch and no safe file missing",
          "[cluster]") {
  auto* wanted = std::getenv("ET_PROMOTIONS");
  int promotions = wanted ? std::atoi(wanted) : 2;
  test_cluster cluster{test_cluster::shape::with_standby};
  std::string head = "head", standby = "standby";
  std::map<uint64_t, fs::path> printed;
  std::mt19937_64 random{5};
  size_t called_safe = 0;
  for (int round = 0; round < promotions; ++round) {
    INFO("round " << round << ", head " << head);
    std::set<uint64_t> safe;
    {
      putter one{cluster, round * 2, head}, two{cluster, round * 2 + 1, head};
      REQUIRE(comes([&] { return one.count() + two.count() >= 2; }));
      std::this_thread::sleep_for(std::chrono::milliseconds{random() % 2000});
      cluster.kill_9(head);
      for (auto* client : {&one, &two}) {
        client->stop();
        for (auto& [batch, folder] : client->printed()) {
          CHECK(printed.count(batch) == 0);
          printed[batch] = folder;
        }
        safe.insert(client->safe().begin(), client->safe().end());
      }
    }
    cluster.promote(standby);
    auto listed = cluster.call({"ls", "-w", "w", "-L", "batch"}).out;
    for (auto& [batch, folder] : printed) {
      INFO("batch " << batch << " of " << folder << "\n" << listed);
      CHECK(("\n" + listed).find("\nB\t" + std::to_string(batch) + "\t") != std::string::npos);
    }
    called_safe += safe.size();
    for (auto batch : safe) {
      INFO("batch " << batch);
      CHECK(is_safe(cluster, batch));
    }
    for (auto& name : test_cluster::names())
      if (name != "head") CHECK(cluster.wait_state(name, "up"));
    cluster.start(head, {"--rejoin-as-standby"});
    std::swap(head, standby);
    REQUIRE(cluster.wait_follows(standby));
  }
  CHECK(printed.size() >= 2 * static_cast<size_t>(promotions));
  for (auto& [batch, folder] : printed) {
    INFO("batch " << batch);
    REQUIRE(cluster.wait_safe(batch, std::chrono::seconds{120}));
    auto to = cluster.folder("back");
    fs::create_directories(to);
    auto got = cluster.call({"get", "-w", "w", "-b", std::to_string(batch), "-r", to.string()});
    INFO(got.err);
    CHECK(got.code == 0);
    CHECK(difference(folder, to).empty());
    fs::remove_all(to);
  }
  WARN(promotions << " promotions, " << printed.size() << " batches printed, " << called_safe
                  << " called safe before the head was killed");
}

TEST_CASE("standby: of a damaged copy the head has an alert, and the copy is made anew",
          "[cluster]") {
  test_cluster cluster{test_cluster::shape::with_standby};
  CHECK(cluster.stop("standby") == 0);
  write_file(cluster.folder("standby") / "catalogue" / "CURRENT", "no manifest\n");
  cluster.start("standby");
  CHECK(cluster.wait_follows("standby"));
  auto told = [&] {
    return cluster.call({"admin", "alerts"}).out.find("error on node standby: standby: ") !=
           std::string::npos;
  };
  CHECK(comes(told));
  INFO(cluster.log_of("standby"));
  CHECK(cluster.log_of("standby").find("a checkpoint is asked for") != std::string::npos);
}
