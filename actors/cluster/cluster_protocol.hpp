// What nodes of a cluster say to each other over their links, besides the messages of protocol.hpp
// that go to the actors on a node's card.
#pragma once

#include "actors/node_roster.hpp"

namespace et {

/// What a node says of itself when it meets another.
struct node_card {
  std::string node;
  std::string version;             ///< of the program
  std::vector<std::string> roles;  ///< head, io, source, standby
  std::vector<std::string> roots;  ///< beneath which it sees files
  uint64_t epoch = 0;              ///< the highest of a head that it knows; of a head: its own
  std::string listen;              ///< HOST:PORT for links; empty: it dials only
  std::string clients;             ///< HOST:PORT for clients with tickets; empty: none
  std::string fingerprint;         ///< of the public key that clients see there
  cache_keeper_actor keeper;       ///< this and the next as in storage_node
  std::vector<cache_reader_actor> cache_readers;
  std::vector<cache_writer_actor> writers;
  std::vector<tape_drive_actor> drives;
  library_actor library;
  ticket_office_actor tickets;
  inspector_actor inspector;
  head_actor head;                 ///< null: it is not the head
  caf::strong_actor_ptr port;      ///< node_port_actor of the one that dialled the link
  caf::strong_actor_ptr follower;  ///< of a standby: catalogue_follower_actor; null: it is none

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, node_card& x) {
    return f(caf::meta::type_name("node_card"), x.node, x.version, x.roles, x.roots, x.epoch,
             x.listen, x.clients, x.fingerprint, x.keeper, x.cache_readers, x.writers, x.drives,
             x.library, x.tickets, x.inspector, x.head, x.port, x.follower);
  }
};

/// Where a node listens for links.
struct node_address {
  std::string node;
  std::string address;  ///< HOST:PORT

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, node_address& x) {
    return f(caf::meta::type_name("node_address"), x.node, x.address);
  }
};

/// The answer to a sign of life.
struct node_news {
  node_load load;
  uint64_t epoch = 0;
  std::vector<node_address> nodes;  ///< of a head: those that are up

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, node_news& x) {
    return f(caf::meta::type_name("node_news"), x.load, x.epoch, x.nodes);
  }
};

}  // namespace et

CAF_BEGIN_TYPE_ID_BLOCK(cluster, caf::first_custom_type_id + 300)
CAF_ADD_TYPE_ID(cluster, (et::node_card))
CAF_ADD_TYPE_ID(cluster, (et::node_load))
CAF_ADD_TYPE_ID(cluster, (et::node_address))
CAF_ADD_TYPE_ID(cluster, (std::vector<et::node_address>))
CAF_ADD_TYPE_ID(cluster, (et::node_news))
CAF_ADD_ATOM(cluster, et, meet_atom, "meet")
CAF_ADD_ATOM(cluster, et, ping_atom, "ping")
CAF_ADD_ATOM(cluster, et, linked_atom, "linked")
CAF_ADD_ATOM(cluster, et, cut_atom, "cut")
CAF_ADD_ATOM(cluster, et, dial_atom, "dial")
CAF_ADD_ATOM(cluster, et, expect_atom, "expect")
CAF_END_TYPE_ID_BLOCK(cluster)

namespace et {

/// What a node shows to another over their link; one for each link.
using node_port_actor = caf::typed_actor<
    // The cards of both. Error: not_authorised when the link's certificate has another name.
    handles<node_card(meet_atom, node_card)>,
    // A sign of life, with the epoch that the sender knows.
    handles<node_news(ping_atom, uint64_t)>>;

/// Knows the links of this node and who is at their other ends. One on each node.
using membership_actor = reporting_actor::extend<
    // A link has been dialled: number, for which node (empty: the head), who is there, the actor at
    // its other end.
    handles<void(linked_atom, uint64_t, std::string, std::string, caf::strong_actor_ptr)>,
    // Dialling an address for a node (empty: the head) failed, and why.
    handles<void(dial_atom, std::string, std::string)>,
    // A link has ended: number, node, reason.
    handles<void(cut_atom, uint64_t, std::string, std::string)>,
    // From the port of a link: what its peer said.
    handles<node_card(meet_atom, uint64_t, std::string, node_card)>,
    handles<node_news(ping_atom, uint64_t, uint64_t)>,
    // From a joiner: what the node holds has been judged; or why not.
    handles<void(joined_atom, uint64_t, std::string)>,
    // A node that the catalogue knows of: it is lost until it joins.
    handles<void(expect_atom, std::string)>,
    // For people: the nodes.
    handles<std::vector<report>(nodes_atom)>,
    // Next signs of life (to itself).
    handles<void(tick_atom)>>;

/// Dials one address at a time. Detached.
using dialler_actor = caf::typed_actor<
    // Address, name of the node (empty: the head); the answer goes to the membership.
    handles<void(dial_atom, std::string, std::string)>,
    // Looks whether the node's certificate must be renewed (to itself).
    handles<void(tick_atom)>>;

}  // namespace et
