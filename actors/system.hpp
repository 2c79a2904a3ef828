// A head that others can reach: opens the front door, the links with other nodes and the monitor
// of a head.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "actors/cluster/cluster.hpp"
#include "actors/front_door.hpp"
#include "actors/head.hpp"
#include "actors/monitor/live_watch.hpp"
#include "actors/monitor/server/server.hpp"

namespace et {

struct service_options : head_options {
  front_door::options door;             ///< empty socket: STATE/elastictape.sock
  std::shared_ptr<munge_daemon> munge;  ///< of clients of other machines; null: not taken
  monitor::server_options monitor;      ///< without an address: none
  cluster::cluster_options cluster;     ///< with an address to listen at: other nodes may join
  /// While the start waits for the standby: true ends it with the error `interrupted`.
  std::function<bool()> give_up;
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
  service(caf::actor_system& system, service_options options);

  caf::error open_door();
  caf::error open_cluster();
  caf::error open_monitor();

  caf::actor_system& system_;
  service_options options_;
  std::unique_ptr<head> head_;
  std::shared_ptr<cluster::node_links> links_;  ///< stopped before the head, gone after it
  std::unique_ptr<front_door> door_;
  std::atomic<front_door*> open_door_{nullptr};  ///< for the picture, which other threads make
  std::unique_ptr<monitor::live_watch> watch_;
  std::unique_ptr<monitor::server> monitor_;
};

}  // namespace et
