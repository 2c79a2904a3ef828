// The load: several commands at once against one service, as people give them. One thread.
#pragma once

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <random>

#include "tests/blackbox/harness.hpp"
#include "tests/crash/ledger.hpp"
#include "tests/crash/trees.hpp"

namespace et::crash {

class clients {
 public:
  struct options {
    blackbox::environment surroundings;
    std::string workspace = "local";
    fs::path folder;  ///< for what the commands say and bring
    uint64_t seed = 0;
    size_t first_tree = 0;
    /// How long commands wait for a service that is gone; their --reconnect.
    int reconnect_s = 60;
    /// Told of every mark, before the ledger is.
    std::function<void(const std::string&)> mark;
  };
  clients(options how, trees& sources, ledger& told);

  /// Starts what there is room for, then takes what ends within `limit`.
  void step(std::chrono::milliseconds limit);
  /// Starts nothing more; false when something still runs after `limit`.
  bool finish(std::chrono::seconds limit);
  /// Kills what runs: nobody learns what it would have said.
  void abandon();

  /// What no crash excuses: a wrong answer, wrong bytes, a command that gave up.
  const std::vector<std::string>& complaints() const { return complaints_; }
  size_t next_tree() const { return next_tree_; }
  size_t commands() const { return commands_; }
  /// Commands that found no service when they began.
  size_t unreached() const { return unreached_; }

 private:
  enum class action { put, wait, get, remove };
  struct slot {
    std::unique_ptr<blackbox::child> process;
    action what = action::put;
    uint64_t batch = 0;
    size_t tree = 0;
    fs::path out;
    fs::path back;  ///< of a get
  };

  void begin(slot& one);
  void ended(slot& one, int code);
  void mark(const std::string& text);
  bool used(uint64_t batch) const;
  /// A batch that is there for all that the clients know, safe or not yet; 0: none.
  uint64_t any_batch(bool safe);
  void launch(slot& one, std::vector<std::string> words);

  options how_;
  trees& trees_;
  ledger& told_;
  std::mt19937_64 random_;
  std::array<slot, 4> slots_;
  size_t next_tree_;
  size_t commands_ = 0;
  size_t unreached_ = 0;
  std::vector<std::string> complaints_;
};

}  // namespace et::crash
