#include "actors/monitor/live_watch.hpp"

#include <pthread.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "actors/defaults.hpp"
#include "actors/metrics.hpp"
#include "actors/node_roster.hpp"
#include "actors/version.hpp"

namespace et::monitor {

namespace {

using std::chrono::steady_clock;

void add_trouble(std::string& trouble, const std::string& text) {
  if (!trouble.empty()) trouble += "; ";
  trouble += text;
}

/// What to do with the answer of an actor that is asked.
auto no_answer(std::string& trouble, const char* who) {
  return [&trouble, who](const caf::error& error) {
    add_trouble(trouble, std::string{"the "} + who + " does not answer (" + text_of(error) +
                             "), what it knows is old");
  };
}

}  // namespace

live_watch::live_watch(options opts)
    : options_(std::move(opts)),
      started_ns_(options_.clock->now_ns()),
      history_(seconds(), options_.actors->measures->moved()) {
  auto nothing = std::make_shared<live_state>();
  nothing->trouble = "nothing is known yet";
  last_ = std::move(nothing);
  // Counted from here on.
  auto newest = options_.store->view()->alerts_before(UINT64_MAX, 1);
  if (newest && !newest->empty()) counted_alerts_ = newest->front().number;
  sampler_ = std::thread{[this] { take_samples(); }};
  ::pthread_setname_np(sampler_.native_handle(), "live-samples");
}

live_watch::~live_watch() {
  {
    std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  changed_.notify_all();
  sampler_.join();
}

void live_watch::take_samples() {
  std::unique_lock lock{mutex_};
  auto next = steady_clock::now();
  while (!stopping_) {
    next = std::max(next + std::chrono::seconds{1}, steady_clock::now());
    changed_.wait_until(lock, next, [this] { return stopping_; });
    history_.sample(seconds(), options_.actors->measures->moved());
  }
}

std::vector<throughput_sample> live_watch::throughput(bool minutes, size_t at_most) {
  return history_.list(minutes, at_most);
}

std::shared_ptr<const live_state> live_watch::now() {
  std::unique_lock lock{mutex_};
  auto fresh = [this] {
    return made_ != steady_clock::time_point{} && steady_clock::now() - made_ < defaults::live_age;
  };
  if (making_) changed_.wait_for(lock, defaults::live_patience, [this] { return !making_; });
  if (making_ || fresh()) return last_;
  making_ = true;
  lock.unlock();
  auto made = make();
  lock.lock();
  making_ = false;
  made_ = steady_clock::now();
  last_ = std::move(made);
  changed_.notify_all();
  return last_;
}

std::shared_ptr<const live_state> live_watch::make() {
  auto next = std::make_shared<live_state>();
  try {
    ask_actors(next->trouble);
    if (auto error = read_catalogue(*next)) {
      add_trouble(next->trouble, "the catalogue cannot be read: " + text_of(error));
      next->workspaces = last_->workspaces;
      next->batches = last_->batches;
      next->alerts = last_->alerts;
      next->older_alerts = last_->older_alerts;
    }
    add_library(*next);
    add_queues(*next);
  } catch (const std::exception& e) {
    spdlog::error("monitor: the live picture is not whole: {}", e.what());
    add_trouble(next->trouble, "the picture is not whole, the service's log tells why");
  }
  next->time_ns = options_.clock->now_ns();
  next->node = options_.node;
  next->version = version_text;
  next->started_ns = started_ns_;
  next->sessions = options_.sessions ? options_.sessions() : 0;
  add_nodes(*next);
  return next;
}

void live_watch::add_nodes(live_state& next) const {
  auto& all = *options_.actors;
  bool own = false;
  for (auto& node : all.nodes->all()) {
    auto roles = node->roles;
    bool is_own = node->name == all.node;
    own = own || is_own;
    if (is_own) roles.insert(roles.begin(), "head");
    next.nodes.push_back({is_own ? options_.node : node->name, node->up ? "up" : "lost",
                          is_own ? version_text : node->version, std::move(roles),
                          is_own ? started_ns_ : node->since_ns});
  }
  if (!own) next.nodes.push_back({options_.node, "up", version_text, {"head"}, started_ns_});
}

namespace {

/// The caches of all nodes as one.
void add(keeper_facts& sum, const keeper_facts& one) {
  sum.capacity_bytes += one.capacity_bytes;
  sum.file_bytes += one.file_bytes;
  sum.reserved_bytes += one.reserved_bytes;
  sum.unsafe_bytes += one.unsafe_bytes;
  sum.high_bytes += one.high_bytes;
  sum.low_bytes += one.low_bytes;
  sum.files += one.files;
  sum.full = sum.full || one.full;
  for (auto& queue : one.queues) {
    auto same = std::find_if(sum.queues.begin(), sum.queues.end(),
                             [&](const queue_facts& known) { return known.name == queue.name; });
    if (same == sum.queues.end()) {
      sum.queues.push_back(queue);
      continue;
    }
    same->waiting += queue.waiting;
    same->waiting_bytes += queue.waiting_bytes;
    same->oldest_ms = std::max(same->oldest_ms, queue.oldest_ms);
  }
}

}  // namespace

void live_watch::ask_actors(std::string& trouble) {
  auto& all = *options_.actors;
  auto patience = std::chrono::milliseconds{defaults::live_patience};
  caf::scoped_actor self{*options_.system};
  // All are asked before the first answer is waited for.
  auto ask_keeper = [&](const cache_keeper_actor& keeper) {
    return self->request(keeper, patience, observe_atom_v);
  };
  std::vector<decltype(ask_keeper(all.keeper))> keepers;
  for (auto& node : all.nodes->all())
    if (node->keeper && node->up) keepers.push_back(ask_keeper(node->keeper));
  auto director = self->request(all.director, patience, observe_atom_v);
  auto retrievals =
      self->request(all.retrievals, patience, list_retrievals_atom_v, workspace_id{0});
  auto scheduler =
      self->request(all.scheduler, patience, observe_atom_v, known_.scheduler.revision);
  auto end = steady_clock::now() + patience;
  keeper_facts sum;
  bool all_told = true;
  for (auto& keeper : keepers)
    keeper.receive([&](const keeper_facts& facts) { add(sum, facts); },
                   [&](const caf::error& error) {
                     all_told = false;
                     no_answer(trouble, "cache keeper")(error);
                   });
  if (all_told) known_.keeper = std::move(sum);
  director.receive([&](director_facts& facts) { known_.director = std::move(facts); },
                   no_answer(trouble, "batch director"));
  retrievals.receive(
      [&](std::vector<retrieval_status>& running) { known_.retrievals = std::move(running); },
      no_answer(trouble, "retrieval director"));
  bool answered = false;
  scheduler.receive(
      [&](scheduler_facts& facts) {
        take(facts);
        answered = true;
      },
      no_answer(trouble, "mount scheduler"));
  while (answered && known_.scheduler.more && steady_clock::now() < end) {
    answered = false;
    self->request(all.scheduler, patience, observe_atom_v, known_.scheduler.revision)
        .receive(
            [&](scheduler_facts& facts) {
              take(facts);
              answered = true;
            },
            no_answer(trouble, "mount scheduler"));
  }
  if (!known_.scheduler.ready) add_trouble(trouble, "the library's inventory is not known yet");
}

void live_watch::take(scheduler_facts& facts) {
  for (auto& one : facts.volumes) known_.volumes[one.record.id] = std::move(one);
  facts.volumes.clear();
  known_.scheduler = std::move(facts);
}

void live_watch::add_library(live_state& next) const {
  auto& measures = *options_.actors->measures;
  std::map<barcode, int32_t> in_drives;
  for (uint32_t i = 0; i < known_.scheduler.drives.size(); ++i) {
    auto& facts = known_.scheduler.drives[i];
    live_drive drive;
    // What the catalogue said of the aggregation is there already.
    if (i < next.drives.size()) drive = std::move(next.drives[i]);
    drive.number = i;
    drive.activity = facts.activity;
    drive.volume = facts.volume;
    drive.pool = facts.pool;
    drive.aggregation = facts.aggregation;
    drive.written_bytes = measures.written_bytes_of(i);
    drive.read_bytes = measures.read_bytes_of(i);
    if (!drive.volume.value.empty()) in_drives[drive.volume] = static_cast<int32_t>(i);
    if (i < next.drives.size())
      next.drives[i] = std::move(drive);
    else
      next.drives.push_back(std::move(drive));
  }
  next.volumes.reserve(known_.volumes.size());
  for (auto& [id, one] : known_.volumes) {
    auto in_drive = in_drives.find(id);
    next.volumes.push_back(
        {one.record, one.present, in_drive == in_drives.end() ? -1 : in_drive->second});
  }
  next.slots = known_.scheduler.slots;
  next.library_known = known_.scheduler.ready;
  next.retrievals = known_.retrievals;
}

void live_watch::add_queues(live_state& next) const {
  auto& keeper = known_.keeper;
  next.cache = {keeper.capacity_bytes,
                keeper.file_bytes + keeper.reserved_bytes,
                keeper.unsafe_bytes,
                keeper.high_bytes,
                keeper.low_bytes,
                keeper.files,
                keeper.full};
  auto add = [&](const std::vector<queue_facts>& queues) {
    for (auto& queue : queues)
      next.queues.push_back({queue.name, queue.waiting, queue.waiting_bytes, queue.oldest_ms});
  };
  add(keeper.queues);
  add(known_.scheduler.queues);
}

caf::error live_watch::read_catalogue(live_state& next) {
  auto view = options_.store->view();
  auto workspaces = view->workspaces();
  if (!workspaces) return workspaces.error();
  next.workspaces = std::move(*workspaces);
  next.batches_in_motion = known_.director.in_motion;
  for (auto id : known_.director.first) {
    auto batch = view->batch(id);
    if (!batch) return batch.error();
    if (*batch) next.batches.push_back(std::move(**batch));
  }
  live_queue turn{"batches", known_.director.waiting};
  if (known_.director.longest.value != 0) {
    auto batch = view->batch(known_.director.longest);
    if (!batch) return batch.error();
    if (*batch) turn.oldest_ms = (options_.clock->now_ns() - (*batch)->created_ns) / 1'000'000;
  }
  next.queues.push_back(std::move(turn));
  for (auto& facts : known_.scheduler.drives) {
    next.drives.emplace_back();
    if (facts.aggregation.number == 0) continue;
    auto batch = view->batch(facts.aggregation.batch);
    if (!batch) return batch.error();
    if (*batch) next.drives.back().workspace_name = (*batch)->workspace_name;
  }
  return read_alerts(*view, next);
}

caf::error live_watch::count_alerts(catalogue_view& view) {
  for (;;) {
    auto page = view.alerts(counted_alerts_, defaults::page_records);
    if (!page) return page.error();
    if (page->empty()) return {};
    for (auto& alert : *page) options_.actors->measures->alerted(to_string(alert.level), 1);
    counted_alerts_ = page->back().number;
  }
}

caf::error live_watch::read_alerts(catalogue_view& view, live_state& next) {
  auto newest = view.alerts_before(UINT64_MAX, 1);
  if (!newest) return newest.error();
  if (newest->empty()) return {};
  // Nobody else changes last_ while this picture is being made.
  if (!last_->alerts.empty() && last_->alerts.front().number == newest->front().number) {
    next.alerts = last_->alerts;
    next.older_alerts = last_->older_alerts;
    return {};
  }
  if (auto error = count_alerts(view)) return error;
  auto page = view.alerts_before(UINT64_MAX, defaults::page_records);
  if (!page) return page.error();
  std::map<std::string, size_t> of_workspace;
  for (auto& alert : *page) {
    auto& count = of_workspace[alert.workspace];
    bool wanted = count++ < defaults::live_alerts;
    if (next.alerts.size() < defaults::live_alerts)
      next.alerts.push_back(std::move(alert));
    else if (wanted && !alert.workspace.empty())
      next.older_alerts.push_back(std::move(alert));
  }
  return {};
}

}  // namespace et::monitor
