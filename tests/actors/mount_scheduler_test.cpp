// The mount scheduler among fakes: what it does when the library or a drive does not work, and with
// volumes that an administrator puts out of use.

#include "actors/mount_scheduler.hpp"

#include <catch2/catch.hpp>
#include <condition_variable>
#include <mutex>
#include <set>

#include "actors/node_config.hpp"
#include "actors/node_roster.hpp"

using namespace et;

namespace {

/// What the fakes share with the test.
struct machine {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::string> alerts;
  std::vector<std::string> done;  ///< by drives and the registrar, in words
  int inventory_failures = 0;     ///< so many inventories fail
  library_inventory inventory;
  bool drive_0_is_stuck = false;
  bool drive_0_is_loaded = false;
  int dismounts = 0;
  int lost_answers = 0;         ///< so many mounts are done, but seem to fail
  std::set<uint32_t> unloaded;  ///< drives that hold nothing they could write on
  barcode mislabelled;          ///< a cartridge with another one's label
  int record_failures = 0;      ///< so many writes cannot be recorded
  bool cache_is_lost = false;   ///< what is to be written cannot be read

  void note(std::vector<std::string>& list, std::string what) {
    std::lock_guard lock{mutex};
    list.push_back(std::move(what));
    changed.notify_all();
  }
  /// Waits until some drive has written a volume.
  bool writes(const std::string& volume) {
    std::unique_lock lock{mutex};
    return changed.wait_for(lock, std::chrono::seconds{30}, [&] {
      return std::any_of(done.begin(), done.end(),
                         [&](const auto& line) { return line.ends_with(" writes " + volume); });
    });
  }
  /// Waits until `list` holds a line that begins with `begin`.
  bool comes(std::vector<std::string>& list, const std::string& begin) {
    std::unique_lock lock{mutex};
    return changed.wait_for(lock, std::chrono::seconds{30}, [&] {
      return std::any_of(list.begin(), list.end(),
                         [&](const auto& line) { return line.starts_with(begin); });
    });
  }
};

library_inventory two_cartridges() {
  library_inventory inventory;
  inventory.in_slots = {barcode{"A"}, barcode{"B"}};
  inventory.in_drives = {barcode{}, barcode{}};
  return inventory;
}

caf::behavior fake_library(caf::event_based_actor*, machine* all) {
  return {
      [=](inventory_atom) -> caf::result<library_inventory> {
        std::lock_guard lock{all->mutex};
        if (all->inventory_failures-- > 0) return fail(errc::device_error, "the arm is stuck");
        return all->inventory;
      },
      [=](mount_atom, const barcode& volume, uint32_t drive) -> caf::result<bool> {
        std::lock_guard lock{all->mutex};
        auto& there = all->inventory.in_drives[drive];
        if (!there.value.empty() && there != volume) return fail(errc::slot_occupied, "no room");
        there = volume;
        if (all->lost_answers-- > 0) return fail(errc::device_error, "no answer");
        return true;
      },
      [=](dismount_atom, uint32_t drive) -> caf::result<bool> {
        std::lock_guard lock{all->mutex};
        if (drive == 0 && all->drive_0_is_stuck) return fail(errc::device_error, "it holds fast");
        if (drive == 0 && all->drive_0_is_loaded)
          return fail(errc::device_error, "unload it first");
        if (drive == 0) all->inventory.in_slots = two_cartridges().in_slots;
        all->inventory.in_drives[drive] = {};
        ++all->dismounts;
        return true;
      },
  };
}

caf::behavior fake_drive(caf::event_based_actor*, machine* all, uint32_t number) {
  auto name = "drive " + std::to_string(number);
  return {
      [=](mount_atom, volume_record volume) -> caf::result<volume_record> {
        if (volume.id == all->mislabelled) return fail(errc::wrong_volume, "its label is X");
        volume.status = volume_status::appendable;
        volume.next_header = block_address{1};
        std::lock_guard lock{all->mutex};
        all->unloaded.erase(number);
        return volume;
      },
      [=](dismount_atom) {
        std::lock_guard lock{all->mutex};
        if (number == 0) all->drive_0_is_loaded = false;
        all->unloaded.insert(number);
        return true;
      },
      [=](write_atom, const write_job& job) {
        write_outcome outcome;
        outcome.volume = job.volume;
        {
          std::lock_guard lock{all->mutex};
          if (all->unloaded.count(number)) {
            outcome.stopped = errc::no_medium;
            outcome.text = "no cartridge is loaded";
            return outcome;
          }
        }
        all->note(all->done, name + " writes " + job.volume.id.value);
        if (all->cache_is_lost) {
          outcome.stopped = errc::node_lost;
          return outcome;
        }
        for (auto& item : job.items)
          outcome.written.push_back({item.aggregation.id, {}, item.aggregation.checksum});
        return outcome;
      },
      [=](read_atom, const recall_job& job) {
        all->note(all->done, name + " reads");
        recall_outcome outcome;
        outcome.number = job.number;
        return outcome;
      },
  };
}

/// A scheduler with its fakes; two drives, cartridges A and B.
struct nest {
  nest(machine& all, int64_t rest_ms, int64_t idle_dismount_ms = 60'000)
      : config{service_node(2)}, system{config} {
    auto actors_made = std::make_shared<service_actors>();
    actors = actors_made;
    auto& table = *actors_made;
    table.library = keep<library_actor>(system.spawn(fake_library, &all));
    for (uint32_t i = 0; i < 2; ++i)
      table.drives.push_back(keep<tape_drive_actor>(system.spawn(fake_drive, &all, i)));
    auto* shared = &all;
    table.alerts = keep<alert_publisher_actor>(
        system.spawn([shared](caf::event_based_actor*) -> caf::behavior {
          return {[shared](alert_atom, const alert_record& alert) {
            shared->note(shared->alerts, alert.text);
          }};
        }));
    table.readers.push_back(
        keep<catalogue_reader_actor>(system.spawn([](caf::event_based_actor*) -> caf::behavior {
          return {[](volumes_atom) { return std::vector<volume_record>{}; }};
        })));
    auto ignore = [](caf::event_based_actor*) -> caf::behavior {
      return {[](safe_atom, const std::vector<aggregation_id>&) {},
              [](safe_atom, const std::vector<aggregation_record>&) {}};
    };
    table.keeper = keep<cache_keeper_actor>(system.spawn(ignore));
    table.director = keep<batch_director_actor>(system.spawn(ignore));
    table.registrar =
        keep<registrar_actor>(system.spawn([shared](caf::event_based_actor*) -> caf::behavior {
          return {[shared](volume_atom, const volume_record& volume, const std::string& why) {
                    shared->note(shared->done,
                                 volume.id.value + " is " + to_string(volume.status) + ": " + why);
                    return true;
                  },
                  [shared](
                      written_atom, const std::vector<written_aggregation>& written,
                      const volume_record& volume) -> caf::result<std::vector<aggregation_record>> {
                    bool fails = false;
                    {
                      std::lock_guard lock{shared->mutex};
                      fails = shared->record_failures-- > 0;
                    }
                    if (fails) return fail(errc::io_error, "the disk is ill");
                    if (!written.empty()) shared->note(shared->done, "recorded " + volume.id.value);
                    return std::vector<aggregation_record>{};
                  }};
        }));
    table.head = keep<head_actor>(system.spawn([shared](caf::event_based_actor*) -> caf::behavior {
      return {[shared](alert_atom, const alert_record& alert) {
        shared->note(shared->alerts, alert.text);
      }};
    }));
    storage_node self;
    self.up = true;
    self.keeper = table.keeper;
    self.drives = table.drives;
    self.library = table.library;
    table.nodes->put(self);
    scheduler_options options;
    options.policy.write_after_ms = 0;
    options.policy.drive_rest_ms = rest_ms;
    options.policy.idle_dismount_ms = idle_dismount_ms;
    if (all.cache_is_lost) options.elapsed_ms = [] { return int64_t{1'000'000}; };
    scheduler = system.spawn(mount_scheduler, actors, options);
    kept.push_back(caf::actor_cast<caf::actor>(scheduler));
  }

  ~nest() {
    caf::scoped_actor self{system};
    for (auto& one : kept) self->send_exit(one, caf::exit_reason::user_shutdown);
    self->wait_for(kept);
    *std::const_pointer_cast<service_actors>(actors) = {};
  }

  template <class Handle>
  Handle keep(caf::actor made) {
    kept.push_back(made);
    return caf::actor_cast<Handle>(made);
  }

  /// The answer, or the error's text.
  template <class R, class... Ts>
  std::string ask(R& answer, Ts... words) {
    caf::scoped_actor self{system};
    std::string error;
    self->request(scheduler, std::chrono::seconds{30}, words...)
        .receive([&](R& given) { answer = std::move(given); },
                 [&](const caf::error& e) { error = text_of(e); });
    return error;
  }

  node_config config;
  caf::actor_system system;
  actors_ptr actors;
  mount_scheduler_actor scheduler;
  std::vector<caf::actor> kept;
};

tape_item item_of(uint32_t number) {
  tape_item item;
  item.aggregation.id = {batch_id{1}, number};
  return item;
}

}  // namespace

TEST_CASE("mount scheduler: an inventory that fails is told of once and asked for again") {
  machine all;
  all.inventory = two_cartridges();
  all.inventory_failures = 3;
  nest n{all, 1};
  bool taken = false;
  CHECK(n.ask(taken, write_atom_v, item_of(1)) == "");
  CHECK(all.comes(all.done, "drive 0 writes A"));
  CHECK(all.comes(all.alerts, "library of node : inventory works again"));
  std::lock_guard lock{all.mutex};
  CHECK(all.alerts == std::vector<std::string>{"the inventory of the library of node  cannot be "
                                               "had, nothing is mounted there: the arm is "
                                               "stuck",
                                               "library of node : inventory works again"});
}

TEST_CASE("mount scheduler: a drive that keeps its cartridge does not stop the others") {
  machine all;
  all.inventory = two_cartridges();
  all.inventory.in_slots = {barcode{"B"}};
  all.inventory.in_drives[0] = barcode{"A"};
  all.drive_0_is_stuck = true;
  nest n{all, 3'600'000};
  CHECK(all.comes(all.alerts, "drive 0: cannot be emptied at start: it holds fast"));
  bool taken = false;
  CHECK(n.ask(taken, write_atom_v, item_of(1)) == "");
  CHECK(all.comes(all.done, "drive 1 writes B"));
}

TEST_CASE("mount scheduler: a drive that a frozen node left loaded is unloaded, without an alert") {
  machine all;
  all.inventory = two_cartridges();
  all.inventory.in_slots = {barcode{"B"}};
  all.inventory.in_drives[0] = barcode{"A"};
  all.drive_0_is_loaded = true;
  nest n{all, 3'600'000};
  bool taken = false;
  CHECK(n.ask(taken, write_atom_v, item_of(1)) == "");
  CHECK(all.comes(all.done, "drive 0 writes A"));
  std::lock_guard lock{all.mutex};
  CHECK(all.alerts.empty());
}

TEST_CASE("mount scheduler: a volume whose dismount failed halfway is loaded again") {
  machine all;
  all.inventory = two_cartridges();
  all.inventory.in_slots = {barcode{"A"}};
  nest n{all, 1, 1};
  bool taken = false;
  {
    std::lock_guard lock{all.mutex};
    all.drive_0_is_stuck = true;
  }
  CHECK(n.ask(taken, write_atom_v, item_of(1)) == "");
  CHECK(all.comes(all.alerts, "drive 0: dismount: it holds fast"));
  {
    std::lock_guard lock{all.mutex};
    all.done.clear();
  }
  CHECK(n.ask(taken, write_atom_v, item_of(2)) == "");
  CHECK(all.comes(all.alerts, "drive 0: writing to A"));
  {
    std::lock_guard lock{all.mutex};
    all.drive_0_is_stuck = false;
  }
  CHECK(all.comes(all.done, "drive 0 writes A"));
  CHECK(all.comes(all.done, "recorded A"));
}

TEST_CASE("mount scheduler: a cartridge that is in a drive although its mount failed leaves it") {
  machine all;
  all.inventory = two_cartridges();
  all.inventory.in_slots = {barcode{"A"}};
  all.lost_answers = 1;
  nest n{all, 1};
  bool taken = false;
  CHECK(n.ask(taken, write_atom_v, item_of(1)) == "");
  CHECK(all.comes(all.done, "recorded A"));
  std::lock_guard lock{all.mutex};
  CHECK(all.dismounts == 1);
}

TEST_CASE("mount scheduler: what cannot be recorded is not written over, but recorded again") {
  machine all;
  all.inventory = two_cartridges();
  all.record_failures = 1;
  nest n{all, 1};
  bool taken = false;
  CHECK(n.ask(taken, write_atom_v, item_of(1)) == "");
  CHECK(all.comes(all.done, "recorded A"));
  std::lock_guard lock{all.mutex};
  CHECK(all.done == std::vector<std::string>{"drive 0 writes A", "recorded A"});
  REQUIRE(all.alerts.size() >= 1);
  CHECK(all.alerts[0] ==
        "drive 0: what was written to A cannot be recorded, trying again: the disk is ill");
}

TEST_CASE("mount scheduler: a quarantined volume is not read until it is released") {
  machine all;
  all.inventory = two_cartridges();
  nest n{all, 1};
  bool taken = false;
  CHECK(n.ask(taken, write_atom_v, item_of(1)) == "");
  REQUIRE(all.comes(all.done, "drive 0 writes A"));
  volume_record record;
  auto set = [&](const char* id, volume_status status) {
    // While the drive is still at it the scheduler refuses.
    std::string error;
    do {
      error = n.ask(record, volume_atom_v, barcode{id}, status, std::string{"ada"});
    } while (error.find("is at work in a drive") != std::string::npos);
    return error;
  };
  CHECK(set("Z", volume_status::full) == "there is no volume Z");
  CHECK(set("B", volume_status::full) ==
        "volume B cannot have this status: it has no label yet; only blank or quarantined");
  CHECK(set("A", static_cast<volume_status>(77)) ==
        "volume A cannot have this status: there is no such status");
  CHECK(set("A", volume_status::quarantined) == "");
  CHECK(all.comes(all.done, "A is quarantined: set by ada"));
  recall_job job;
  job.number = 5;
  job.copy.volume = barcode{"A"};
  recall_outcome outcome;
  CHECK(n.ask(outcome, recall_atom_v, job) == "");
  CHECK(outcome.code == errc::unavailable);
  CHECK(outcome.text == "volume A is quarantined; an administrator may release it");
  CHECK(set("A", volume_status::suspect) == "");
  CHECK(n.ask(outcome, recall_atom_v, job) == "");
  CHECK(outcome.code == errc::none);
  CHECK(all.comes(all.done, "drive 0 reads"));
  std::vector<volume_record> page;
  CHECK(n.ask(page, volumes_atom_v, barcode{}) == "");
  REQUIRE(page.size() == 2);
  CHECK(page[0].status == volume_status::suspect);
  CHECK(n.ask(page, volumes_atom_v, barcode{"A"}) == "");
  CHECK(page.size() == 1);
}

TEST_CASE("mount scheduler: a cartridge with another label is quarantined, and another is taken") {
  machine all;
  all.inventory = two_cartridges();
  all.mislabelled = barcode{"A"};
  nest n{all, 1};
  bool taken = false;
  CHECK(n.ask(taken, write_atom_v, item_of(1)) == "");
  CHECK(all.comes(all.done, "A is quarantined: its label is X"));
  CHECK(all.writes("B"));  // in whichever drive
}

TEST_CASE("mount scheduler: a cache that cannot be reached is not asked again at once") {
  machine all;
  all.inventory = two_cartridges();
  all.cache_is_lost = true;
  nest n{all, 1};
  bool taken = false;
  CHECK(n.ask(taken, write_atom_v, item_of(1)) == "");
  REQUIRE(all.comes(all.done, "drive 1 writes"));
  // Time stands still: nothing more is tried, however often there is a reason to look.
  std::vector<report> reports;
  for (int i = 0; i < 50; ++i) {
    caf::anon_send(n.scheduler, tick_atom_v);
    CHECK(n.ask(reports, report_atom_v) == "");
  }
  std::lock_guard lock{all.mutex};
  CHECK(all.done.size() == 2);  // each drive once
}
