#include "tests/simulation/world.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

namespace et::simulation {

namespace {

/// A handler that waits runs others inside of it; so many inside of each other are no accident.
constexpr int max_waiting = 200;

const caf::scheduled_actor* actor_of(const caf::resumable* job) {
  return dynamic_cast<const caf::scheduled_actor*>(job);
}

}  // namespace

struct config : node_config, one_thread {
  explicit config(world& of) : node_config(service_node(1)), world_(of) {
    module_factories.clear();  // no sockets
    set("scheduler.policy", caf::atom("testing"));
  }
  void turn() const override { world_.turn(); }

  world& world_;
};

world* world::running = nullptr;

world::world(uint64_t seed) : dice_(seed) {
  running = this;
  config_ = std::make_unique<config>(*this);
  system_ = std::make_unique<caf::actor_system>(*config_);
  coordinator_ = &dynamic_cast<caf::scheduler::test_coordinator&>(system_->scheduler());
  adopt();
}

world::~world() {
  running = nullptr;
  // What still waits in mailboxes goes with them.
  for (auto& [who, list] : actors_)
    for (auto& [id, address] : list)
      if (auto strong = caf::actor_cast<caf::strong_actor_ptr>(address))
        caf::anon_send_exit(caf::actor_cast<caf::actor>(strong), caf::exit_reason::kill);
  frozen_.clear();
  paused_.clear();
  while (coordinator_->try_run_once()) {
  }
  coordinator_->clock().cancel_all();
  while (coordinator_->try_run_once()) {
  }
  system_->await_actors_before_shutdown(false);
}

std::chrono::nanoseconds world::now() const {
  return coordinator_->clock().now().time_since_epoch();
}

void world::note(uint64_t value) {
  trace_ = (trace_ ^ value) * 1099511628211u;
  trace_ ^= trace_ >> 29;
}

void world::note(std::string_view text) {
  for (auto c : text) note(static_cast<uint64_t>(static_cast<unsigned char>(c)));
}

bool world::waits(machine who) const {
  auto found = waiting_.find(who);
  return found != waiting_.end() && found->second > 0;
}

bool world::waits() const {
  return std::any_of(waiting_.begin(), waiting_.end(),
                     [](const auto& one) { return one.second > 0; });
}

/// Of the machine whose turn it is, after a message.
void world::take_time(caf::actor_id who) {
  auto found = slow_.find(current_);
  if (found == slow_.end()) return;
  if (found->second.until <= now()) {
    slow_.erase(found);
    return;
  }
  std::erase_if(busy_, [&](const auto& one) { return one.second <= now(); });
  busy_[who] = now() + dice_.span(std::chrono::nanoseconds{0}, found->second.slowest);
}

/// When the next actor that has something to do is not busy any more.
std::optional<std::chrono::nanoseconds> world::next_not_busy() const {
  std::optional<std::chrono::nanoseconds> next;
  for (auto* job : coordinator_->jobs) {
    auto* one = actor_of(job);
    if (!one) continue;
    auto busy = busy_.find(one->id());
    if (busy == busy_.end() || busy->second <= now()) continue;
    if (!next || busy->second < *next) next = busy->second;
  }
  return next;
}

/// Actors that were spawned since the last call are of the machine whose turn it is.
void world::adopt() {
  for (auto* job : coordinator_->jobs) {
    auto* one = actor_of(job);
    if (!one || owners_.count(one->id())) continue;
    owners_[one->id()] = current_;
    actors_[current_].emplace(one->id(), const_cast<caf::scheduled_actor*>(one)->address());
  }
}

bool world::may_run(const caf::resumable* job) const {
  auto* one = actor_of(job);
  if (!one) return true;
  auto owner = owners_.find(one->id());
  if (owner == owners_.end()) return true;
  if (frozen_.count(owner->second)) return false;
  auto busy = busy_.find(one->id());
  if (busy != busy_.end() && busy->second > now()) return false;
  auto pause = paused_.find(owner->second);
  return pause == paused_.end() || pause->second <= now();
}

bool world::run_one() {
  auto& jobs = coordinator_->jobs;
  std::vector<size_t> ready;
  for (size_t i = 0; i < jobs.size() && ready.size() < 16; ++i)
    if (may_run(jobs[i])) ready.push_back(i);
  if (ready.empty()) return false;
  auto index = ready[dice_.chance(0.5) ? 0 : dice_.below(ready.size())];
  auto* job = jobs[index];
  jobs.erase(jobs.begin() + static_cast<std::ptrdiff_t>(index));
  jobs.push_front(job);
  auto before = current_;
  caf::actor_id id = 0;
  if (auto* one = actor_of(job)) {
    id = one->id();
    note(id);
    auto owner = owners_.find(one->id());
    current_ = owner == owners_.end() ? nobody : owner->second;
    if (auto* first = const_cast<caf::scheduled_actor*>(one)->mailbox().peek())
      note(first->content().type_token());
  }
  coordinator_->run_once();
  adopt();
  if (id != 0) take_time(id);
  current_ = before;
  return true;
}

bool world::move_clock() {
  auto before = now();
  auto& clock = coordinator_->clock();
  auto busy_until = next_not_busy();
  if (busy_until && (!clock.has_pending_timeout() ||
                     *busy_until < clock.schedule().begin()->first.time_since_epoch()))
    clock.advance_time(*busy_until - before);
  else if (!clock.trigger_timeout())
    return false;
  auto moved = now() - before;
  clock_.advance_ns(moved.count());
  note(static_cast<uint64_t>(moved.count()));
  return true;
}

bool world::step() {
  ++steps_;
  if (between) between();
  return run_one() || move_clock();
}

bool world::run_until(const std::function<bool()>& done, std::chrono::nanoseconds limit) {
  auto end = now() + limit;
  while (!done()) {
    if (now() >= end || !step()) return done();
  }
  return true;
}

void world::turn() {
  auto who = current_;
  if (frozen(who)) throw crashed{};
  auto& depth = waiting_[who];
  ++depth;
  int all = 0;
  for (auto& [of, count] : waiting_) all += count;
  struct back {
    world& of;
    machine who;
    ~back() {
      --of.waiting_[who];
      of.current_ = who;
    }
  } guard{*this, who};
  if (all > max_waiting) throw std::runtime_error("handlers wait for each other without an end");
  if (!step()) throw std::runtime_error("an answer that is waited for never comes");
  if (frozen(who)) throw crashed{};
}

void world::kill(machine who) {
  frozen_.erase(who);
  paused_.erase(who);
  slow_.erase(who);
  auto list = std::move(actors_[who]);
  actors_.erase(who);
  std::set<caf::actor_id> ids;
  for (auto& [id, address] : list) {
    ids.insert(id);
    if (auto strong = caf::actor_cast<caf::strong_actor_ptr>(address))
      caf::anon_send_exit(caf::actor_cast<caf::actor>(strong), caf::exit_reason::kill);
  }
  // Only they run now, and the first thing that each of them meets is its end.
  for (bool ran = true; ran;) {
    auto mine = [&](const caf::resumable* job) {
      auto* one = actor_of(job);
      return one && ids.count(one->id()) > 0;
    };
    auto before = std::exchange(current_, who);
    ran = coordinator_->run_jobs_filtered(mine) > 0;
    adopt();
    current_ = before;
    // Those that they spawned at the very end.
    for (auto& [id, address] : std::exchange(actors_[who], {})) {
      ids.insert(id);
      if (auto strong = caf::actor_cast<caf::strong_actor_ptr>(address))
        caf::anon_send_exit(caf::actor_cast<caf::actor>(strong), caf::exit_reason::kill);
      ran = true;
    }
  }
  for (auto id : ids) owners_.erase(id);
}

}  // namespace et::simulation
