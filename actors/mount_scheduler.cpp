#include "actors/mount_scheduler.hpp"

#include "actors/actor_base.hpp"
#include "actors/defaults.hpp"
#include "actors/metrics.hpp"
#include "actors/node_roster.hpp"
#include "actors/scheduler_parts.hpp"
#include "actors/scheduler_reports.hpp"

namespace et {

std::string pool_of_copy(uint32_t number) {
  return number == 1 ? "archive" : "archive-" + std::to_string(number);
}

std::vector<std::string> mount_scheduler_state::missing_pools(
    const aggregation_record& record) const {
  std::vector<std::string> missing;
  for (uint32_t number = 1; number <= options.copies; ++number) {
    auto pool = pool_of_copy(number);
    bool held = false;
    for (auto& copy : record.copies) {
      auto volume = plan->volumes().find(copy.volume);
      held = held || (volume != plan->volumes().end() && volume->second.pool == pool);
    }
    if (!held) missing.push_back(std::move(pool));
  }
  return missing;
}

using namespace scheduling;

namespace {

/// Between attempts to record what was written.
constexpr std::chrono::milliseconds record_again_after{2000};

/// A drive that could not read another node's cache waits so long.
constexpr int64_t unreachable_rest_ms = 1000;

using then_function = std::function<void()>;
using failed_function = std::function<void(const caf::error&)>;

void drive_free(self_pointer self, uint32_t drive) {
  auto& slot = self->state.plan->drive(drive);
  slot.activity = drive_activity::idle;
  slot.pool.clear();
  slot.target.reset();
  slot.idle_since_ms = self->state.now_ms();
  go_on(self);
}

void requeue(self_pointer self, std::vector<queued_write> writes) {
  for (auto& write : writes) {
    ++write.tries;
    self->state.plan->add_write(std::move(write));
  }
}

/// After a failure the drive may be empty or not, and its cartridge loaded or not.
void dismount(self_pointer self, uint32_t drive, then_function done, failed_function told) {
  auto volume = self->state.plan->drive(drive).mounted;
  auto failed = [=](const caf::error& error) {
    self->state.plan->drive(drive).left_loaded = true;
    told(error);
  };
  self->request(drive_of(self, drive), defaults::library_timeout, dismount_atom_v)
      .then(
          [=](bool) {
            self->request(library_of(self, drive), defaults::library_timeout, dismount_atom_v,
                          self->state.plan->drive(drive).number)
                .then(
                    [=](bool) {
                      auto& slot = self->state.plan->drive(drive);
                      slot.mounted.reset();
                      slot.left_loaded = false;
                      spdlog::info("drive {}: dismounted {}", drive, volume ? volume->value : "");
                      done();
                    },
                    failed);
          },
          failed);
}

void mount_into_empty(self_pointer self, uint32_t drive, const barcode& id, then_function done,
                      failed_function failed) {
  auto volume = self->state.plan->volumes().at(id);
  stopwatch watch;
  self->request(library_of(self, drive), defaults::library_timeout, mount_atom_v, id,
                self->state.plan->drive(drive).number)
      .then(
          [=](bool) {
            self->state.plan->drive(drive).mounted = id;
            self->request(drive_of(self, drive), defaults::library_timeout, mount_atom_v, volume)
                .then(
                    [=](const volume_record& now) {
                      self->state.plan->set_volume(now);
                      self->state.actors->measures->mounted(drive, watch.seconds());
                      spdlog::info("drive {}: mounted {}", drive, id.value);
                      done();
                    },
                    [=](const caf::error& error) {
                      // The cartridge leaves the drive again; its fault is not the drive's.
                      keep_out(self, id,
                               code_of(error) == errc::wrong_volume ? volume_status::quarantined
                                                                    : volume_status::suspect,
                               text_of(error));
                      dismount(
                          self, drive, [=] { failed(error); },
                          [=](const caf::error&) { failed(error); });
                    });
          },
          [=](const caf::error& error) {
            // Not asked for again until the next inventory.
            if (code_of(error) == errc::no_medium) {
              self->state.plan->set_absent(id);
              fail_hopeless_recalls(self);
            } else {
              // It may be in the drive all the same.
              self->state.plan->drive(drive).mounted = id;
              self->state.plan->drive(drive).left_loaded = true;
            }
            failed(error);
          });
}

void ensure_mounted(self_pointer self, uint32_t drive, const barcode& id, then_function done,
                    failed_function failed) {
  auto& slot = self->state.plan->drive(drive);
  if (slot.mounted == id && !slot.left_loaded) {
    done();
  } else if (slot.mounted) {
    dismount(
        self, drive, [=] { mount_into_empty(self, drive, id, done, failed); }, failed);
  } else {
    mount_into_empty(self, drive, id, done, failed);
  }
}

/// What was written is recorded before anything else happens with the volume.
void record_written(self_pointer self, uint32_t drive, const write_outcome& outcome,
                    std::vector<queued_write> writes) {
  auto& state = self->state;
  self->request(state.actors->registrar, defaults::catalogue_timeout, written_atom_v,
                outcome.written, outcome.volume)
      .then(
          [=](const std::vector<aggregation_record>& records) {
            auto& mine = self->state;
            mine.plan->set_volume(outcome.volume);
            trouble_over(self, subject_of(drive, recording));
            std::map<std::string, std::vector<aggregation_id>> safe;
            for (auto& record : records) {
              if (record.state != state::cached_synced) continue;
              safe[record.node.empty() ? mine.actors->node : record.node].push_back(record.id);
              spdlog::info("aggregation {} CACHED_SYNCED on {}", to_string(record.id),
                           outcome.volume.id.value);
            }
            for (auto& [node, ids] : safe)
              if (auto holder = mine.actors->nodes->find(node); holder && holder->keeper)
                self->send(holder->keeper, safe_atom_v, std::move(ids));
            self->send(mine.actors->director, safe_atom_v, records);
            std::vector<queued_write> left(
                writes.begin() + static_cast<std::ptrdiff_t>(outcome.written.size()), writes.end());
            std::erase_if(left, [&](const queued_write& write) {
              return write.item.aggregation.id == outcome.culprit;
            });
            requeue(self, std::move(left));
            drive_free(self, drive);
          },
          [=](const caf::error& error) {
            // The catalogue may have it all the same: a record whose sync failed is in its log, and
            // is there when that is read again. Whatever would be written here now would lie over
            // it, so volume and drive are left alone until the catalogue says that it has it.
            trouble(self, subject_of(drive, recording),
                    "drive " + std::to_string(drive) + ": what was written to " +
                        outcome.volume.id.value +
                        " cannot be recorded, trying again: " + text_of(error));
            auto& mine = self->state;
            auto due = self->home_system().clock().now() + record_again_after;
            mine.unrecorded[drive] = {outcome, writes, due};
            self->delayed_send(self, record_again_after, tick_atom_v);
            if (mine.stopping) go_on(self);
          });
}

/// What could not be recorded yet; while the scheduler stops, a next one reads the catalogue anew.
void record_again(self_pointer self) {
  auto& state = self->state;
  auto now = self->home_system().clock().now();
  for (auto& [drive, one] : std::exchange(state.unrecorded, {})) {
    if (state.stopping) {
      requeue(self, one.writes);
      state.plan->drive(drive).activity = drive_activity::idle;
    } else if (one.due <= now) {
      record_written(self, drive, one.outcome, std::move(one.writes));
    } else {
      state.unrecorded[drive] = std::move(one);
    }
  }
}

void write_ended(self_pointer self, uint32_t drive, const write_outcome& outcome,
                 std::vector<queued_write> writes) {
  auto& id = outcome.volume.id;
  switch (outcome.stopped) {
    case errc::none:
    case errc::medium_full:
      trouble_over(self, subject_of(drive, writing));
      break;
    case errc::cancelled:
      break;
    case errc::node_lost:
      // Whose cache has what was to be written, or this node has no link to it: not at once again.
      self->state.plan->drive(drive).rest_until_ms = self->state.now_ms() + unreachable_rest_ms;
      break;
    case errc::corrupt:
    case errc::not_found:
      self->send(self->state.actors->director, lost_atom_v, outcome.culprit, outcome.text);
      break;
    case errc::medium_error:
    case errc::wrong_position:
      keep_out(self, id, volume_status::suspect, outcome.text);
      break;
    default:
      drive_failed(self, drive, writing, outcome.text);
  }
  auto recorded = outcome;
  if (outcome.stopped == errc::medium_error || outcome.stopped == errc::wrong_position)
    recorded.volume.status = volume_status::suspect;
  record_written(self, drive, recorded, std::move(writes));
}

void run_write(self_pointer self, const mount_action& action) {
  auto drive = action.drive;
  auto failed = [=](const caf::error& error) {
    drive_failed(self, drive, writing, "writing to " + action.volume.value + ": " + text_of(error));
    requeue(self, action.writes);
    drive_free(self, drive);
  };
  auto write = [=] {
    write_job job;
    job.volume = self->state.plan->volumes().at(action.volume);
    job.volume.pool = action.pool;
    for (auto& queued : action.writes) job.items.push_back(queued.item);
    self->request(drive_of(self, drive), defaults::drive_timeout, write_atom_v, std::move(job))
        .then(
            [=](const write_outcome& outcome) {
              forget_timeout(self);
              write_ended(self, drive, outcome, action.writes);
            },
            failed);
  };
  ensure_mounted(self, drive, action.volume, write, failed);
}

void run_read(self_pointer self, const mount_action& action) {
  auto drive = action.drive;
  auto job = action.recall->job;
  auto failed = [=](const caf::error& error) {
    recall_ended(self, {job.number, job.aggregation.id, job.whole, code_of(error), text_of(error)});
    drive_failed(self, drive, reading,
                 "reading from " + action.volume.value + ": " + text_of(error));
    drive_free(self, drive);
  };
  auto read = [=] {
    self->request(drive_of(self, drive), defaults::drive_timeout, read_atom_v, job)
        .then(
            [=](const recall_outcome& outcome) {
              forget_timeout(self);
              auto volume = "volume " + action.volume.value;
              if (outcome.code == errc::medium_error || outcome.code == errc::corrupt)
                trouble(self, volume + ": reading",
                        volume + ": aggregation " + to_string(outcome.aggregation) +
                            " cannot be read: " + outcome.text);
              else if (outcome.code == errc::none)
                trouble_over(self, subject_of(drive, reading));
              recall_ended(self, outcome);
              drive_free(self, drive);
            },
            failed);
  };
  ensure_mounted(self, drive, action.volume, read, failed);
}

void run_dismount(self_pointer self, uint32_t drive) {
  dismount(
      self, drive,
      [=] {
        trouble_over(self, subject_of(drive, dismounting));
        drive_free(self, drive);
      },
      [=](const caf::error& error) {
        drive_failed(self, drive, dismounting, "dismount: " + text_of(error));
        drive_free(self, drive);
      });
}

bool any_busy(const mount_plan& plan) {
  for (auto& slot : plan.drives())
    if (slot.activity != drive_activity::idle && !slot.away) return true;
  return false;
}

/// Empties the drives one after the other, then tells who waits for the stop.
void finish_stop(self_pointer self) {
  auto& state = self->state;
  if (any_busy(*state.plan)) return;
  for (uint32_t i = 0; i < state.plan->drives().size(); ++i) {
    auto& slot = state.plan->drive(i);
    if (!slot.mounted || slot.away) continue;
    slot.activity = drive_activity::dismounting;
    dismount(
        self, i, [=] { drive_free(self, i); },
        [=](const caf::error& error) {
          spdlog::error("drive {}: dismount at stop: {}", i, text_of(error));
          self->state.plan->drive(i).mounted.reset();
          drive_free(self, i);
        });
    return;
  }
  for (auto& promise : state.stop_promises) promise.deliver(true);
  state.stop_promises.clear();
}

void warn_starved(self_pointer self) {
  auto& state = self->state;
  std::string obstacle;
  for (auto& write : state.plan->writes()) {
    obstacle = state.plan->write_obstacle(write.pool);
    if (!obstacle.empty()) break;
  }
  if (!obstacle.empty() && !state.starved)
    alert(self, severity::error, obstacle + "; add cartridges");
  state.starved = !obstacle.empty();
}

}  // namespace

void scheduling::go_on(self_pointer self) {
  auto& state = self->state;
  if (!state.unrecorded.empty()) record_again(self);
  if (state.stopping) {
    finish_stop(self);
    return;
  }
  if (!state.ready) return;
  auto now_ms = state.now_ms();
  while (auto action = state.plan->next(now_ms)) {
    switch (action->kind) {
      case mount_action::kind_type::write:
        run_write(self, *action);
        break;
      case mount_action::kind_type::read:
        run_read(self, *action);
        break;
      case mount_action::kind_type::dismount:
        run_dismount(self, action->drive);
        break;
    }
  }
  warn_starved(self);
  if (auto wait_ms = state.plan->next_time_ms(now_ms)) {
    // A wake-up cannot be taken back, so a new one is only asked for when it comes earlier.
    auto wake_ms = now_ms + *wait_ms;
    if (state.wake_ms <= now_ms || wake_ms < state.wake_ms) {
      state.wake_ms = wake_ms;
      self->delayed_send(self, std::chrono::milliseconds{*wait_ms}, tick_atom_v);
    }
  }
}

mount_scheduler_actor::behavior_type mount_scheduler(self_pointer self, actors_ptr actors,
                                                     scheduler_options options) {
  guard(self);
  auto& state = self->state;
  if (!options.elapsed_ms)
    options.elapsed_ms = [clock = &self->home_system().clock()] {
      using std::chrono::duration_cast, std::chrono::milliseconds;
      return int64_t{duration_cast<milliseconds>(clock->now().time_since_epoch()).count()};
    };
  state.actors = std::move(actors);
  state.plan = std::make_unique<mount_plan>(options.policy);
  state.options = std::move(options);
  begin(self);
  return {
      [=](report_atom) -> caf::result<std::vector<report>> {
        auto reports = scheduler_reports(*self->state.plan, self->state.now_ms());
        reports.insert(reports.begin(), report_of(self, "mount_scheduler"));
        return reports;
      },
      [=](observe_atom, uint64_t revision) -> caf::result<scheduler_facts> {
        return self->state.facts(revision);
      },
      [=](write_atom, const tape_item& item) -> caf::result<bool> {
        for (auto& pool : self->state.missing_pools(item.aggregation))
          self->state.plan->add_write({item, pool, self->state.now_ms()});
        go_on(self);
        return true;
      },
      [=](recall_atom, const recall_job& job) -> caf::result<recall_outcome> {
        auto promise = self->make_response_promise<recall_outcome>();
        self->state.recalls.emplace(job.number, promise);
        self->state.plan->add_recall({job, self->state.now_ms()});
        if (self->state.ready) fail_hopeless_recalls(self);
        go_on(self);
        return promise;
      },
      [=](place_atom, const barcode& volume) -> caf::result<std::string> {
        auto& plan = *self->state.plan;
        if (auto node = plan.place_of(volume)) return *node;
        if (auto lost = plan.lost_place_of(volume); !lost.empty())
          return fail(errc::node_lost, *plan.read_obstacle(volume));
        // The recall itself says what is wrong with it.
        return self->state.actors->node;
      },
      [=](joined_atom, const std::string& node) { node_joined(self, node); },
      [=](left_atom, const std::string& node) {
        self->state.plan->set_lost(node);
        fail_hopeless_recalls(self);
        go_on(self);
      },
      [=](lost_atom, aggregation_id id) { self->state.plan->cancel_writes(id); },
      [=](volumes_atom, const barcode& after) -> caf::result<std::vector<volume_record>> {
        std::vector<volume_record> page;
        auto& all = self->state.plan->volumes();
        for (auto i = all.upper_bound(after); i != all.end(); ++i) {
          if (page.size() == defaults::page_records) break;
          page.push_back(i->second);
        }
        return page;
      },
      [=](volume_atom, const barcode& id, volume_status status, const std::string& by)
          -> caf::result<volume_record> { return set_status(self, id, status, by); },
      [=](cancel_atom, batch_id batch) { self->state.plan->cancel_batch(batch); },
      [=](cancel_atom, uint64_t number) {
        if (auto queued = self->state.plan->take_recall(number))
          recall_ended(self, {number, queued->job.aggregation.id, queued->job.whole,
                              errc::cancelled, "given up"});
      },
      [=](status_atom, aggregation_id id) -> caf::result<std::string> {
        return waiting_for(*self->state.plan, id);
      },
      [=](tick_atom) {
        if (!self->state.volumes_known && !self->state.stopping) begin(self);
        go_on(self);
      },
      [=](stop_atom) -> caf::result<bool> {
        auto promise = self->make_response_promise<bool>();
        self->state.stopping = true;
        self->state.stop_promises.push_back(promise);
        go_on(self);
        return promise;
      },
  };
}

}  // namespace et
