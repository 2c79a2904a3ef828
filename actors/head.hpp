// The head of the service without its doors: opens its catalogue, cache and library, and spawns and
// wires its actors. Who lets clients and other nodes in is actors/system.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "actors/alert_delivery.hpp"
#include "actors/audit.hpp"
#include "actors/batch_supervisor.hpp"
#include "actors/cluster/membership.hpp"
#include "actors/mount_scheduler.hpp"
#include "actors/node_storage.hpp"
#include "actors/protocol.hpp"
#include "actors/standby/epoch_watch.hpp"
#include "actors/standby/head_standby.hpp"
#include "actors/state_folder.hpp"

namespace et {

struct head_options {
  std::filesystem::path state;  ///< made when missing
  catalogue_store::options catalogue;
  storage_options storage;  ///< empty folders: STATE/cache, STATE/library
  packing_options packing;
  scheduler_options scheduler;
  uint64_t max_file_bytes = 500'000'000'000;
  uint32_t audit_days = default_audit_days;  ///< older audit records are forgotten
  uint32_t readers = 2;
  std::string node;  ///< its name; empty: the one that it has, or the host's
  std::vector<alert_target> alert_targets;
  std::optional<head_standby_options> standby;  ///< nothing: there is none, and nothing is gated
  /// Another node is the head now: stop at once. Called once, from any thread, with what to tell.
  std::function<void(const std::string&)> on_fenced;
  bool default_workspace = false;  ///< add workspace `local` when there is none at all
  const wall_clock* clock = &system_clock();
};

class head {
 public:
  /// Opens everything, makes catalogue and cache agree, and spawns the actors. `on_failure` is
  /// called, from any thread, when an actor that the service cannot live without has ended. Errors:
  /// locked (another service has the state folder), newer_version, invalid_argument, io_error,
  /// no_space; nothing is left running then.
  static caf::expected<std::unique_ptr<head>> open(
      caf::actor_system& system, head_options options,
      std::function<void(const std::string&)> on_failure);
  ~head();
  head(const head&) = delete;
  head& operator=(const head&) = delete;

  /// What the membership of a head is told, its links aside.
  cluster::membership_options membership_options();
  /// Once, before watch(): others may join from here on; those that the catalogue knows of are lost
  /// until they do.
  caf::error begin_membership(const membership_actor& membership);
  /// Tells on_failure from here on.
  void watch();
  /// No end of an actor is a failure any more, and drives and writers give up their jobs.
  void begin_stop();
  /// Ends running tape jobs after their current block, dismounts, ends every actor, closes
  /// everything.
  void stop();

  actors_ptr actors() const { return actors_; }
  catalogue_store& store() { return *store_; }
  node_storage& storage() { return *storage_; }
  const std::string& node() const { return options_.node; }
  head_standby* standby() { return standby_ ? &*standby_ : nullptr; }

 private:
  head(caf::actor_system& system, head_options options,
       std::function<void(const std::string&)> on_failure);

  caf::error open_state();
  caf::error open_storage();
  caf::error check_epoch();
  caf::error add_default_workspace();
  caf::error begin_deliveries();
  caf::error tell_of_lost_run();
  void unmark();
  void spawn_couriers();
  void spawn_actors(std::vector<kept_file> kept);
  std::vector<caf::actor> every_actor() const;

  caf::actor_system& system_;
  head_options options_;
  std::function<void(const std::string&)> on_failure_;
  std::optional<state_folder> folder_;
  std::unique_ptr<catalogue_store> store_;
  std::unique_ptr<node_storage> storage_;
  std::shared_ptr<epoch_watch> epochs_;
  std::optional<head_standby> standby_;  ///< when one is configured
  membership_actor membership_;
  std::atomic<bool> stopping_{false};
  std::shared_ptr<std::atomic<bool>> failed_ = std::make_shared<std::atomic<bool>>(false);
  bool marked_ = false;              ///< the state folder says that a service runs
  std::vector<uint64_t> delivered_;  ///< to each target of alerts, at the start
  std::shared_ptr<service_actors> actors_;
  caf::actor watcher_;
};

}  // namespace et
