// Alerts on their way to a webhook: in order, complete after a kill, and in nobody's way.
#include <catch2/catch.hpp>
#include <condition_variable>
#include <mutex>
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

template <class F>
bool comes(F done) {
  auto end = std::chrono::steady_clock::now() + 60s;
  while (!done()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(5ms);
  }
  return true;
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
  // Registered, cached, safe, of two batches.
  REQUIRE(comes(
      [&] { return !hook.calls().empty() && std::stoul(hook.calls().back().delivery) >= 6; }));
  unsigned long last = 0;
  for (auto& call : hook.calls()) {
    auto number = std::stoul(call.delivery);
    CHECK((number == last || number == last + 1));
    last = number;
  }
  CHECK(last == 6);
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
