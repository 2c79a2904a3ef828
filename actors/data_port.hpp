// What a client with a ticket speaks to on a node: it reads the ranges of its retrieval and can do
// nothing else. Messages: client_actor in protocol_client.hpp, of which it answers hello and
// get_data.
#pragma once

#include "actors/protocol.hpp"

namespace et {

struct data_port_state {
  static inline const char* name = "data_port";
  actors_ptr actors;
  std::string ticket;  ///< empty: used
  retrieval_id retrieval;
};

client_actor::behavior_type data_port(client_actor::stateful_pointer<data_port_state> self,
                                      actors_ptr actors, std::string ticket, uint64_t session);

}  // namespace et
