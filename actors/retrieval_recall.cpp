// A part of a retrieval on its way: out of a cache, or from tape into one.
#include <atomic>

#include "actors/actor_base.hpp"
#include "actors/defaults.hpp"
#include "actors/node_roster.hpp"
#include "actors/retrieval_parts.hpp"

namespace et::retrieving {

namespace {

/// Recalls are numbered over the whole service; the number names files of this run only.
std::atomic<uint64_t> last_recall{0};

void pin_or_recall(self_pointer self, uint64_t number, bool may_recall);
void read_record(self_pointer self, uint64_t number);

/// Gives room back that was reserved for a part.
void give_room_back(self_pointer self, const std::string& name, uint64_t room) {
  auto node = self->state.actors->nodes->find(name);
  if (node && node->keeper && room != 0) self->send(node->keeper, release_atom_v, room);
}

/// Whether a part whose recall failed can be had in another way, which is set then.
bool other_way(self_pointer self, part& one, const recall_outcome& outcome) {
  bool unreadable = outcome.code == errc::medium_error || outcome.code == errc::corrupt;
  std::string how;
  if (outcome.code == errc::already_exists && !one.ranges_only) {
    one.ranges_only = true;
    how = "another retrieval brings it back whole, reading only the ranges";
  } else if (one.copy + 1 < one.record.copies.size()) {
    ++one.copy;
    how = "trying its next copy";
  } else if (unreadable && !one.salvage) {
    one.copy = 0;
    one.salvage = one.ranges_only = true;
    how = "bringing back what can be read";
  } else {
    return false;
  }
  spdlog::warn("retrieval {}: aggregation {}: {}; {}", self->state.record.id.value,
               to_string(one.aggregation), outcome.text, how);
  return true;
}

void recall_done(self_pointer self, uint64_t number, const recall_outcome& outcome) {
  auto one = find_part(self, number);
  if (!one) return;
  auto& actors = *self->state.actors;
  if (outcome.code != errc::none) {
    give_room_back(self, one->node, one->room);
    one->room = one->recall = 0;
    if (outcome.code == errc::node_lost && one->copy + 1 >= one->record.copies.size()) {
      wait_for_node(self, number, outcome.text);
      return;
    }
    if (!other_way(self, *one, outcome)) {
      part_failed(self, number, outcome.code, outcome.text);
      return;
    }
    one->state = part_state::queued;
    go_on(self);
    return;
  }
  spdlog::info("retrieval {}: aggregation {} recalled, {} bytes read from tape",
               self->state.record.id.value, to_string(one->aggregation), outcome.read_bytes);
  if (!outcome.whole) {
    part_ready(self, number);
    return;
  }
  auto room = one->room;
  auto size_bytes = one->record.size_bytes;
  auto id = one->aggregation;
  auto name = one->node;
  one->room = 0;
  self->request(actors.registrar, defaults::catalogue_timeout, recalled_atom_v, id, name)
      .then(
          [=](bool) {
            auto node = self->state.actors->nodes->find(name);
            if (node && node->keeper) self->send(node->keeper, keep_atom_v, room, id, size_bytes);
            pin_or_recall(self, number, false);
          },
          [=](const caf::error& error) {
            give_room_back(self, name, room);
            part_failed(self, number, code_of(error), text_of(error));
          });
}

/// Makes room in the cache of the node whose drives can read the volume, and reads it there.
void reserve_and_recall(self_pointer self, uint64_t number, recall_job job, uint64_t needed_bytes) {
  auto failed = [=](const caf::error& error) {
    recall_outcome none;
    none.code = code_of(error);
    none.text = text_of(error);
    recall_done(self, number, none);
  };
  auto run = [=](const std::string& name, uint64_t room) {
    auto mine = find_part(self, number);
    if (!mine) return give_room_back(self, name, room);
    mine->room = room;
    mine->recall = job.whole ? 0 : job.number;
    self->request(self->state.actors->scheduler, defaults::drive_timeout, recall_atom_v, job)
        .then([=](const recall_outcome& outcome) { recall_done(self, number, outcome); }, failed);
  };
  self->request(self->state.actors->scheduler, defaults::request_timeout, place_atom_v,
                job.copy.volume)
      .then(
          [=](const std::string& name) {
            auto node = self->state.actors->nodes->find(name);
            auto mine = find_part(self, number);
            if (!mine) return;
            if (!node || !node->keeper)
              return failed(fail(errc::node_lost, "node " + name + " has no cache"));
            mine->node = name;
            self->request(node->keeper, defaults::drive_timeout, reserve_atom_v, needed_bytes)
                .then([=](uint64_t room) { run(name, room); }, failed);
          },
          failed);
}

void recall(self_pointer self, uint64_t number) {
  auto one = find_part(self, number);
  if (!one) return;
  if (one->record.copies.empty()) {
    part_failed(self, number, errc::not_found, "not archived yet");
    return;
  }
  recall_job job;
  job.aggregation = one->record;
  job.copy = one->record.copies[one->copy];
  job.whole = !one->ranges_only && one->whole_is_cheaper(job.copy);
  job.salvage = one->salvage;
  job.number = ++last_recall;
  uint64_t needed_bytes = 0;
  for (auto& range : one->ranges) needed_bytes += range.end_bytes - range.begin_bytes;
  if (job.whole)
    needed_bytes = one->record.size_bytes;
  else
    job.ranges = one->ranges;
  reserve_and_recall(self, number, std::move(job), needed_bytes);
}

void read_record(self_pointer self, uint64_t number) {
  auto one = find_part(self, number);
  if (!one) return;
  self->request(self->state.actors->reader(number), defaults::catalogue_timeout, aggregation_atom_v,
                one->aggregation)
      .then(
          [=](aggregation_record& record) {
            auto mine = find_part(self, number);
            if (!mine) return;
            mine->record = std::move(record);
            pin_or_recall(self, number, true);
          },
          [=](const caf::error& error) {
            part_failed(self, number, code_of(error), text_of(error));
          });
}

/// An aggregation that was recalled while its old copy was leaving the cache goes with that one.
/// The ranges that are wanted come from tape once more, without a place in the cache.
void read_past_cache(self_pointer self, uint64_t number) {
  auto one = find_part(self, number);
  if (!one) return;
  one->ranges_only = true;
  recall(self, number);
}

/// What a cache has is read from there, all else comes from tape.
void pin_or_recall(self_pointer self, uint64_t number, bool may_recall) {
  auto one = find_part(self, number);
  if (!one) return;
  auto& record = one->record;
  bool cached = record.state == state::cached || record.state == state::cached_synced;
  auto begin_recall = [=] {
    auto mine = find_part(self, number);
    if (!mine) return;
    mine->state = part_state::recalling;
    recall(self, number);
  };
  if (may_recall)
    one->node = cached && !record.node.empty() ? record.node : self->state.actors->node;
  auto node = self->state.actors->nodes->find(one->node);
  if (!node || !node->keeper) return begin_recall();
  self->request(node->keeper, defaults::request_timeout, pin_atom_v, one->aggregation)
      .then(
          [=](bool pinned) {
            auto mine = find_part(self, number);
            if (!mine) return;
            mine->pinned = pinned;
            if (pinned)
              part_ready(self, number);
            else if (may_recall)
              begin_recall();
            else
              read_past_cache(self, number);
          },
          [=](const caf::error& error) {
            auto mine = find_part(self, number);
            if (!mine) return;
            if (code_of(error) != errc::node_lost)
              part_failed(self, number, code_of(error), text_of(error));
            else if (mine->record.copies.empty())
              wait_for_node(self, number, text_of(error));
            else
              begin_recall();
          });
}

}  // namespace

void wait_for_node(self_pointer self, uint64_t number, const std::string& text) {
  auto one = find_part(self, number);
  if (!one) return;
  one->text = text;
  one->copy = 0;
  one->state = part_state::away;
  self->delayed_send(self, defaults::retry_delay, tick_atom_v, number);
}

/// A batch of another workspace is as good as none.
void resolve(self_pointer self, uint64_t number) {
  auto one = find_part(self, number);
  one->state = part_state::resolving;
  auto batch = one->aggregation.batch;
  if (self->state.allowed.count(batch)) {
    read_record(self, number);
    return;
  }
  self->request(self->state.actors->reader(number), defaults::catalogue_timeout, batch_atom_v,
                batch)
      .then(
          [=](const batch_record& record) {
            if (record.workspace != self->state.record.workspace) {
              part_failed(self, number, errc::not_found,
                          "there is no batch " + std::to_string(batch.value) + " in workspace " +
                              self->state.record.workspace_name);
              return;
            }
            self->state.allowed.insert(batch);
            read_record(self, number);
          },
          [=](const caf::error& error) {
            part_failed(self, number, code_of(error), text_of(error));
          });
}

}  // namespace et::retrieving
