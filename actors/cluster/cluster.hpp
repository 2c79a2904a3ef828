// Makes a node a member of a cluster: its links and its membership.
#pragma once

#include <chrono>
#include <filesystem>

#include "actors/cluster/enrolment.hpp"
#include "actors/cluster/membership.hpp"
#include "actors/cluster/node_links.hpp"

namespace et::cluster {

struct cluster_options {
  std::string listen;                 ///< HOST:PORT; empty: nobody joins or dials this node
  std::vector<std::string> heads;     ///< HOST:PORT; empty: this node is the head
  std::filesystem::path folder;       ///< of the certificates: STATE/cluster
  std::shared_ptr<enrolment> issuer;  ///< of the head: issues certificates
  std::chrono::milliseconds heartbeat{1000};
  std::chrono::milliseconds down_after{10'000};
  std::chrono::milliseconds reread_after{0};
};

struct begun {
  /// Null: this node is alone. Who dials has them too until that is over: they are stopped first.
  std::shared_ptr<node_links> links;
  membership_actor membership;
};

/// `actors` is complete, and the node is in its roster. What of `membership` the options say is set
/// here. Errors: those of node_links.
caf::expected<begun> begin(caf::actor_system& system, actors_ptr actors,
                           const cluster_options& options, membership_options membership);

}  // namespace et::cluster
