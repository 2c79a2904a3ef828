// The membership of a node: its links, who is at their other ends, and whether they live. On the
// head it decides who is up; on other nodes it looks for the head and keeps links to the nodes that
// the head names. Messages: membership_actor in cluster_protocol.hpp.
//
// A node that joins is judged first (joiner): what its disks hold counts again only as far as the
// catalogue says so. A node that does not answer a sign of life in time, or whose link ends, is
// lost: requests to it fail, and its work is done elsewhere or waits.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <set>

#include "actors/cluster/node_peer.hpp"
#include "actors/cluster/store_users.hpp"
#include "storage/catalogue/store.hpp"
#include "storage/os/clock.hpp"

namespace et::cluster {

struct membership_options {
  std::vector<std::string> heads;             ///< HOST:PORT to look for the head; empty: this is it
  std::chrono::milliseconds heartbeat{1000};  ///< between signs of life
  std::chrono::milliseconds down_after{10'000};  ///< without an answer a node is lost
  /// Of the head: what only a lost node has cached is read from the sources again after this; 0:
  /// never.
  std::chrono::milliseconds reread_after{0};
  std::string listen;                ///< as others reach this node
  std::string clients;               ///< as clients reach it
  std::string fingerprint;           ///< of the key that they see
  catalogue_store* store = nullptr;  ///< of the head; outlives the actor and `users`
  /// Of that store: jobs of the actor, which may outlive it.
  std::shared_ptr<store_users> users = store_users::make();
  /// Whether this node stops: what it cuts off is not lost then.
  std::function<bool()> stops = [] { return false; };
  const wall_clock* clock = &system_clock();
  std::function<void(uint64_t link, std::string reason)> close_link;
  /// The node has lost its head (true), or has done what that needs and may join again (false).
  std::function<void(bool)> give_up_jobs;
  /// The highest epoch known; and another was heard of, which may be higher.
  std::function<uint64_t()> epoch = [] { return uint64_t{0}; };
  std::function<void(uint64_t epoch, const std::string& node)> heard_epoch;
  caf::strong_actor_ptr follower;  ///< of a standby
  /// Of the head: a standby has joined with this follower, or is lost (null).
  std::function<void(const std::string& node, caf::strong_actor_ptr follower)> standby_changed;
};

struct membership_state {
  static inline const char* name = "membership";

  enum class phase : uint8_t { met, judged, up };

  struct link {
    std::string node;
    node_port_actor port;  ///< at its other end; null: that has not been dialled from here
    node_card card;
    phase at = phase::met;
    bool asking = false;  ///< for a sign of life
  };

  membership_options options;
  actors_ptr actors;
  dialler_actor dialler;
  std::map<uint64_t, link> links;
  /// Numbers of links that have ended, the last max_ended: what still comes of them is too late.
  std::set<uint64_t> ended;
  static constexpr size_t max_ended = 1024;
  std::map<std::string, std::unique_ptr<node_peer>> peers;
  std::map<std::string, int64_t> lost_since_ns;  ///< with something that only they have
  std::string head;                              ///< node; empty: none, or this one
  size_t next_head = 0;                          ///< of options.heads, to dial
  std::string dialled_head;                      ///< the last of them
  std::map<std::string, std::string> nodes_at;   ///< who was found at which of them
  bool dialling_head = false;
  std::set<std::string> dialling;  ///< other nodes
  bool settling = false;           ///< after the loss of the head

  bool is_head() const { return options.heads.empty(); }
  bool linked(const std::string& node) const;
  /// Over a link that is up.
  bool reached(const std::string& node) const;
};

membership_actor::behavior_type membership(
    membership_actor::stateful_pointer<membership_state> self, actors_ptr actors,
    membership_options options, std::function<dialler_actor(membership_actor)> make_dialler);

/// The port of one link, whose peer's certificate names `node`.
struct node_port_state {
  static inline const char* name = "node_port";
};
node_port_actor::behavior_type node_port(node_port_actor::stateful_pointer<node_port_state> self,
                                         membership_actor membership, uint64_t link,
                                         std::string node);

}  // namespace et::cluster
