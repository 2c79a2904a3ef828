#include "actors/batch_supervisor.hpp"

#include "actors/actor_base.hpp"
#include "actors/defaults.hpp"
#include "actors/node_roster.hpp"
#include "actors/placement.hpp"
#include "actors/watch.hpp"
#include "storage/cache/aggregation_builder.hpp"

namespace et {

std::vector<std::string> batch_supervisor_state::waits() const {
  std::vector<std::string> lines;
  if (!loaded || !batch.planned) lines.push_back("planning its aggregations");
  if (!caching.empty())
    lines.push_back(std::to_string(caching.size()) + " aggregations are being cached (" +
                    caching.begin()->second + ")");
  if (auto count = to_cache.size() + resting.size())
    lines.push_back(std::to_string(count) + " aggregations wait to be cached" +
                    (obstacle.empty() ? "" : ": " + obstacle));
  if (!at_tape.empty())
    lines.push_back(std::to_string(at_tape.size()) + " aggregations wait for tape");
  return lines;
}

namespace {

using self_pointer = batch_supervisor_actor::stateful_pointer<batch_supervisor_state>;

/// Aggregations waiting to be cached that are held at most; more stay in the catalogue.
constexpr size_t max_held = 256;

/// Attempts that fail in one look; the others have their turn in the next ones. Each reads the
/// aggregation's entries.
constexpr size_t max_failures = 16;

void go_on(self_pointer self);

/// One look a little later, however many want one: each look may fail for many, and would ask for
/// as many looks.
void look_later(self_pointer self) {
  if (std::exchange(self->state.looks_later, true)) return;
  self->delayed_send(self, defaults::retry_delay, tick_atom_v);
}

/// After an error: says it and looks again at the catalogue's picture a little later.
auto try_again(self_pointer self, std::string what) {
  return [=](const caf::error& error) {
    auto& state = self->state;
    state.busy_loading = state.busy_planning = state.busy_paging = false;
    ++state.retries;
    spdlog::warn("batch {}: {}: {}; trying again", state.batch.id.value, what, text_of(error));
    look_later(self);
  };
}

void load(self_pointer self) {
  auto& state = self->state;
  state.busy_loading = true;
  auto& reader = state.actors->reader(state.batch.id.value);
  self->request(reader, defaults::catalogue_timeout, batch_atom_v, state.batch.id)
      .then(
          [=](batch_record& batch) {
            self->state.batch = std::move(batch);
            auto& name = self->state.batch.workspace_name;
            self->request(self->state.actors->reader(0), defaults::catalogue_timeout,
                          list_workspaces_atom_v, name)
                .then(
                    [=](std::vector<workspace_record>& found) {
                      self->state.roots = found.front().roots;
                      self->state.loaded = true;
                      self->state.busy_loading = false;
                      go_on(self);
                    },
                    try_again(self, "reading its workspace"));
          },
          [=](const caf::error& error) {
            if (code_of(error) == errc::not_found) {
              self->quit(caf::exit_reason::user_shutdown);
            } else {
              try_again(self, "reading its record")(error);
            }
          });
}

void record_plan(self_pointer self, std::vector<aggregation_record> planned, bool last) {
  auto& state = self->state;
  self->request(state.actors->registrar, defaults::catalogue_timeout, plan_atom_v, state.batch.id,
                std::move(planned), last)
      .then(
          [=](bool) {
            auto& mine = self->state;
            mine.busy_planning = false;
            mine.batch.planned = last;
            mine.look_behind(mine.next_number);
            go_on(self);
          },
          [=](const caf::error& error) {
            // The planner has moved on already: begin again behind what is recorded.
            self->state.planner.reset();
            self->state.loaded = false;
            try_again(self, "recording its plan")(error);
          });
}

void plan(self_pointer self) {
  auto& state = self->state;
  state.busy_planning = true;
  self->request(state.actors->reader(state.batch.id.value), defaults::catalogue_timeout,
                entries_atom_v, state.batch.id, state.planned_to)
      .then(
          [=](const std::vector<file_entry>& page) {
            auto& mine = self->state;
            std::vector<aggregation_record> planned;
            for (auto& entry : page) mine.planner->add(entry, planned);
            bool last = page.size() < defaults::page_rows;
            if (last) mine.planner->finish(planned);
            if (!page.empty()) mine.planned_to = page.back().path;
            if (planned.empty() && !last) {
              plan(self);
              return;
            }
            record_plan(self, std::move(planned), last);
          },
          try_again(self, "reading its files"));
}

/// Finds where an earlier plan ended, then plans on.
void begin_plan(self_pointer self) {
  auto& state = self->state;
  state.busy_planning = true;
  auto number = state.batch.aggregations;
  auto make = [=](const std::string& behind) {
    auto& mine = self->state;
    mine.planned_to = behind;
    mine.planner =
        std::make_unique<aggregation_planner>(mine.batch.id, number + 1, mine.packing.target_bytes,
                                              defaults::max_files_per_aggregation, mine.roots);
    plan(self);
  };
  if (number == 0) {
    make({});
    return;
  }
  self->request(state.actors->reader(0), defaults::catalogue_timeout, aggregation_atom_v,
                aggregation_id{state.batch.id, number})
      .then([=](const aggregation_record& last) { make(last.last_path); },
            try_again(self, "reading its plan"));
}

void to_tape(self_pointer self, const aggregation_record& record) {
  auto& state = self->state;
  auto number = record.id.number;
  state.at_tape.insert(number);
  self->request(state.actors->scheduler, defaults::request_timeout, write_atom_v,
                tape_item{record, state.batch.workspace_name, state.batch.tag})
      .then([](bool) {},
            [=](const caf::error& error) {
              self->state.at_tape.erase(number);
              self->state.look_behind(number - 1);
              try_again(self, "queueing for tape")(error);
            });
}

void caching_failed(self_pointer self, const aggregation_record& record, const caf::error& error) {
  auto& state = self->state;
  state.caching.erase(record.id.number);
  state.resting[record.id.number] = record;
  // Of an end of the batch, or of a node that gave up what a head wanted that it had lost, also
  // when that was for an instant.
  bool given_up = code_of(error) == errc::cancelled;
  if (!given_up) {
    state.obstacle = text_of(error);
    ++state.retries;
    // Where a node is lost they fail by the hundred: the first is enough.
    spdlog::log(state.looks_later ? spdlog::level::debug : spdlog::level::warn,
                "batch {}: caching aggregation {}: {}; trying again", state.batch.id.value,
                to_string(record.id), state.obstacle);
  }
  look_later(self);
  // Others may lie where they can be cached.
  if (++state.failures < max_failures) go_on(self);
}

/// A copy that is not in the catalogue leaves the cache; those of others of the batch stay.
void drop_copy(self_pointer self, const std::string& name, const held_file& file) {
  auto node = self->state.actors->nodes->find(name);
  if (!node || !node->keeper) return;
  self->request(node->keeper, defaults::request_timeout, judged_atom_v,
                std::vector<held_file>{file})
      // It goes when its node joins again, or is replaced when it is made again there.
      .then([](bool) {},
            [=](const caf::error& error) {
              spdlog::warn("aggregation {}: its copy stays in the cache of node {}: {}",
                           to_string(file.id), name, text_of(error));
            });
}

void record_cached(self_pointer self, const aggregation_record& record, cached_aggregation cached) {
  self->state.caching[record.id.number] = "recording";
  auto node = cached.node;
  held_file file{cached.id, cached.size_bytes, held_file::verdict_type::nobody};
  self->request(self->state.actors->registrar, defaults::catalogue_timeout, cached_atom_v,
                std::move(cached))
      .then(
          [=](const aggregation_record& now) {
            self->state.caching.erase(now.id.number);
            self->state.obstacle.clear();
            spdlog::info("aggregation {} {}: {} files ({} failed), {} bytes", to_string(now.id),
                         to_string(now.state), now.files, now.failed_files, now.size_bytes);
            if (now.state == state::cached) to_tape(self, now);
            go_on(self);
          },
          [=](const caf::error& error) {
            drop_copy(self, node, file);
            caching_failed(self, record, error);
          });
}

std::optional<placement> choose_place(const batch_supervisor_state& state,
                                      const std::vector<file_entry>& entries, std::string& why) {
  std::vector<place_facts> facts;
  for (auto& node : state.actors->nodes->all()) {
    if (!node->up) continue;
    auto load = state.actors->nodes->load(node->name);
    facts.push_back({node->name, static_cast<bool>(node->keeper), !node->writers.empty(),
                     node->roots, load.free_bytes, load.jobs});
  }
  return place(facts, entries, max_aggregation_bytes(entries), why);
}

void start_caching(self_pointer self, const aggregation_record& record) {
  auto& state = self->state;
  auto id = record.id;
  state.caching[id.number] = "waiting for room or a free cache writer";
  self->request(state.actors->reader(id.number), defaults::catalogue_timeout, entries_atom_v,
                id.batch, record.first_path, record.last_path)
      .then(
          [=](std::vector<file_entry>& entries) {
            auto& mine = self->state;
            std::string why;
            auto where = choose_place(mine, entries, why);
            if (!where) {
              caching_failed(self, record, fail(errc::node_lost, why));
              return;
            }
            mine.caching[id.number] = "waiting for room or a free cache writer of " + where->cache;
            self->request(
                    mine.actors->nodes->find(where->cache)->keeper, defaults::cache_write_timeout,
                    cached_atom_v,
                    cache_job{record, mine.batch, mine.roots, std::move(entries), where->reader})
                .then(
                    [=](cached_aggregation& cached) {
                      record_cached(self, record, std::move(cached));
                    },
                    [=](const caf::error& error) { caching_failed(self, record, error); });
          },
          [=](const caf::error& error) { caching_failed(self, record, error); });
}

/// Takes the next aggregations out of the catalogue.
void page(self_pointer self) {
  auto& state = self->state;
  state.busy_paging = true;
  auto from = state.next_number;
  auto changes = state.changes;
  self->request(state.actors->reader(state.batch.id.value), defaults::catalogue_timeout,
                aggregations_atom_v, state.batch.id, state.next_number)
      .then(
          [=](const std::vector<aggregation_record>& records) {
            auto& mine = self->state;
            mine.busy_paging = false;
            // The catalogue may have been read before the change that was answered first.
            bool outdated = changes != mine.changes;
            if (outdated && (records.empty() || mine.next_number != from)) return go_on(self);
            for (auto& record : records) {
              auto number = record.id.number;
              mine.next_number = number;
              if (mine.caching.count(number) || mine.resting.count(number) ||
                  mine.at_tape.count(number))
                continue;
              if (record.state == state::registered) mine.to_cache[number] = record;
              if (record.state == state::cached) to_tape(self, record);
            }
            if (records.empty()) mine.all_seen = true;
            go_on(self);
          },
          try_again(self, "reading its aggregations"));
}

void go_on(self_pointer self) {
  auto& state = self->state;
  if (!state.loaded) {
    if (!state.busy_loading) load(self);
    return;
  }
  if (!state.batch.planned && !state.busy_planning) {
    if (state.planner)
      plan(self);
    else
      begin_plan(self);
  }
  while (!state.to_cache.empty() && state.caching.size() < defaults::max_caching_per_batch) {
    auto record = state.to_cache.begin()->second;
    state.to_cache.erase(state.to_cache.begin());
    start_caching(self, record);
  }
  auto held = state.to_cache.size() + state.resting.size();
  if (!state.all_seen && !state.busy_paging && held < max_held) page(self);
  if (state.finished()) self->send(state.actors->director, finished_atom_v, state.batch.id);
}

void make_again(self_pointer self, aggregation_id id, const std::string& text) {
  if (!self->state.at_tape.count(id.number)) return;
  spdlog::error("aggregation {}: its cache copy cannot be used, read again from the sources: {}",
                to_string(id), text);
  self->request(self->state.actors->registrar, defaults::catalogue_timeout, lost_atom_v, id)
      .then(
          [=](bool) {
            auto& state = self->state;
            state.at_tape.erase(id.number);
            state.look_behind(id.number - 1);
            go_on(self);
          },
          [=](const caf::error& error) {
            spdlog::error("aggregation {}: {}", to_string(id), text_of(error));
            self->delayed_send(self, defaults::retry_delay, lost_atom_v, id, text);
          });
}

}  // namespace

batch_supervisor_actor::behavior_type batch_supervisor(self_pointer self, batch_id id,
                                                       actors_ptr actors, packing_options packing,
                                                       caf::actor_addr owner) {
  guard(self);
  self->set_down_handler([=](caf::down_msg&) { self->quit(caf::exit_reason::user_shutdown); });
  if (!watch(self, owner)) self->quit(caf::exit_reason::user_shutdown);
  self->state.batch.id = id;
  self->state.actors = std::move(actors);
  self->state.packing = packing;
  return {
      [=](report_atom) -> caf::result<std::vector<report>> {
        auto& state = self->state;
        std::vector<fact> facts{{"workspace", state.batch.workspace_name},
                                {"files", std::to_string(state.batch.files)},
                                {"bytes", std::to_string(state.batch.size_bytes)},
                                {"aggregations seen", std::to_string(state.next_number)},
                                {"retries", std::to_string(state.retries)}};
        for (auto& line : state.waits()) facts.push_back({"waits", line});
        facts.push_back({"mailbox", std::to_string(self->mailbox().size())});
        return std::vector<report>{{"batch", std::to_string(id.value), std::move(facts)}};
      },
      [=](tick_atom) {
        auto& state = self->state;
        state.looks_later = false;
        state.failures = 0;
        if (state.to_cache.empty()) state.to_cache.swap(state.resting);
        if (!state.resting.empty()) look_later(self);
        go_on(self);
      },
      [=](safe_atom, const std::vector<aggregation_record>& records) {
        for (auto& record : records) {
          if (record.state == state::cached) continue;
          bool known = self->state.at_tape.erase(record.id.number) > 0;
          // What was written is of no use: the cache had lost it meanwhile.
          if (known && record.state == state::registered)
            self->state.look_behind(record.id.number - 1);
        }
        go_on(self);
      },
      [=](lost_atom, aggregation_id lost, const std::string& text) {
        make_again(self, lost, text);
      },
      [=](status_atom) -> caf::result<std::vector<std::string>> { return self->state.waits(); },
  };
}

}  // namespace et
