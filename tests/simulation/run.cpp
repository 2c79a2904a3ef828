#include "tests/simulation/run.hpp"

#include <spdlog/spdlog.h>

#include <fstream>

#include "tests/simulation/checks.hpp"
#include "tests/simulation/client.hpp"
#include "tests/simulation/engine_work.hpp"

namespace et::simulation {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

namespace {

constexpr machine first_client = 100;

class play {
 public:
  explicit play(const run_options& with)
      : options_(with),
        world_(with.seed),
        wires_(world_),
        plan_(site_plan::random(world_.random())),
        rates_(with.faults ? faults::random(world_.random()) : faults{}),
        site_(world_, wires_, with.root / "site", plan_, rates_) {
    if (with.rates) rates_ = *with.rates;
  }

  run_result go() {
    if (begin()) {
      work();
      heal();
    }
    for (auto& what : site_.failures()) truth_.violated("an actor has ended: " + what);
    result_.trace = world_.trace();
    result_.violations = truth_.violations;
    result_.simulated = world_.now();
    result_.steps = world_.steps();
    result_.puts = truth_.puts;
    result_.gets = truth_.gets;
    result_.removes = truth_.removes;
    result_.cancels = truth_.cancels;
    result_.read_files = truth_.read_files;
    return result_;
  }

 private:
  bool begin() {
    for (size_t i = 0; i < site_.machines(); ++i) {
      auto error = site_.start(static_cast<machine>(i));
      if (!error) continue;
      truth_.violated("a machine does not start: " + text_of(error));
      return false;
    }
    auto count = 1 + world_.random().below(3);
    for (uint64_t i = 0; i < count; ++i) {
      workspace_record workspace;
      workspace.name = "w" + std::to_string(i);
      auto folder = options_.root / "sources" / workspace.name;
      workspace.roots = {folder.string()};
      workspace.managers = {"user of " + workspace.name};
      workspace.quota_bytes = world_.random().chance(0.2) ? 3'000'000 : 1ull << 40;
      auto added = site_.head_service()->store().add_workspace(workspace);
      if (!added) {
        truth_.violated("no workspace: " + text_of(added.error()));
        return false;
      }
      clients_.push_back(std::make_unique<client>(world_, wires_, site_, truth_, folder,
                                                  first_client + static_cast<machine>(i),
                                                  workspace.name));
    }
    administrator_ =
        std::make_unique<client>(world_, wires_, site_, truth_, options_.root / "sources" / "none",
                                 first_client - 1, "none", true);
    return true;
  }

  void work() {
    world_.between = [this] { disturb(); };
    site_.set_disk_faults();
    for (auto& one : clients_) one->begin();
    administrator_->begin();
    auto time = world_.random().span(2min, 30min);
    auto last = world_.steps() + options_.max_steps;
    world_.run_until([&] { return world_.steps() >= last || broken(); }, time);
  }

  bool broken() const { return !truth_.violations.empty() || !site_.failures().empty(); }

  /// What goes wrong before a step.
  void disturb() {
    site_.bury();
    if (site_.stopping() != nobody && world_.now() > stop_by_) {
      truth_.violated("the stop of " + site_.name_of(site_.stopping()) + " has not ended");
      site_.crash(site_.stopping());
    }
    for (auto due = restarts_.begin(); due != restarts_.end();) {
      if (due->second > world_.now() || site_.present(due->first)) {
        ++due;
        continue;
      }
      auto who = due->first;
      due = restarts_.erase(due);
      if (auto error = site_.start(who)) {
        spdlog::error("{} does not start: {}", site_.name_of(who), text_of(error));
        restarts_[who] = world_.now() + 30s;
        if (++failed_starts_ > 1000) truth_.violated("a machine does not start: " + text_of(error));
      }
    }
    auto& dice = world_.random();
    if (engine_work() > 0 && dice.chance(0.05)) do_engine_work();
    auto strikes = [&](double rate) { return rate > 0 && dice.chance(rate); };
    if (strikes(rates_.crash)) crash(static_cast<machine>(dice.below(site_.machines())));
    if (strikes(rates_.pause))
      world_.pause(static_cast<machine>(dice.below(site_.machines())),
                   world_.now() + dice.span(100ms, 40s));
    if (strikes(rates_.cut)) {
      auto links = wires_.between([](machine, machine) { return true; });
      if (!links.empty()) wires_.cut(links[dice.below(links.size())]);
      ++result_.cuts;
    }
    if (strikes(rates_.silence)) {
      auto links = wires_.between([](machine, machine) { return true; });
      if (!links.empty()) {
        auto link = links[dice.below(links.size())];
        wires_.silence(link, true);
        silent_[link] = world_.now() + dice.span(1s, 60s);
      }
    }
    for (auto due = silent_.begin(); due != silent_.end();) {
      if (due->second > world_.now()) {
        ++due;
        continue;
      }
      wires_.silence(due->first, false);
      due = silent_.erase(due);
    }
    if (strikes(rates_.slow)) slow_down();
    if (world_.now() >= links_slow_until_) wires_.slowest = wires::usual;
    if (plan_.copies > 1 && strikes(rates_.flip)) flip();
    if (strikes(rates_.spoil)) spoil();
    if (strikes(rates_.clock_jump)) {
      auto jump = dice.span(1s, 2h).count();
      world_.clock().advance_ns(dice.chance(0.5) ? jump : -jump);
    }
    // Last: it comes back when the machine has ended, and all of this goes on meanwhile.
    if (strikes(rates_.stop)) stop(static_cast<machine>(dice.below(site_.machines())));
  }

  /// Disks, drives and all else of a machine, or the links.
  void slow_down() {
    auto& dice = world_.random();
    auto until = world_.now() + dice.span(5s, 10min);
    if (dice.chance(0.4)) {
      wires_.slowest = wires::usual * (1 << dice.below(12));
      links_slow_until_ = until;
    } else {
      auto who = static_cast<machine>(dice.below(site_.machines()));
      auto slowest = 1ms * (1 << dice.below(13));
      spdlog::info("{} is slow", site_.name_of(who));
      world_.slow(who, until, slowest);
    }
  }

  void stop(machine who) {
    if (world_.waits() || site_.stopping() != nobody || !site_.runs(who)) return;
    if (result_.crashes + result_.stops >= 15) return;
    ++result_.stops;
    spdlog::info("{} is stopped", site_.name_of(who));
    auto back = world_.now() + world_.random().span(1s, 2min);
    stop_by_ = world_.now() + 1h;
    site_.stop(who, world_.random().chance(rates_.power_loss));
    // A crash meanwhile has its own time.
    restarts_.emplace(who, back);
  }

  uint64_t change_a_byte(const fs::path& path, uint64_t size_bytes) {
    auto at = world_.random().below(size_bytes);
    std::fstream file{path, std::ios::in | std::ios::out | std::ios::binary};
    file.seekg(static_cast<std::streamoff>(at));
    auto byte = static_cast<char>(file.get() ^ 0x10);
    file.seekp(static_cast<std::streamoff>(at));
    file.put(byte);
    return at;
  }

  /// Changes a byte of a file in a cache: tape or the sources must do.
  void spoil() {
    auto who = static_cast<machine>(world_.random().below(site_.machines()));
    auto files = site_.cached_files(who);
    if (files.empty()) return;
    auto& [id, path] = files[world_.random().below(files.size())];
    auto size_bytes = fs::file_size(path);
    if (size_bytes == 0) return;
    auto at = change_a_byte(path, size_bytes);
    spdlog::info("a byte of {} in the cache of {} changes at {}", to_string(id), site_.name_of(who),
                 at);
    truth_.spoilt.insert(id);
  }

  /// Changes a byte of a cartridge, but only of one pool: the other copy must do.
  void flip() {
    auto* head = site_.head_service();
    if (!head) return;
    auto all = head->store().view()->volumes();
    if (!all) return;
    std::vector<volume_record> some;
    for (auto& one : *all)
      if (one.aggregations > 0 && one.pool == pool_of_copy(2)) some.push_back(one);
    if (some.empty()) return;
    auto& one = some[world_.random().below(some.size())];
    auto image = site_.image_of(one.id);
    std::error_code code;
    auto size = fs::file_size(image, code);
    if (image.empty() || code || size == 0) return;
    auto at = change_a_byte(image, size);
    spdlog::info("a byte of {} changes at {}", one.id.value, at);
    truth_.damaged.insert(one.id);
  }

  void crash(machine who) {
    // Each start leaves a file of the catalogue's that nothing merges here.
    if (!site_.runs(who) && who != site_.stopping()) return;
    if (result_.crashes + result_.stops >= 15) return;
    ++result_.crashes;
    spdlog::info("{} crashes", site_.name_of(who));
    site_.crash(who, world_.random().chance(rates_.power_loss));
    restarts_[who] =
        world_.now() + world_.random().span(1s, world_.random().chance(0.2) ? 1h : 2min);
  }

  /// For the log of who looks for the reason.
  void tell_volumes() {
    auto* head = site_.head_service();
    if (!head) return spdlog::error("the head does not run");
    auto view = head->store().view();
    if (auto all = view->volumes())
      for (auto& one : *all)
        spdlog::info("volume {} of {} pool {}: {}, {} of {} bytes", one.id.value, one.node,
                     one.pool, to_string(one.status), one.written_bytes, one.capacity_bytes);
    for (auto& [id, batch] : truth_.batches) {
      auto record = view->batch(id);
      if (!record || !*record || (*record)->state > state::cached) continue;
      auto list = view->aggregations(id, 0, 100);
      if (!list) continue;
      for (auto& one : *list)
        if (one.state <= state::cached)
          spdlog::info("aggregation {} is {} at {}, {} bytes, {} copies", to_string(one.id),
                       to_string(one.state), one.node, one.size_bytes, one.copies.size());
    }
  }

  /// The operator brings new cartridges and starts every machine again.
  void bring_cartridges() {
    site_.add_cartridges(40);
    for (size_t i = 0; i < site_.machines(); ++i) {
      site_.crash(static_cast<machine>(i));
      restarts_.emplace(static_cast<machine>(i), world_.now() + 1s);
    }
  }

  /// Whether an alert has said that there are not enough.
  bool asked_for_cartridges() {
    auto* head = site_.head_service();
    if (!head) return false;
    for (uint64_t after = 0;;) {
      auto page = head->store().view()->alerts(after, 100);
      if (!page || page->empty()) return false;
      for (auto& one : *page)
        if (one.text.find("add cartridges") != std::string::npos) return true;
      after = page->back().number;
    }
  }

  /// Where there is plenty of cartridges it must go on by itself, unless an alert asks.
  void call_operator() {
    if (!plan_.plenty || result_.operators > 0 || broken()) return;
    if (!administrator_->rests() || !asked_for_cartridges()) return;
    ++result_.operators;
    bring_cartridges();
    administrator_->begin_release();
  }

  void heal() {
    rates_ = {};
    site_.set_disk_faults();
    links_slow_until_ = world_.now();
    for (size_t i = 0; i < site_.machines(); ++i)
      world_.slow(static_cast<machine>(i), world_.now(), 0ns);
    for (auto& [link, due] : silent_) due = world_.now();
    for (auto& [who, due] : restarts_) due = world_.now();
    for (auto& one : clients_) one->rest();
    administrator_->rest();
    if (!plan_.plenty) bring_cartridges();
    last_step_ = world_.steps() + options_.max_steps * 4;
    if (come_to_rest() && all_ends()) read_again();
    if (broken()) return;
    check_at_rest(site_, truth_);
  }

  bool out_of_steps() const { return world_.steps() >= last_step_ || broken(); }

  bool all_rest() const {
    return administrator_->rests() &&
           std::all_of(clients_.begin(), clients_.end(), [](auto& one) { return one->rests(); });
  }

  bool come_to_rest() {
    auto done = [this] { return all_rest() || out_of_steps(); };
    world_.run_until(done, 6h);
    // Clients wait for room in caches that only tapes can give.
    if (!all_rest()) call_operator();
    world_.run_until(done, 24h);
    if (!all_rest() && !broken()) truth_.violated("a client's command has not ended");
    return !broken();
  }

  bool all_ends() {
    administrator_->begin_release();
    world_.run_until([this] { return all_rest() || out_of_steps(); }, 24h);
    auto done = [this] {
      return out_of_steps() || (world_.steps() % 64 == 0 && unfinished(site_, truth_) == 0);
    };
    world_.run_until(done, 6h);
    if (unfinished(site_, truth_) > 0) call_operator();
    world_.run_until(done, 48h);
    if (broken()) return false;
    auto left = unfinished(site_, truth_);
    if (left == 0) return true;
    tell_volumes();
    truth_.violated(std::to_string(left) + " batches have not ended");
    return false;
  }

  void read_again() {
    for (auto& one : clients_) one->begin_check();
    world_.run_until([this] { return all_rest() || out_of_steps(); }, 24h);
    if (!all_rest() && !broken()) truth_.violated("the last reading has not ended");
  }

  run_options options_;
  run_result result_;
  world world_;
  wires wires_;
  site_plan plan_;
  faults rates_;
  truth truth_;
  site site_;
  std::vector<std::unique_ptr<client>> clients_;
  std::unique_ptr<client> administrator_;
  std::map<machine, std::chrono::nanoseconds> restarts_;
  std::map<uint64_t, std::chrono::nanoseconds> silent_;
  std::chrono::nanoseconds stop_by_{};
  std::chrono::nanoseconds links_slow_until_{};
  uint64_t failed_starts_ = 0;
  uint64_t last_step_ = 0;
};

}  // namespace

run_result run(const run_options& with) {
  fs::remove_all(with.root);
  fs::create_directories(with.root);
  auto result = play{with}.go();
  fs::remove_all(with.root);
  return result;
}

}  // namespace et::simulation
