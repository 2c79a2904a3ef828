#include "actors/registrar.hpp"

#include <algorithm>

#include "actors/actor_base.hpp"
#include "actors/defaults.hpp"
#include "actors/metrics.hpp"
#include "storage/os/clock.hpp"

namespace et {

namespace {

/// Keys deleted in one step, so that other requests get their turn.
constexpr size_t purge_step_files = 20'000;
/// Audit records forgotten in one step, and how often is looked for them.
constexpr size_t forget_step_records = 2'000;
constexpr auto forget_period = std::chrono::hours{1};

}  // namespace

bool beneath(const std::string& path, const std::string& root) {
  if (root == "/") return true;
  return path.size() > root.size() && path.compare(0, root.size(), root) == 0 &&
         path[root.size()] == '/';
}

std::string path_fault(const std::string& path) {
  if (path.empty() || path.front() != '/') return "the path is not absolute";
  size_t begin = 1;
  while (begin <= path.size()) {
    auto end = path.find('/', begin);
    if (end == std::string::npos) end = path.size();
    std::string_view part{path.data() + begin, end - begin};
    if (part.empty() || part == "." || part == "..")
      return "the path has an empty, `.` or `..` part";
    begin = end + 1;
  }
  return {};
}

caf::expected<std::vector<entry_error>> registrar_state::add_chunk(batch_id id,
                                                                   const packed_page& page) {
  auto found = uploads.find(id);
  if (found == uploads.end()) return fail(errc::not_found, "this upload is not open any more");
  auto entries = unpack_entries(page);
  if (!entries) return entries.error();
  std::vector<entry_error> refused;
  std::vector<file_entry> good;
  std::vector<uint32_t> index;
  auto roots = found->second.roots;
  auto rooted = [&](const std::string& path) {
    for (auto& root : roots)
      if (beneath(path, root)) return true;
    return false;
  };
  for (uint32_t i = 0; i < entries->size(); ++i) {
    auto& entry = (*entries)[i];
    if (auto fault = path_fault(entry.path); !fault.empty()) {
      refused.push_back({i, errc::invalid_argument, fault});
    } else if (!rooted(entry.path)) {
      refused.push_back({i, errc::not_authorised, "outside the workspace's roots"});
    } else if (entry.size_bytes > max_file_bytes) {
      refused.push_back(
          {i, errc::invalid_argument,
           "larger than the maximum of " + std::to_string(max_file_bytes) + " bytes"});
    } else {
      if (!refused.empty()) index.push_back(i);
      good.push_back(std::move(entry));
    }
  }
  // `index` is only needed behind the first refused entry; before it, numbers are the same.
  auto offset = static_cast<uint32_t>(good.size() - index.size());
  auto added = store->add_files(id, good, found->second.rule);
  if (!added) return added.error();
  for (auto& error : *added) {
    if (error.index >= offset) error.index = index[error.index - offset];
    refused.push_back(std::move(error));
  }
  std::sort(refused.begin(), refused.end(),
            [](const entry_error& a, const entry_error& b) { return a.index < b.index; });
  return refused;
}

bool registrar_state::drop(batch_id id) {
  uploads.erase(id);
  // Marks it as going, so that its paths can be put again before its last key is deleted.
  auto marked = store->purge_batch(id, 0);
  if (!marked && code_of(marked.error()) == errc::invalid_argument) return false;
  purging.insert(id);
  if (!marked)
    spdlog::error("upload {}: cannot be dropped now: {}", id.value, text_of(marked.error()));
  return true;
}

bool registrar_state::purge_some() {
  if (purging.empty()) return false;
  auto id = *purging.begin();
  auto finished = store->purge_batch(id, purge_step_files);
  if (!finished && code_of(finished.error()) == errc::invalid_argument) {
    spdlog::warn("batch {}: its commit is in the catalogue although it failed", id.value);
    purging.erase(id);
    revived.push_back(id);
    return !purging.empty();
  }
  if (!finished) {
    spdlog::error("purge of batch {}: {}", id.value, text_of(finished.error()));
    return false;
  }
  if (*finished) {
    spdlog::debug("batch {}: its keys are deleted", id.value);
    purging.erase(id);
  }
  return !purging.empty();
}

bool registrar_state::forget_some(int64_t now_ns) {
  auto forgotten = store->forget_audits(now_ns - audit_age_ns, forget_step_records);
  if (forgotten) return *forgotten == forget_step_records;
  spdlog::error("audit: old records cannot be forgotten: {}", text_of(forgotten.error()));
  return false;
}

void registrar_state::drop_earlier(const batch_record& draft) {
  if (draft.request.empty()) return;
  std::vector<batch_id> earlier;
  for (auto& [id, one] : uploads)
    if (one.request == draft.request && one.requester == draft.requester) earlier.push_back(id);
  for (auto id : earlier) {
    spdlog::info("upload {}: its client begins it anew, forgotten", id.value);
    drop(id);
  }
}

void registrar_state::owner_down(const caf::actor_addr& owner) {
  std::vector<batch_id> left;
  for (auto& [id, one] : uploads)
    if (one.owner == owner) left.push_back(id);
  for (auto id : left) {
    spdlog::info("upload {}: its session has ended, forgotten", id.value);
    drop(id);
  }
}

namespace {

using self_pointer = registrar_pointer;

/// What was written, or why not, as the answer: when the standby has it too.
template <class T>
caf::result<T> answer(self_pointer self, caf::expected<T> value,
                      std::function<void(const T&)> then = {}) {
  auto& state = self->state;
  return state.gate.answer<T>(self, state.store->log(), std::move(value), std::move(then));
}

caf::result<bool> answer(self_pointer self, const caf::error& error) {
  return answer(self, error ? caf::expected<bool>{error} : caf::expected<bool>{true});
}

void ring_couriers(self_pointer self) {
  for (auto& entry : self->state.actors->couriers)
    if (!entry.rung->exchange(true)) self->send(entry.courier, alert_atom_v);
}

/// Lets out what views show now.
void open_gate(self_pointer self) {
  auto& state = self->state;
  auto& log = state.store->log();
  state.gate.open_to(log.shown());
  if (!state.alerts_held) return;
  state.alerts_held = log.shown() < log.sequence();
  ring_couriers(self);
}

void take_report(self_pointer self, const standby_report& told) {
  auto& state = self->state;
  auto& log = state.store->log();
  using kind = standby_report::kind_type;
  auto set = [&](standby_status::mode mode) {
    if (state.standby) state.standby->set(mode);
  };
  switch (told.kind) {
    case kind::acknowledged:
      log.acknowledge(told.sequence);
      break;
    case kind::hold:
      if (!log.holding()) log.hold(true);
      set(standby_status::mode::following);
      break;
    case kind::let_go:
      log.let_go();
      set(standby_status::mode::alone);
      break;
    case kind::told:
      break;
  }
  open_gate(self);
  if (told.text.empty()) return;
  spdlog::log(told.level == severity::error ? spdlog::level::err : spdlog::level::info, "alert: {}",
              told.text);
  alert_record draft;
  draft.level = told.level;
  draft.text = told.text;
  if (auto added = state.store->add_alert(draft); !added)
    spdlog::error("alert not recorded: {}: {}", told.text, text_of(added.error()));
}

/// One `wake` at most waits in the mailbox of `shipper`.
void attach(self_pointer self, const caf::strong_actor_ptr& shipper) {
  auto status = self->state.standby;
  if (!status) return;
  auto woken = caf::actor_cast<caf::actor>(shipper);
  self->state.store->log().on_write([woken, status](uint64_t sequence) {
    status->bell.sequence.store(sequence);
    if (!status->bell.rung.exchange(true)) caf::anon_send(woken, wake_atom_v);
  });
}

void start_purge(self_pointer self) {
  if (self->state.purging.empty() || self->state.purge_running) return;
  self->state.purge_running = true;
  self->send(self, purge_atom_v);
}

/// One step of what is deleted in the background.
void purge(self_pointer self) {
  auto& state = self->state;
  bool more = state.purge_some();
  for (auto id : std::exchange(state.revived, {}))
    self->send(state.actors->director, start_atom_v, id);
  auto now = std::chrono::steady_clock::now();
  if (now >= state.next_forget) {
    if (state.forget_some(system_clock().now_ns())) {
      more = true;
    } else {
      // A little less, so that the message that is meant for it is never too early.
      state.next_forget = now + forget_period - std::chrono::seconds{1};
      self->delayed_send(self, forget_period, purge_atom_v);
    }
  }
  if (more)
    self->send(self, purge_atom_v);
  else
    state.purge_running = false;
}

caf::result<batch_id> begin(self_pointer self, const batch_record& draft, held_rule rule) {
  auto workspace = self->state.store->view()->workspace(draft.workspace_name);
  if (!workspace) return workspace.error();
  if (!*workspace) return fail(errc::not_found, "there is no workspace " + draft.workspace_name);
  self->state.drop_earlier(draft);
  start_purge(self);
  auto id = self->state.store->begin_batch(draft);
  // That it is a batch already is told when views show that batch.
  if (!id) return answer(self, std::move(id));
  auto owner = caf::actor_cast<caf::actor_addr>(self->current_sender());
  if (self->current_sender()) self->monitor(owner);
  self->state.uploads[*id] = {owner, (*workspace)->roots, rule, draft.requester, draft.request};
  return *id;
}

caf::result<batch_record> commit(self_pointer self, batch_id id) {
  auto& state = self->state;
  if (!state.uploads.count(id)) return fail(errc::not_found, "this upload is not open any more");
  stopwatch watch;
  auto batch = state.store->commit_batch(id);
  // A record whose sync failed is in the log, and there again when the catalogue has been opened
  // anew: then it is a batch, and the client must not hear of another thing.
  if (!batch && !state.drop(id)) {
    auto found = state.store->view()->batch(id);
    if (found && *found) batch = std::move(**found);
  }
  if (!batch) {
    // A refused batch leaves nothing behind.
    spdlog::info("upload {}: not registered: {}", id.value, text_of(batch.error()));
    start_purge(self);
    return answer(self, std::move(batch));
  }
  auto& measures = *state.actors->measures;
  measures.commits.Observe(watch.seconds());
  measures.batch_event("committed");
  measures.registered_files.Increment(static_cast<double>(batch->files));
  measures.registered_bytes.Increment(static_cast<double>(batch->size_bytes));
  state.uploads.erase(id);
  spdlog::info("batch {} registered: workspace {}, user {}, {} files, {} bytes", id.value,
               batch->workspace_name, batch->requester, batch->files, batch->size_bytes);
  return answer<batch_record>(self, std::move(batch), [self, id](const batch_record&) {
    self->send(self->state.actors->director, start_atom_v, id);
  });
}

}  // namespace

gated_registrar_actor::behavior_type registrar(self_pointer self, catalogue_store* store,
                                               actors_ptr actors, uint64_t max_file_bytes,
                                               uint32_t audit_days) {
  guard(self);
  self->state.audit_age_ns = int64_t{audit_days} * 24 * 3600 * 1'000'000'000;
  self->state.store = store;
  self->state.actors = std::move(actors);
  self->state.max_file_bytes = max_file_bytes;
  store->on_alert([self](uint64_t) {
    self->state.alerts_held = self->state.store->log().holding();
    ring_couriers(self);
  });
  self->set_down_handler([self](caf::down_msg& down) {
    self->state.owner_down(down.source);
    start_purge(self);
  });
  if (auto left = store->view()->unfinished_removals(); left) {
    for (auto& batch : *left) {
      if (batch.phase == batch_phase::pending)
        spdlog::warn("restart: upload {} by {} was not committed and is forgotten", batch.id.value,
                     batch.requester);
      self->state.purging.insert(batch.id);
    }
  }
  self->state.purge_running = true;
  self->send(self, purge_atom_v);
  return {
      [=](report_atom) -> caf::result<std::vector<report>> {
        return std::vector<report>{report_of(
            self, "registrar",
            {{"uploads", std::to_string(self->state.uploads.size())},
             {"answers that wait for the standby", std::to_string(self->state.gate.size())},
             {"purging", std::to_string(self->state.purging.size())},
             {"catalogue bytes", std::to_string(store->disk_bytes())}})};
      },
      [=](put_begin_atom, const batch_record& draft, bool only_changed) {
        return begin(self, draft, only_changed ? held_rule::changed : held_rule::refuse);
      },
      [=](put_chunk_atom, batch_id id, const packed_page& page)
          -> caf::result<std::vector<entry_error>> { return self->state.add_chunk(id, page); },
      [=](put_commit_atom, batch_id id) { return commit(self, id); },
      [=](put_drop_atom, batch_id id) -> caf::result<bool> {
        if (!self->state.uploads.count(id)) return false;
        self->state.drop(id);
        start_purge(self);
        return true;
      },
      [=](plan_atom, batch_id id, const std::vector<aggregation_record>& planned, bool last) {
        return answer(self, store->add_aggregations(id, planned, last));
      },
      [=](cached_atom, const cached_aggregation& cached) -> caf::result<aggregation_record> {
        return answer(self, store->record_cached(cached));
      },
      [=](written_atom, const std::vector<written_aggregation>& written,
          const volume_record& volume) -> caf::result<std::vector<aggregation_record>> {
        return answer(self, store->record_written(written, volume));
      },
      [=](lost_atom, aggregation_id id) { return answer(self, store->record_cache_lost(id)); },
      [=](evicted_atom, const std::vector<aggregation_id>& ids, const std::string& node) {
        return answer(self, store->record_evicted(ids, node));
      },
      [=](recalled_atom, aggregation_id id, const std::string& node) {
        return answer(self, store->record_recalled(id, node));
      },
      [=](volume_atom, const volume_record& volume, const std::string& why) {
        return answer(self, store->put_volume(volume, why));
      },
      [=](cancel_atom, batch_id id, const std::string& by) -> caf::result<batch_record> {
        auto cancelled = store->cancel_batch(id, by);
        if (!cancelled) return answer(self, std::move(cancelled));
        self->state.actors->measures->batch_event("cancelled");
        spdlog::info("batch {} cancelled by {}: {} of {} files are not safe", id.value, by,
                     cancelled->failed_files, cancelled->files);
        return answer(self, std::move(cancelled));
      },
      [=](remove_atom, batch_id id) -> caf::result<batch_record> {
        auto removed = store->remove_batch(id);
        if (!removed) return answer(self, std::move(removed));
        self->state.actors->measures->batch_event("removed");
        spdlog::info("batch {} removed: {} files, {} bytes given back", id.value, removed->files,
                     removed->size_bytes);
        self->state.purging.insert(id);
        start_purge(self);
        return answer(self, std::move(removed));
      },
      [=](purge_atom) { purge(self); },
      [=](admin_add_atom, const workspace_record& record) -> caf::result<workspace_record> {
        return answer(self, store->add_workspace(record));
      },
      [=](admin_set_atom, const workspace_record& record) -> caf::result<workspace_record> {
        return answer(self, store->set_workspace(record));
      },
      [=](admin_remove_atom, const std::string& workspace) {
        return answer(self, store->remove_workspace(workspace));
      },
      [=](alert_atom, const alert_record& draft) -> caf::result<alert_record> {
        return answer(self, store->add_alert(draft));
      },
      [=](delivered_atom, const std::string& target, uint64_t number) {
        if (auto error = store->record_delivered(target, number))
          spdlog::error("alerts to {}: {} is delivered, not recorded: {}", target, number,
                        text_of(error));
      },
      [=](get_begin_atom, const retrieval_record& draft) -> caf::result<retrieval_record> {
        auto begun = store->begin_retrieval(draft);
        if (begun) self->state.actors->measures->retrievals.Increment();
        return answer(self, std::move(begun));
      },
      [=](get_end_atom, const retrieval_record& ended) {
        return answer(self, store->end_retrieval(ended));
      },
      [=](token_add_atom, const token_record& draft) -> caf::result<token_record> {
        return answer(self, store->add_token(draft, defaults::max_tokens_per_user));
      },
      [=](token_remove_atom, uint64_t id) -> caf::result<token_record> {
        return answer(self, store->remove_token(id));
      },
      [=](audit_atom, const audit_record& draft) {
        if (auto added = store->add_audit(draft); !added)
          spdlog::error("audit: {} of {} could not be recorded: {}", draft.action, draft.user,
                        text_of(added.error()));
      },
      [=](gate_atom, const standby_report& told) { take_report(self, told); },
      [=](attach_atom, const caf::strong_actor_ptr& shipper) { attach(self, shipper); },
  };
}

gated_registrar_actor::behavior_type registrar_with_standby(
    self_pointer self, catalogue_store* store, actors_ptr actors, uint64_t max_file_bytes,
    uint32_t audit_days, std::shared_ptr<standby_status> status) {
  self->state.standby = std::move(status);
  return registrar(self, store, std::move(actors), max_file_bytes, audit_days);
}

}  // namespace et
