#include "actors/cluster/cluster.hpp"

#include "actors/actor_base.hpp"
#include "actors/defaults.hpp"

namespace et::cluster {

namespace {

/// The links, once there are any: the membership is made before them, and asks for them later.
struct link_holder {
  std::mutex mutex;
  node_links* links = nullptr;
};

struct dialler_state {
  static inline const char* name = "dialler";
};

dialler_actor::behavior_type dialler(dialler_actor::stateful_pointer<dialler_state> self,
                                     std::shared_ptr<link_holder> holder,
                                     membership_actor membership) {
  guard(self);
  return {
      [=](dial_atom, const std::string& address, const std::string& node) {
        node_links* links = nullptr;
        {
          std::lock_guard lock{holder->mutex};
          links = holder->links;
        }
        if (!links) {
          self->send(membership, dial_atom_v, node, std::string{"this node has no links yet"});
          return;
        }
        auto linked = links->connect(address, node, defaults::connect_timeout);
        if (linked)
          self->send(membership, linked_atom_v, linked->facts.number, linked->facts.node,
                     linked->port);
        else
          self->send(membership, dial_atom_v, node, text_of(linked.error()));
      },
  };
}

}  // namespace

caf::expected<begun> begin(caf::actor_system& system, actors_ptr actors,
                           const cluster_options& options, membership_options membership_with) {
  auto holder = std::make_shared<link_holder>();
  membership_with.heads = options.heads;
  membership_with.heartbeat = options.heartbeat;
  membership_with.down_after = options.down_after;
  membership_with.reread_after = options.reread_after;
  membership_with.listen = options.listen;
  membership_with.close_link = [holder](uint64_t number, std::string reason) {
    std::lock_guard lock{holder->mutex};
    if (holder->links) holder->links->close(number, std::move(reason));
  };
  auto make_dialler = [&system, holder](const membership_actor& of) -> dialler_actor {
    return system.spawn<caf::detached>(dialler, holder, of);
  };
  begun made;
  made.membership = system.spawn(membership, actors, std::move(membership_with), make_dialler);
  if (options.listen.empty() && options.heads.empty()) return made;
  node_links::options with;
  with.node = actors->node;
  with.listen = options.listen;
  with.folder = options.folder;
  with.interface = system.message_types<node_port_actor>();
  auto of = made.membership;
  with.factory = [&system, of](const link_facts& link) {
    return caf::actor_cast<caf::strong_actor_ptr>(
        system.spawn(node_port, of, link.number, link.node));
  };
  with.on_closed = [of](uint64_t number, const std::string& node, const std::string& reason) {
    caf::anon_send(of, cut_atom_v, number, node, reason);
  };
  auto links = node_links::open(system, std::move(with));
  if (!links) {
    caf::anon_send_exit(made.membership, caf::exit_reason::user_shutdown);
    return links.error();
  }
  made.links = std::move(*links);
  std::lock_guard lock{holder->mutex};
  holder->links = made.links.get();
  return made;
}

}  // namespace et::cluster
