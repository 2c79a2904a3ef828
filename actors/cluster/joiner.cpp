#include "actors/cluster/joiner.hpp"

#include <map>
#include <set>

#include "actors/actor_base.hpp"
#include "actors/blocking.hpp"
#include "actors/defaults.hpp"
#include "actors/relay.hpp"

namespace et::cluster {

namespace {

using verdict = held_file::verdict_type;

/// One joining, step by step; every step waits.
class judge {
 public:
  judge(caf::event_based_actor* self, const join_job& job)
      : self_(self->system()),
        job_(job),
        keeper_(self->spawn(relay_until_end<cache_keeper_actor>, job.keeper,
                            "the node has gone while it was judged")) {}

  ~judge() { self_->send_exit(keeper_, caf::exit_reason::user_shutdown); }
  judge(const judge&) = delete;
  judge& operator=(const judge&) = delete;

  caf::error run() {
    if (auto error = read_held()) return error;
    if (auto error = compare()) return error;
    if (auto error = correct_catalogue()) return error;
    return send_verdicts();
  }

 private:
  template <class R, class Handle, class... Ts>
  caf::expected<R> ask(const Handle& whom, Ts&&... xs) {
    caf::expected<R> result{caf::sec::none};
    auto asked = self_->request(whom, defaults::catalogue_timeout, std::forward<Ts>(xs)...);
    wait_for(self_, asked);
    asked.receive([&](R& answer) { result = std::move(answer); },
                  [&](caf::error& error) { result = std::move(error); });
    return result;
  }

  caf::error read_held() {
    aggregation_id after;
    for (;;) {
      auto page = ask<std::vector<held_file>>(keeper_, held_atom_v, after);
      if (!page) return page.error();
      if (page->empty()) return {};
      after = page->back().id;
      for (auto& file : *page) {
        file.verdict = verdict::nobody;
        held_[file.id] = file;
      }
    }
  }

  caf::error compare() {
    return job_.store->view()->each_cached([&](const aggregation_record& record) {
      if (record.node != job_.node) return true;
      auto found = held_.find(record.id);
      bool good = found != held_.end() && found->second.size_bytes == record.size_bytes;
      bool safe = record.state == state::cached_synced;
      if (good)
        found->second.verdict = safe ? verdict::safe : verdict::wanted;
      else
        (safe ? evicted_ : lost_).push_back(record.id);
      return true;
    });
  }

  caf::error correct_catalogue() {
    for (auto id : lost_) {
      spdlog::warn(
          "node {}: aggregation {} is CACHED there but has no good cache file, it is read "
          "from the sources again",
          job_.node, to_string(id));
      auto done = ask<bool>(job_.registrar, lost_atom_v, id);
      if (!done) return done.error();
      // Who waits for it to be written makes it again.
      self_->send(job_.scheduler, lost_atom_v, id);
      self_->send(job_.director, lost_atom_v, id, "it is not in the cache of node " + job_.node);
    }
    if (evicted_.empty()) return {};
    spdlog::warn("node {}: {} aggregations on tape have no good cache file there, they are SYNCED",
                 job_.node, evicted_.size());
    auto done = ask<bool>(job_.registrar, evicted_atom_v, evicted_, job_.node);
    return done ? caf::error{} : done.error();
  }

  caf::error send_verdicts() {
    std::vector<held_file> page;
    auto send = [&]() -> caf::error {
      auto done = ask<bool>(keeper_, judged_atom_v, std::exchange(page, {}));
      return done ? caf::error{} : done.error();
    };
    for (auto& [id, file] : held_) {
      page.push_back(file);
      if (page.size() < defaults::page_rows) continue;
      if (auto error = send()) return error;
    }
    return page.empty() ? caf::error{} : send();
  }

  caf::scoped_actor self_;
  const join_job& job_;
  /// Fails what is under way when the link ends.
  relay_actor<cache_keeper_actor> keeper_;
  std::map<aggregation_id, held_file> held_;
  std::vector<aggregation_id> lost_;
  std::vector<aggregation_id> evicted_;
};

}  // namespace

void join(caf::event_based_actor* self, const join_job& job) {
  guard(self);
  caf::error error;
  try {
    if (job.keeper) error = judge{self, job}.run();
  } catch (const std::exception& e) {
    // The membership waits for the end of this, whatever it is.
    error = fail(errc::internal, std::string{"joining: "} + e.what());
  }
  if (error)
    spdlog::log(code_of(error) == errc::node_lost ? spdlog::level::warn : spdlog::level::err,
                "node {}: what it holds could not be judged: {}", job.node, text_of(error));
  self->send(job.membership, joined_atom_v, job.link, error ? text_of(error) : std::string{});
}

namespace {

void tell(caf::event_based_actor* self, const head_actor& head, severity level, std::string text) {
  alert_record draft;
  draft.level = level;
  draft.text = std::move(text);
  self->send(head, alert_atom_v, std::move(draft));
}

}  // namespace

void tell_loss(caf::event_based_actor* self, const loss_job& job) {
  auto text = job.text;
  auto held = holdings_of(*job.store, job.node);
  if (held && held->unsafe > 0)
    text += ": " + std::to_string(held->unsafe) +
            " aggregations that are not on tape yet are in its cache only, and wait for it";
  tell(self, job.head, severity::error, std::move(text));
}

void reread_elsewhere(caf::event_based_actor* self, const reread_job& job) {
  auto held = holdings_of(*job.store, job.node);
  if (!held) {
    spdlog::error("node {}: what it holds cannot be read: {}", job.node, text_of(held.error()));
    return;
  }
  auto why = "node " + job.node + " has been lost for too long";
  if (held->unsafe > 0)
    tell(self, job.head, severity::warning,
         why + ": " + std::to_string(held->unsafe) +
             " aggregations in its cache are read from the sources again");
  for (auto id : held->unsafe_first) {
    self->send(job.scheduler, lost_atom_v, id);
    self->send(job.director, lost_atom_v, id, why);
  }
  if (!held->safe_first.empty())
    self->request(job.head, defaults::catalogue_timeout, evicted_atom_v, held->safe_first, job.node)
        .then([](bool) {}, log_error("node " + job.node + ": its cache"));
}

caf::expected<node_holdings> holdings_of(catalogue_store& store, const std::string& node) {
  node_holdings all;
  auto error = store.view()->each_cached([&](const aggregation_record& record) {
    if (record.node != node) return true;
    bool safe = record.state == state::cached_synced;
    if (!safe) ++all.unsafe;
    auto& list = safe ? all.safe_first : all.unsafe_first;
    if (list.size() < max_given_up) list.push_back(record.id);
    return true;
  });
  if (error) return error;
  return all;
}

caf::expected<std::vector<std::string>> known_nodes(catalogue_store& store) {
  std::set<std::string> names;
  auto view = store.view();
  auto error = view->each_cached([&](const aggregation_record& record) {
    if (!record.node.empty()) names.insert(record.node);
    return true;
  });
  if (error) return error;
  auto volumes = view->volumes();
  if (!volumes) return volumes.error();
  for (auto& volume : *volumes)
    if (!volume.node.empty()) names.insert(volume.node);
  return std::vector<std::string>(names.begin(), names.end());
}

}  // namespace et::cluster
