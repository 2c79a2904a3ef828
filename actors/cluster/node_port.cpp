#include "actors/actor_base.hpp"
#include "actors/cluster/membership.hpp"

namespace et::cluster {

node_port_actor::behavior_type node_port(node_port_actor::stateful_pointer<node_port_state> self,
                                         membership_actor membership, uint64_t link,
                                         std::string node) {
  guard(self);
  return {
      [=](meet_atom, const node_card& card) -> caf::result<node_card> {
        if (card.node != node)
          return fail(errc::not_authorised,
                      "the certificate is of node " + node + ", not of " + card.node);
        return self->delegate(membership, meet_atom_v, link, node, card);
      },
      [=](ping_atom, uint64_t epoch) -> caf::result<node_news> {
        return self->delegate(membership, ping_atom_v, link, epoch);
      },
  };
}

}  // namespace et::cluster
