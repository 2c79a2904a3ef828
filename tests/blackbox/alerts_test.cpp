// Alerts on their way to a webhook: in order, complete after a kill, and in nobody's way.
#include <signal.h>

#include <catch2/catch.hpp>
#include <condition_variable>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>
#include <thread>

#include "tests/blackbox/harness.hpp"
#include "tests/support/hook_sink.hpp"

using namespace et::blackbox;
using namespace std::chrono_literals;
using et::test::hook_sink;

namespace {

std::string config_of(const std::string& url, const fs::path& secret = {}) {
  auto text =
      "[alert]\n[[alert.webhook]]\nname = \"test\"\nseverity = \"info\"\nurl = \"" + url + "\"\n";
  if (!secret.empty()) text += "secret_file = \"" + secret.string() + "\"\n";
  return text;
}

void add_workspace(service& s, const fs::path& tree) {
  s.last = s.call({"elastictape", "admin", "workspace", "add", "local", "--root", tree.string(),
                   "--manager", "root", "--quota", "1T"});
  INFO(s.last.err);
  REQUIRE(s.last.code == 0);
}

}  // namespace

TEST_CASE("alerts reach a webhook in order and complete over a kill", "[alerts]") {
  temp_folder folder;
  write_file(folder / "tree/a", "a");
  write_file(folder / "tree2/b", "b");
  hook_sink hook{[](size_t) { return 200; }};
  service s{folder / "state", config_of(hook.url())};
  s.start();
  add_workspace(s, folder.path());
  REQUIRE(s.put({"--wait", (folder / "tree").string()}) == 1);
  s.kill_9();
  s.start();
  REQUIRE(s.put({"--wait", (folder / "tree2").string()}) == 2);
  // Registered, cached, safe, of two batches; and the kill.
  REQUIRE(comes(
      [&] { return !hook.calls().empty() && std::stoul(hook.calls().back().delivery) >= 7; }));
  unsigned long last = 0;
  for (auto& call : hook.calls()) {
    auto number = std::stoul(call.delivery);
    CHECK((number == last || number == last + 1));
    last = number;
  }
  CHECK(last == 7);
  auto calls = hook.calls();
  CHECK(std::any_of(calls.begin(), calls.end(), [](const auto& call) {
    return call.body.find("is back") != std::string::npos;
  }));
}

TEST_CASE("kills at any moment of puts and gets neither lose nor double an alert", "[alerts]") {
  constexpr int kills = 6;
  temp_folder folder;
  hook_sink hook{[](size_t) { return 200; }};
  service s{folder / "state", config_of(hook.url())};
  s.start();
  add_workspace(s, folder.path());
  std::mt19937 random{7};
  std::vector<uint64_t> batches;
  for (int round = 0; round < kills; ++round) {
    auto tree = folder / ("tree" + std::to_string(round));
    make_awkward_tree(tree, 20'000'000, static_cast<uint32_t>(round));
    auto delay = std::chrono::milliseconds{random() % 900};
    std::thread killer{[&, delay] {
      std::this_thread::sleep_for(delay);
      kill(s.process(), SIGKILL);
    }};
    if (auto batch = s.put({tree.string()})) batches.push_back(batch);
    if (!batches.empty())
      s.call({"et_get", "-w", "local", "-b", std::to_string(batches[0]), "-r",
              (folder / ("back" + std::to_string(round))).string()});
    killer.join();
    s.kill_9();
    s.start();
  }
  for (auto batch : batches) CHECK(s.wait(batch) == 0);
  // What the catalogue says is the truth that all ways of delivery are compared with.
  std::map<unsigned long, std::string> texts;
  auto listed = s.call({"elastictape", "admin", "alerts", "--json"}).out;
  for (std::istringstream lines{listed}; std::getline(lines, listed);) {
    auto alert = nlohmann::json::parse(listed);
    CHECK(texts.emplace(alert.at("number"), alert.at("text")).second);
  }
  auto count = [&](const std::string& begin) {
    return std::count_if(texts.begin(), texts.end(),
                         [&](const auto& one) { return one.second.starts_with(begin); });
  };
  CHECK(texts.rbegin()->first == texts.size());
  for (auto batch : batches) {
    auto name = "Batch " + std::to_string(batch);
    CAPTURE(batch);
    CHECK(count(name + " registered") == 1);
    CHECK(count(name + " cached") == 1);
    CHECK(count(name + " successfully sent to storage") == 1);
  }
  CHECK(count("node ") == kills);
  // Nothing runs any more, so each retrieval that began has ended, once.
  CHECK(count("Retrieval request ") % 2 == 0);
  REQUIRE(comes([&] {
    return !hook.calls().empty() && std::stoul(hook.calls().back().delivery) == texts.size();
  }));
  unsigned long last = 0;
  for (auto& call : hook.calls()) {
    auto number = std::stoul(call.delivery);
    CHECK((number == last || number == last + 1));
    CHECK(nlohmann::json::parse(call.body).at("text") == texts[number]);
    last = number;
  }
}

TEST_CASE("a service that was stopped says nothing of it at the next start", "[alerts]") {
  temp_folder folder;
  service s{folder / "state"};
  s.start();
  CHECK(s.stop() == 0);
  s.start();
  CHECK(s.call({"elastictape", "admin", "alerts"}).out.find("is back") == std::string::npos);
  s.kill_9();
  s.start();
  auto told = s.call({"elastictape", "admin", "alerts"}).out;
  CHECK(told.find("is back: its run of ") != std::string::npos);
}

TEST_CASE("a webhook that accepts and never answers does not delay a put", "[alerts]") {
  temp_folder folder;
  auto timed = [&](const std::string& name, const std::string& config) {
    write_file(folder / (name + "/f"), "content");
    service s{folder / ("state-" + name), config};
    s.start();
    add_workspace(s, folder.path());
    auto begin = std::chrono::steady_clock::now();
    REQUIRE(s.put({"--wait", (folder / name).string()}) == 1);
    return std::chrono::steady_clock::now() - begin;
  };
  auto without = timed("without", "[alert]\n");
  std::mutex mutex;
  std::condition_variable changed;
  bool over = false;
  hook_sink hook{[&](size_t) {
    std::unique_lock lock{mutex};
    changed.wait_for(lock, 60s, [&] { return over; });
    return 200;
  }};
  auto with = timed("with", config_of(hook.url()));
  CHECK_FALSE(hook.calls().empty());
  CHECK(with < without + 5s);
  std::lock_guard lock{mutex};
  over = true;
  changed.notify_all();
}

TEST_CASE("a secret that others can read stops the start", "[alerts]") {
  temp_folder folder;
  auto secret = folder / "secret";
  write_file(secret, "s3cret\n");
  fs::permissions(secret, fs::perms{0644});
  service s{folder / "state", config_of("http://127.0.0.1:1/", secret)};
  auto refused = s.start_refused();
  CHECK(refused.code == 1);
  CHECK(refused.err.find(secret.string() + " holds a secret") != std::string::npos);
}
