#include "actors/cache_keeper.hpp"

#include "actors/actor_base.hpp"
#include "actors/defaults.hpp"
#include "actors/node_roster.hpp"

namespace et {

namespace {

using self_pointer = cache_keeper_actor::stateful_pointer<cache_keeper_state>;

constexpr auto tick_period = std::chrono::seconds{1};

void go_on(self_pointer self);

void alert(self_pointer self, severity level, std::string text) {
  alert_record draft;
  draft.level = level;
  draft.text = std::move(text);
  self->send(self->state.actors->head, alert_atom_v, std::move(draft));
}

caf::error given_up() {
  return fail(errc::cancelled, "the batch is given up");
}

/// Deletes files that the catalogue does not count on any more.
void delete_file(self_pointer self, aggregation_id id) {
  self->state.files.erase(id);
  self->request(self->state.actors->cache_readers[0], defaults::catalogue_timeout, forget_atom_v,
                id, uint64_t{0})
      .then(
          [=](bool) {
            self->state.ledger->remove(id);
            go_on(self);
          },
          [=](const caf::error& error) {
            spdlog::error("cache: cannot delete aggregation {}: {}", to_string(id), text_of(error));
            self->state.ledger->remove(id);
          });
}

/// First SYNCED in the catalogue, then the file goes: never the other way round.
void evict(self_pointer self, uint64_t needed_bytes) {
  auto& state = self->state;
  auto picked =
      state.ledger->pick_evictions(state.clock->now_ns(), state.options.retention_ns, needed_bytes);
  if (picked.empty()) return;
  self->request(state.actors->head, defaults::catalogue_timeout, evicted_atom_v, picked,
                state.actors->node)
      .then(
          [=](bool) {
            spdlog::info("cache: {} aggregations leave, they are on tape", picked.size());
            for (auto id : picked) delete_file(self, id);
          },
          [=](const caf::error& error) {
            spdlog::error("cache: eviction: {}", text_of(error));
            for (auto id : picked) self->state.ledger->keep(id);
          });
}

void tell_evicted(self_pointer self, aggregation_id id) {
  self->request(self->state.actors->head, defaults::catalogue_timeout, evicted_atom_v,
                std::vector<aggregation_id>{id}, self->state.actors->node)
      .then([](bool) {},
            [=](const caf::error& error) {
              spdlog::error("cache: aggregation {} is gone, the catalogue does not know: {}",
                            to_string(id), text_of(error));
            });
}

/// Sets room aside; nullopt while there is none, and eviction is under way.
std::optional<reservation_id> find_room(self_pointer self, uint64_t size_bytes) {
  auto& state = self->state;
  auto on_disk = state.store->free_bytes();
  auto promised = state.ledger->reserved_bytes() + state.options.reserve_bytes + size_bytes;
  bool disk_full = on_disk && *on_disk < promised;
  if (!disk_full)
    if (auto reservation = state.ledger->reserve(size_bytes)) {
      return reservation;
    }
  if (!state.full) {
    state.full = true;
    spdlog::warn("cache: full ({} bytes asked for, {} held, {} reserved, {} free on disk)",
                 size_bytes, state.ledger->file_bytes(), state.ledger->reserved_bytes(),
                 on_disk ? *on_disk : 0);
    alert(self, severity::warning,
          "cache: full, batches wait until aggregations on tape have left it");
  }
  // With a full disk below the ledger's capacity, ask for what the ledger calls free and more.
  evict(self, disk_full ? state.ledger->free_bytes() + size_bytes : size_bytes);
  return std::nullopt;
}

using writer_name = cache_keeper_state::writer_name;

/// The writers that can read the sources of a job; none: their node is lost.
std::vector<cache_writer_actor> writers_of(const cache_keeper_state& state,
                                           const std::string& reader) {
  if (reader.empty()) return state.actors->writers;
  auto node = state.actors->nodes->find(reader);
  return node && node->up ? node->writers : std::vector<cache_writer_actor>{};
}

std::optional<writer_name> free_writer(const cache_keeper_state& state, const std::string& reader) {
  auto writers = writers_of(state, reader);
  for (uint32_t i = 0; i < writers.size(); ++i)
    if (!state.working.count({reader, i})) return writer_name{reader, i};
  return std::nullopt;
}

/// Asks a writer for an aggregation, into the cache of this node.
auto ask_writer(self_pointer self, const writer_name& writer, cache_job job) {
  auto& actors = *self->state.actors;
  auto& [node, number] = writer;
  auto whom = writers_of(self->state, node)[number];
  if (node.empty())
    return self->request(whom, defaults::cache_write_timeout, write_atom_v, std::move(job));
  auto& receiver = actors.receivers[number % actors.receivers.size()];
  return self->request(whom, defaults::cache_write_timeout, write_atom_v, std::move(job),
                       caf::actor_cast<caf::strong_actor_ptr>(receiver));
}

void run_job(self_pointer self, writer_name writer, reservation_id room,
             cache_keeper_state::waiting_job next) {
  auto& state = self->state;
  auto id = next.job.aggregation.id;
  state.working[writer] = id.batch;
  if (writer.first.empty()) state.controls[writer.second]->cancel = false;
  auto promise = next.promise;
  ask_writer(self, writer, std::move(next.job))
      .then(
          [=](cached_aggregation& cached) mutable {
            forget_timeout(self);
            auto& mine = self->state;
            mine.working.erase(writer);
            bool wanted = mine.given_up.erase(writer) == 0;
            if (cached.size_bytes == 0) {
              mine.ledger->release(room);
            } else {
              mine.ledger->remove(id);  // an older copy that is made again
              mine.ledger->commit(room, id, cached.size_bytes);
              mine.files.insert(id);
              cached.node = mine.actors->node;
              // It was finished before its writer saw that it should stop.
              if (!wanted) delete_file(self, id);
            }
            if (wanted)
              promise.deliver(std::move(cached));
            else
              promise.deliver(given_up());
            go_on(self);
          },
          [=](const caf::error& error) mutable {
            forget_timeout(self);
            self->state.working.erase(writer);
            self->state.given_up.erase(writer);
            self->state.ledger->release(room);
            promise.deliver(error);
            go_on(self);
          });
}

void go_on(self_pointer self) {
  auto& state = self->state;
  while (!state.rooms.empty()) {
    auto room = find_room(self, state.rooms.front().size_bytes);
    if (!room) break;
    state.lent_rooms.insert(*room);
    state.rooms.front().promise.deliver(room->value);
    state.rooms.pop_front();
  }
  // Jobs that another node reads do not wait behind those that this one does.
  for (auto i = state.jobs.begin(); i != state.jobs.end();) {
    auto writer = free_writer(state, i->job.reader);
    if (!writer) {
      if (state.actors->nodes->all().size() <= 1) break;
      ++i;
      continue;
    }
    auto room = find_room(self, max_aggregation_bytes(i->job.entries));
    if (!room) break;
    auto next = std::move(*i);
    i = state.jobs.erase(i);
    run_job(self, *writer, *room, std::move(next));
  }
  // Not with the first room that somebody gets: a long batch would announce each.
  if (state.full && state.jobs.empty() && state.rooms.empty()) {
    state.full = false;
    alert(self, severity::info, "cache: there is room again");
  }
}

void forget_batch(self_pointer self, batch_id batch, bool safe_too) {
  auto& state = self->state;
  for (auto i = state.jobs.begin(); i != state.jobs.end();) {
    if (i->job.batch.id == batch) {
      i->promise.deliver(given_up());
      i = state.jobs.erase(i);
    } else {
      ++i;
    }
  }
  for (auto& [writer, working] : state.working) {
    if (working != batch) continue;
    if (writer.first.empty()) state.controls[writer.second]->cancel = true;
    state.given_up.insert(writer);
  }
  std::vector<aggregation_id> gone;
  for (auto i = state.files.lower_bound({batch, 0}); i != state.files.end() && i->batch == batch;
       ++i)
    if (safe_too || !state.ledger->is_safe(*i)) gone.push_back(*i);
  for (auto id : gone) delete_file(self, id);
  go_on(self);
}

report cache_report(const cache_keeper_state& state) {
  auto& ledger = *state.ledger;
  auto on_disk = state.store->free_bytes();
  return {"cache",
          state.store->folder().string(),
          {{"capacity bytes", std::to_string(ledger.capacity_bytes())},
           {"held bytes", std::to_string(ledger.file_bytes())},
           {"reserved bytes", std::to_string(ledger.reserved_bytes())},
           {"leaving bytes", std::to_string(ledger.leaving_bytes())},
           {"aggregations", std::to_string(ledger.files())},
           {"free on disk bytes", std::to_string(on_disk ? *on_disk : 0)},
           {"state", state.full ? "full" : "has room"}}};
}

std::vector<report> reports(self_pointer self) {
  auto& state = self->state;
  return {report_of(self, "cache_keeper"),
          cache_report(state),
          {"queue",
           "cache writers",
           {{"length", std::to_string(state.jobs.size())},
            {"at work", std::to_string(state.working.size())},
            {"recalls waiting for room", std::to_string(state.rooms.size())}}}};
}

keeper_facts facts_of(const cache_keeper_state& state) {
  auto& ledger = *state.ledger;
  auto now_ns = state.clock->now_ns();
  auto waited_ms = [&](const auto& queue) {
    return queue.empty() ? 0 : (now_ns - queue.front().since_ns) / 1'000'000;
  };
  queue_facts jobs{"cache", state.jobs.size(), 0, waited_ms(state.jobs)};
  for (auto& one : state.jobs) jobs.waiting_bytes += one.job.aggregation.content_bytes;
  queue_facts rooms{"recall room", state.rooms.size(), 0, waited_ms(state.rooms)};
  for (auto& one : state.rooms) rooms.waiting_bytes += one.size_bytes;
  return {state.actors->node,
          ledger.capacity_bytes(),
          ledger.file_bytes(),
          ledger.reserved_bytes(),
          ledger.unsafe_bytes(),
          ledger.bounds().high_bytes,
          ledger.bounds().low_bytes,
          ledger.files(),
          state.full,
          {std::move(jobs), std::move(rooms)}};
}

/// The head is gone, and with it everybody who waits for something here.
void abandon(self_pointer self) {
  auto& state = self->state;
  auto gone = fail(errc::unavailable, "the head is gone");
  for (auto& one : std::exchange(state.jobs, {})) one.promise.deliver(gone);
  for (auto& one : std::exchange(state.rooms, {})) one.promise.deliver(gone);
  for (auto& [writer, working] : state.working) {
    if (writer.first.empty()) state.controls[writer.second]->cancel = true;
    state.given_up.insert(writer);
  }
  for (auto room : std::exchange(state.lent_rooms, {})) state.ledger->release(room);
  for (auto id : state.files) {
    while (state.ledger->unpin(id)) {
    }
  }
  state.full = false;
}

std::vector<held_file> held_behind(const cache_keeper_state& state, aggregation_id after) {
  std::vector<held_file> page;
  for (auto i = state.files.upper_bound(after);
       i != state.files.end() && page.size() < defaults::page_rows; ++i)
    page.push_back({*i, state.ledger->size_bytes(*i)});
  return page;
}

void take_verdicts(self_pointer self, const std::vector<held_file>& judged) {
  auto& state = self->state;
  for (auto& one : judged) {
    if (!state.files.count(one.id)) continue;
    if (one.verdict == held_file::verdict_type::safe) {
      state.ledger->mark_safe(one.id, state.clock->now_ns());
    } else if (one.verdict == held_file::verdict_type::nobody) {
      spdlog::info("cache: aggregation {} is nobody's, deleted", to_string(one.id));
      delete_file(self, one.id);
    }
  }
}

caf::typed_response_promise<cached_aggregation> queue_job(self_pointer self, const cache_job& job) {
  auto promise = self->make_response_promise<cached_aggregation>();
  auto& ledger = *self->state.ledger;
  auto needed_bytes = max_aggregation_bytes(job.entries);
  if (needed_bytes > ledger.capacity_bytes()) {
    promise.deliver(fail(errc::no_space,
                         "aggregation " + to_string(job.aggregation.id) + " needs " +
                             std::to_string(needed_bytes) + " bytes, the whole cache has " +
                             std::to_string(ledger.capacity_bytes()) + "; make the cache larger"));
    return promise;
  }
  self->state.jobs.push_back({job, self->state.clock->now_ns(), promise});
  go_on(self);
  return promise;
}

}  // namespace

cache_keeper_actor::behavior_type cache_keeper(
    self_pointer self, actors_ptr actors, cache_store* store, const wall_clock* clock,
    cache_options options, std::vector<std::shared_ptr<writer_control>> controls,
    std::vector<kept_file> found) {
  guard(self);
  auto& state = self->state;
  state.options = options;
  state.store = store;
  state.clock = clock;
  state.actors = std::move(actors);
  state.controls = std::move(controls);
  state.ledger = std::make_unique<cache_ledger>(options.ledger);
  for (auto& file : found) {
    state.ledger->add(file.id, file.size_bytes);
    state.files.insert(file.id);
    if (file.safe) state.ledger->mark_safe(file.id, clock->now_ns());
  }
  self->delayed_send(self, tick_period, tick_atom_v);
  return {
      [=](report_atom) -> caf::result<std::vector<report>> { return reports(self); },
      [=](observe_atom) -> caf::result<keeper_facts> { return facts_of(self->state); },
      [=](cached_atom, const cache_job& job) -> caf::result<cached_aggregation> {
        return queue_job(self, job);
      },
      [=](reserve_atom, uint64_t size_bytes) -> caf::result<uint64_t> {
        if (size_bytes > self->state.ledger->capacity_bytes())
          return fail(errc::no_space, "a recall of " + std::to_string(size_bytes) +
                                          " bytes is larger than the cache");
        auto promise = self->make_response_promise<uint64_t>();
        self->state.rooms.push_back({size_bytes, self->state.clock->now_ns(), promise});
        go_on(self);
        return promise;
      },
      [=](release_atom, uint64_t room) {
        self->state.lent_rooms.erase(reservation_id{room});
        self->state.ledger->release(reservation_id{room});
        go_on(self);
      },
      [=](keep_atom, uint64_t room, aggregation_id id, uint64_t size_bytes) {
        self->state.lent_rooms.erase(reservation_id{room});
        if (self->state.ledger->commit(reservation_id{room}, id, size_bytes)) {
          self->state.files.insert(id);
          self->state.ledger->mark_safe(id, self->state.clock->now_ns());
        } else {
          self->state.ledger->release(reservation_id{room});
          // It came back while its old copy was on its way out, and goes with that one; the
          // catalogue had just been told that it is here.
          if (self->state.ledger->is_leaving(id)) tell_evicted(self, id);
        }
      },
      [=](safe_atom, const std::vector<aggregation_id>& ids) {
        for (auto id : ids) self->state.ledger->mark_safe(id, self->state.clock->now_ns());
        go_on(self);
      },
      [=](pin_atom, aggregation_id id) -> caf::result<bool> { return self->state.ledger->pin(id); },
      [=](unpin_atom, aggregation_id id) {
        self->state.ledger->unpin(id);
        go_on(self);
      },
      [=](held_atom, aggregation_id after) -> caf::result<std::vector<held_file>> {
        return held_behind(self->state, after);
      },
      [=](judged_atom, const std::vector<held_file>& judged) -> caf::result<bool> {
        take_verdicts(self, judged);
        go_on(self);
        return true;
      },
      [=](abandon_atom) -> caf::result<bool> {
        abandon(self);
        return true;
      },
      [=](forget_atom, batch_id batch, bool safe_too) { forget_batch(self, batch, safe_too); },
      [=](tick_atom) {
        evict(self, 0);
        go_on(self);
        self->delayed_send(self, tick_period, tick_atom_v);
      },
  };
}

}  // namespace et
