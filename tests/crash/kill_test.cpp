// kill -9 of a service under load, again and again, during its starts too. The clients wait for it
// to come back: every command ends as if nothing had happened, and all that was told holds.
//
// ET_KILLS and ET_SEED make other and longer runs.

#include <fcntl.h>
#include <signal.h>

#include <catch2/catch.hpp>
#include <iostream>

#include "tests/crash/checks.hpp"
#include "tests/crash/clients.hpp"
#include "tests/crash/settings.hpp"

using namespace et::crash;
using et::blackbox::child;
using et::blackbox::child_options;
using et::blackbox::service;
using std::chrono::milliseconds;

namespace {

/// A start that does not come far. The service has had one before, and so has a configuration.
void kill_while_starting(const service& node, milliseconds after) {
  auto own = node.state().string() + ".test";
  et::blackbox::file_end log{
      ::open((own + "/log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)};
  child_options how;
  how.err = log.get();
  child start{
      {"elastictape", "serve", "--state", node.state().string(), "--config", own + "/service.toml"},
      how};
  start.wait(after);
  start.signal(SIGKILL);
  start.wait(milliseconds{10'000});
}

}  // namespace

TEST_CASE("kill -9 of a service under load loses nothing, and every command ends well", "[kill]") {
  auto kills = setting("ET_KILLS", 6);
  auto seed = setting("ET_SEED", 1);
  INFO("seed " << seed);
  std::mt19937_64 random{seed};
  size_t done = 0, starts = 0, checked = 0, commands = 0;
  while (done < kills) {
    // A new one now and then: its cartridges are small.
    et::blackbox::temp_folder folder{shared_memory()};
    trees sources{folder.path()};
    ledger told;
    service node{folder / "state", small_service(random())};
    node.start();
    add_workspace(node);
    clients load{{.surroundings = node.surroundings(),
                  .folder = folder / "clients",
                  .seed = random(),
                  .first_tree = 1},
                 sources,
                 told};
    for (uint64_t i = 0; i < 6; ++i, ++done) {
      auto until = std::chrono::steady_clock::now() + milliseconds{random() % 1500};
      while (std::chrono::steady_clock::now() < until) load.step(milliseconds{10});
      node.kill_9();
      for (; random() % 3 == 0; ++starts) kill_while_starting(node, milliseconds{random() % 120});
      node.start();
    }
    auto all_ended = load.finish(std::chrono::seconds{120});
    node.kill_9();
    node.start();
    checks all{caller_of(node), "local", folder / "check", sources, told};
    all.at_start();
    all.after_work(1'000'000);
    auto stopped = node.stop();
    INFO(node.log());
    CHECK(all_ended);
    CHECK(stopped == 0);
    all.on_disk({node.state() / "library"}, {node.state()});
    for (const auto& what : load.complaints()) FAIL_CHECK(what);
    for (const auto& what : all.violations()) FAIL_CHECK(what);
    checked += all.read_back();
    commands += load.commands() - load.unreached();
  }
  std::cout << done << " kills under load, " << starts << " of starts, " << commands
            << " commands, " << checked << " batches read back and checked" << std::endl;
}
