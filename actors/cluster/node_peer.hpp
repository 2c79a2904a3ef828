// Another node, as the actors of this one see it: relays to its actors, and its place in the
// roster. They stay when the node is lost, and stand for its actors again when it is back.
#pragma once

#include "actors/cluster/cluster_protocol.hpp"
#include "actors/relay.hpp"

namespace et::cluster {

class node_peer {
 public:
  /// Puts the node into the roster, as one that is not there.
  node_peer(caf::actor_system& system, std::shared_ptr<node_roster> roster, std::string name,
            int64_t now_ns);

  /// Ends the relays.
  ~node_peer();
  node_peer(const node_peer&) = delete;
  node_peer& operator=(const node_peer&) = delete;

  const std::string& name() const { return entry_.name; }
  bool up() const { return entry_.up; }
  const storage_node& entry() const { return entry_; }

  /// Its actors can be reached.
  void attach(const node_card& card, int64_t now_ns);
  /// They cannot: what is under way fails, with `why`.
  void detach(const std::string& why, int64_t now_ns);

 private:
  template <class Handle>
  void attach_one(Handle& handle, const Handle& to);
  template <class Handle>
  void attach_all(std::vector<Handle>& handles, const std::vector<Handle>& to);
  template <class Handle>
  Handle make_relay();

  caf::actor_system& system_;
  std::shared_ptr<node_roster> roster_;
  storage_node entry_;
  std::vector<caf::actor> relays_;
};

}  // namespace et::cluster
