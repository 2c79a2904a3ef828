// A node that is the standby of the head: a node as others are, with a copy of the catalogue, and a
// front door that answers `admin cluster promote`.
#pragma once

#include "actors/cluster/node_service.hpp"
#include "actors/standby/catalogue_follower.hpp"

namespace et {

struct standby_service_options {
  cluster::node_service_options node;
  catalogue_store::options catalogue;
  front_door::options door;  ///< empty socket: STATE/elastictape.sock
};

class standby_service {
 public:
  /// As node_service::start. `on_promoted` is called once, from any thread, when the copy has been
  /// made the head's catalogue: stop(), and start as the head.
  static caf::expected<std::unique_ptr<standby_service>> start(
      caf::actor_system& system, standby_service_options options,
      std::function<void(const std::string&)> on_failure, std::function<void()> on_promoted);
  ~standby_service();
  void stop();

  std::string address() const { return "unix:" + options_.door.socket; }
  std::string node() const { return node_->node(); }
  std::string link_address() const { return node_->link_address(); }

 private:
  standby_service(caf::actor_system& system, standby_service_options options)
      : system_(system), options_(std::move(options)) {}
  caf::error open_door(std::function<void()> on_promoted);

  caf::actor_system& system_;
  standby_service_options options_;
  catalogue_follower_actor follower_;
  std::unique_ptr<cluster::node_service> node_;
  std::unique_ptr<front_door> door_;
};

}  // namespace et
