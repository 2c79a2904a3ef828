// One thread, one clock, one seed: runs every actor of every simulated machine, one message at a
// time, in an order that the seed decides.
//
// Machines are numbers. An actor belongs to the machine whose actor (or code, with as()) spawned
// it; a machine that crashes loses all of its actors at once, whatever they were doing.
#pragma once

#include <caf/scheduler/test_coordinator.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>

#include "actors/blocking.hpp"
#include "actors/node_config.hpp"
#include "storage/os/clock.hpp"
#include "tests/simulation/dice.hpp"

namespace et::simulation {

using machine = int;
constexpr machine nobody = -1;  ///< the world itself: wires, clients

/// Thrown through a handler of a machine that has crashed meanwhile.
struct crashed : std::runtime_error {
  crashed() : std::runtime_error("its machine has crashed") {}
};

class world {
 public:
  explicit world(uint64_t seed);
  ~world();
  world(const world&) = delete;
  world& operator=(const world&) = delete;

  /// The one that exists; null: none.
  static world* running;

  caf::actor_system& system() { return *system_; }
  dice& random() { return dice_; }
  manual_clock& clock() { return clock_; }
  /// Since the beginning of the run; never jumps.
  std::chrono::nanoseconds now() const;
  /// Everything that happened, in one number.
  uint64_t trace() const { return trace_; }
  uint64_t steps() const { return steps_; }
  /// Makes the trace depend on a value.
  void note(uint64_t value);
  void note(std::string_view text);

  /// One message of one actor; or, when none can run, the next point in time at which one can.
  /// False: nothing will ever happen again.
  bool step();
  /// Called before each step; `waiting` machines are in the middle of a handler.
  std::function<void()> between;
  /// Steps until `done` or `limit` of virtual time has passed; whether it was done.
  bool run_until(const std::function<bool()>& done, std::chrono::nanoseconds limit);

  /// Runs `what` as code of a machine.
  template <class F>
  auto as(machine who, F&& what) {
    auto before = std::exchange(current_, who);
    struct back {
      world& of;
      machine before;
      ~back() {
        of.adopt();
        of.current_ = before;
      }
    } guard{*this, before};
    return what();
  }
  machine current() const { return current_; }

  /// Its actors do not run until then.
  void pause(machine who, std::chrono::nanoseconds until) { paused_[who] = until; }
  /// Until then each of its actors is busy for up to `slowest` behind every message: its disks,
  /// drives and processors are slow.
  void slow(machine who, std::chrono::nanoseconds until, std::chrono::nanoseconds slowest) {
    slow_[who] = {until, slowest};
  }
  /// From now on none of its actors does anything; kill() ends them.
  void freeze(machine who) { frozen_.insert(who); }
  bool frozen(machine who) const { return frozen_.count(who) > 0; }
  /// In the middle of a handler of this machine that waits for an answer.
  bool waits(machine who) const;
  /// In the middle of a handler of any machine that waits.
  bool waits() const;
  /// Ends all actors of a frozen machine. Precondition: !waits(who).
  void kill(machine who);

 private:
  friend struct config;
  void turn();
  void adopt();
  struct slowness {
    std::chrono::nanoseconds until;
    std::chrono::nanoseconds slowest;
  };
  void take_time(caf::actor_id who);
  std::optional<std::chrono::nanoseconds> next_not_busy() const;
  bool may_run(const caf::resumable* job) const;
  bool run_one();
  bool move_clock();

  dice dice_;
  manual_clock clock_{2'200'000'000'000'000'000};
  std::unique_ptr<caf::actor_system_config> config_;
  std::unique_ptr<caf::actor_system> system_;
  caf::scheduler::test_coordinator* coordinator_ = nullptr;
  machine current_ = nobody;
  std::map<caf::actor_id, machine> owners_;
  std::map<machine, std::map<caf::actor_id, caf::actor_addr>> actors_;
  std::map<machine, std::chrono::nanoseconds> paused_;
  std::map<machine, slowness> slow_;
  std::map<caf::actor_id, std::chrono::nanoseconds> busy_;  ///< until when
  std::set<machine> frozen_;
  std::map<machine, int> waiting_;
  uint64_t trace_ = 14695981039346656037u;
  uint64_t steps_ = 0;
};

}  // namespace et::simulation
