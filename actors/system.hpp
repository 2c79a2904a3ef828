// A node of the service: opens its catalogue, cache and library, spawns and wires its actors, opens
// the front door. The only file that decides who is detached.
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
#include "actors/cluster/cluster.hpp"
#include "actors/front_door.hpp"
#include "actors/monitor/live_watch.hpp"
#include "actors/monitor/server/server.hpp"
#include "actors/mount_scheduler.hpp"
#include "actors/node_storage.hpp"
#include "actors/protocol.hpp"
#include "actors/standby/epoch_watch.hpp"
#include "actors/standby/head_standby.hpp"
#include "actors/state_folder.hpp"

namespace et {

struct service_options {
  std::filesystem::path state;  ///< made when missing
  catalogue_store::options catalogue;
  storage_options storage;  ///< empty folders: STATE/cache, STATE/library
  packing_options packing;
  scheduler_options scheduler;
  uint64_t max_file_bytes = 500'000'000'000;
  uint32_t audit_days = default_audit_days;  ///< older audit records are forgotten
  uint32_t readers = 2;
  front_door::options door;             ///< empty socket: STATE/elastictape.sock
  std::shared_ptr<munge_daemon> munge;  ///< of clients of other machines; null: not taken
  monitor::server_options monitor;      ///< without an address: none
  std::string node;                     ///< its name; empty: the one that it has, or the host's
  cluster::cluster_options cluster;     ///< with an address to listen at: other nodes may join
  std::vector<alert_target> alert_targets;
  std::optional<head_standby_options> standby;  ///< nothing: there is none, and nothing is gated
  /// While the start waits for the standby: true ends it with the error `interrupted`.
  std::function<bool()> give_up;
  /// Another node is the head now: stop at once. Called once, from any thread, with what to tell.
  std::function<void(const std::string&)> on_fenced;
  bool default_workspace = false;  ///< add workspace `local` when there is none at all
  const wall_clock* clock = &system_clock();
};

/// A running node. start() and stop() are called from one thread.
class service {
 public:
  /// Errors: locked (another service has the state folder), newer_version, invalid_argument,
  /// io_error, no_space; nothing is left running then. `on_failure` is called, from any thread,
  /// when an actor that the service cannot live without has ended: stop and start again.
  static caf::expected<std::unique_ptr<service>> start(
      caf::actor_system& system, service_options options,
      std::function<void(const std::string&)> on_failure);

  /// Closes the door, ends running tape jobs after their current block, dismounts, ends every
  /// actor.
  ~service();
  void stop();

  /// `unix:/PATH` of the front door.
  std::string address() const { return "unix:" + options_.door.socket; }
  /// HOST:PORT for clients of other machines; empty: none.
  std::string remote_address() const { return door_ ? door_->remote_address() : std::string{}; }
  /// HOST:PORT for links with other nodes; empty: none.
  std::string link_address() const { return links_ ? links_->address() : std::string{}; }
  /// `http://HOST:PORT/` of the monitor, `off` without one.
  std::string monitor_url() const { return monitor_ ? monitor_->url() : "off"; }

 private:
  service(caf::actor_system& system, service_options options,
          std::function<void(const std::string&)> on_failure);

  caf::error open_state();
  caf::error open_storage();
  caf::error check_epoch();
  caf::error add_default_workspace();
  caf::expected<std::vector<kept_file>> reconcile_cache();
  caf::error begin_deliveries();
  caf::error tell_of_lost_run();
  void unmark();
  void spawn_couriers();
  void spawn_actors(std::vector<kept_file> kept);
  void watch();
  caf::error open_door();
  caf::error open_cluster();
  caf::error open_monitor();
  std::vector<caf::actor> every_actor() const;

  caf::actor_system& system_;
  service_options options_;
  std::function<void(const std::string&)> on_failure_;
  std::optional<state_folder> folder_;
  std::unique_ptr<catalogue_store> store_;
  std::unique_ptr<node_storage> storage_;
  std::shared_ptr<epoch_watch> epochs_;
  std::optional<head_standby> standby_;  ///< when one is configured
  std::unique_ptr<cluster::node_links> links_;
  membership_actor membership_;
  std::atomic<bool> stopping_{false};
  std::shared_ptr<std::atomic<bool>> failed_ = std::make_shared<std::atomic<bool>>(false);
  bool marked_ = false;              ///< the state folder says that a service runs
  std::vector<uint64_t> delivered_;  ///< to each target of alerts, at the start
  std::shared_ptr<service_actors> actors_;
  caf::actor watcher_;
  std::unique_ptr<front_door> door_;
  std::atomic<front_door*> open_door_{nullptr};  ///< for the picture, which other threads make
  std::unique_ptr<monitor::live_watch> watch_;
  std::unique_ptr<monitor::server> monitor_;
};

}  // namespace et
