// The power goes at random moments of a service under load: its state folder becomes what a disk
// may hold then, a service starts on it, and everything that clients had been told holds.
//
// ET_ROUNDS and ET_SEED make other and longer runs. What fails is kept in ET_KEEP, when that is
// set.

#include <catch2/catch.hpp>
#include <iostream>

#include "tests/crash/checks.hpp"
#include "tests/crash/clients.hpp"
#include "tests/crash/journalled.hpp"
#include "tests/crash/settings.hpp"
#include "tests/support/write_journal.hpp"

using namespace et::crash;
using et::blackbox::service;
using et::test::journal_reader;

namespace {

/// One disk after the other: what was left of one is where the next begins.
class power_run {
 public:
  explicit power_run(uint64_t seed) : random_(seed), seed_(seed), trees_(folder_.path()) {
    service node{folder_ / "base", small_service(seed)};
    node.start();
    add_workspace(node);
    REQUIRE(node.stop() == 0);
  }

  /// Load with a journal; then the power is lost at `losses` moments of it, each checked on its
  /// own. The last one is where the next call begins.
  void round(size_t losses);
  size_t losses() const { return losses_; }
  size_t checked() const { return checked_; }

 private:
  void load(const fs::path& journal);
  bool survive(const journal_reader& journal, size_t records, uint64_t seed);
  void keep(const std::string& why);

  et::blackbox::temp_folder folder_{shared_memory()};
  std::mt19937_64 random_;
  uint64_t seed_;
  trees trees_;
  ledger told_;  ///< of what is in base
  size_t next_tree_ = 1;
  size_t losses_ = 0;
  size_t checked_ = 0;
};

void power_run::load(const fs::path& journal) {
  auto state = folder_ / "state";
  fs::remove_all(state);
  fs::copy(folder_ / "base", state, fs::copy_options::recursive);
  service node{state, small_service(seed_)};
  with_journal(state, journal, [&] { node.start(); });
  auto told = told_;
  clients load{{.surroundings = node.surroundings(),
                .folder = folder_ / "clients",
                .seed = random_(),
                .first_tree = next_tree_,
                .reconnect_s = 0,
                .mark = [&](const std::string& text) { et::test::add_mark(journal, text); }},
               trees_,
               told};
  auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds{500 + random_() % 2500};
  while (std::chrono::steady_clock::now() < until) load.step(std::chrono::milliseconds{20});
  node.kill_9();
  load.abandon();
  next_tree_ = load.next_tree();
  for (const auto& what : load.complaints()) FAIL_CHECK("under load: " << what);
}

/// The folder after the loss is checked in a copy, and stays for the next round.
bool power_run::survive(const journal_reader& journal, size_t records, uint64_t seed) {
  ++losses_;
  auto state = folder_ / "state";
  fs::remove_all(state);
  fs::copy(folder_ / "base", state, fs::copy_options::recursive);
  journal.play(records, state, seed);
  auto survivor = folder_ / "survivor";
  fs::remove_all(survivor);
  fs::copy(state, survivor, fs::copy_options::recursive);
  auto told = told_;
  told.note(journal.marks(records));
  service node{state, small_service(seed_)};
  INFO("seed " << seed_ << ", " << records << " records of " << journal.count()
               << ", power loss seed " << seed);
  fs::remove(fs::path{state.string() + ".test"} / "log");
  checks all{caller_of(node), "local", folder_ / "check", trees_, told};
  node.start();
  all.at_start();
  all.after_work(1'000'000);
  auto stopped = node.stop();
  INFO(node.log());
  CHECK(stopped == 0);
  all.on_disk({state / "library"}, {state});
  for (const auto& what : all.violations()) FAIL_CHECK(what);
  checked_ += all.read_back();
  return all.violations().empty() && stopped == 0;
}

void power_run::keep(const std::string& why) {
  const char* place = std::getenv("ET_KEEP");
  if (!place) return;
  auto to = fs::path{place} / ("power-" + std::to_string(seed_) + "-" + std::to_string(losses_));
  fs::create_directories(to);
  fs::copy(folder_.path(), to, fs::copy_options::recursive | fs::copy_options::skip_symlinks);
  std::cerr << "kept in " << to << ": " << why << "\n";
}

void power_run::round(size_t losses) {
  auto path = folder_ / "journal";
  fs::remove(path);
  load(path);
  journal_reader journal{path};
  REQUIRE(journal.count() > 0);
  for (size_t i = 0; i < losses; ++i) {
    auto records = 1 + random_() % journal.count();
    auto seed = random_();
    auto why = std::to_string(records) + " records, seed " + std::to_string(seed);
    try {
      if (!survive(journal, records, seed)) keep(why);
    } catch (...) {
      keep(why);
      throw;
    }
    if (i + 1 < losses) continue;
    told_.note(journal.marks(records));
    fs::remove_all(folder_ / "base");
    fs::rename(folder_ / "survivor", folder_ / "base");
  }
}

}  // namespace

TEST_CASE("nothing that clients were told is lost with the power", "[power]") {
  auto rounds = setting("ET_ROUNDS", 1);
  auto seed = setting("ET_SEED", 1);
  size_t losses = 0, checked = 0;
  for (uint64_t round = 0; round < rounds; ++round) {
    power_run run{seed + round};
    run.round(3);
    run.round(2);
    losses += run.losses();
    checked += run.checked();
  }
  std::cout << losses << " power losses, " << checked << " batches read back and checked"
            << std::endl;
}

TEST_CASE("the power may go at any moment of the very first start", "[power][first]") {
  auto rounds = setting("ET_ROUNDS", 1) * 4;
  std::mt19937_64 random{setting("ET_SEED", 1)};
  et::blackbox::temp_folder folder{shared_memory()};
  {
    fs::create_directory(folder / "first");
    service node{folder / "first", small_service(0)};
    with_journal(folder / "first", folder / "journal", [&] { node.start(); });
    node.kill_9();
  }
  journal_reader journal{folder / "journal"};
  trees sources{folder.path()};
  ledger nothing;
  for (uint64_t round = 0; round < rounds; ++round) {
    auto records = random() % (journal.count() + 1);
    auto seed = random();
    auto state = folder / "state";
    fs::remove_all(state);
    fs::create_directory(state);
    journal.play(records, state, seed);
    service node{state, small_service(0)};
    INFO(records << " records of " << journal.count() << ", power loss seed " << seed);
    node.start();
    add_workspace(node);
    checks all{caller_of(node), "local", folder / "check", sources, nothing};
    all.after_work(round + 1);
    CHECK(node.stop() == 0);
    all.on_disk({state / "library"}, {state});
    for (const auto& what : all.violations()) FAIL_CHECK(what);
  }
}
