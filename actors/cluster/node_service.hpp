// A node that is not the head: its cache, drives, library, or only its view of source files, for a
// head elsewhere.
#pragma once

#include <functional>

#include "actors/cluster/cluster.hpp"
#include "actors/front_door.hpp"
#include "actors/node_storage.hpp"
#include "actors/state_folder.hpp"

namespace et::cluster {

struct node_service_options {
  std::filesystem::path state;  ///< made when missing
  std::string node;             ///< its name; empty: the one that it has, or the host's
  storage_options storage;      ///< empty folders: STATE/cache, STATE/library
  cluster_options cluster;
  front_door::options door;  ///< with `remote` clients read data here, with tickets of the head
  /// Completes what the membership is told, when the node's name is known and its state folder is
  /// locked. May be empty.
  std::function<void(const std::string& node, membership_options& with)> prepare;
};

class node_service {
 public:
  /// As service::start; the head need not be there yet. Errors: locked, newer_version,
  /// invalid_argument (no certificate: join first), io_error, no_space.
  static caf::expected<std::unique_ptr<node_service>> start(
      caf::actor_system& system, node_service_options options,
      std::function<void(const std::string&)> on_failure);
  ~node_service();
  /// Ends running jobs after their current block, and every actor.
  void stop();

  caf::strong_actor_ptr membership() const { return actors_->membership; }
  const std::string& node() const { return folder_->node(); }
  /// HOST:PORT for links; empty: it only dials.
  std::string link_address() const { return links_ ? links_->address() : std::string{}; }

 private:
  node_service(caf::actor_system& system, node_service_options options)
      : system_(system), options_(std::move(options)) {}
  void spawn_actors(std::vector<kept_file> kept);
  caf::error open_door();
  caf::error join_cluster();
  void watch(std::function<void(const std::string&)> on_failure);
  std::vector<caf::actor> every_actor() const;

  caf::actor_system& system_;
  node_service_options options_;
  std::optional<state_folder> folder_;
  std::unique_ptr<node_storage> storage_;
  std::shared_ptr<service_actors> actors_;
  std::unique_ptr<front_door> door_;
  std::shared_ptr<node_links> links_;
  membership_actor membership_;
  caf::actor watcher_;
  std::shared_ptr<std::atomic<bool>> stopping_ = std::make_shared<std::atomic<bool>>(false);
};

}  // namespace et::cluster
