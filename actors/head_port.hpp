// What the actors of nodes may ask of the head. Messages: head_actor in protocol.hpp.
#pragma once

#include "actors/protocol.hpp"

namespace et {

struct head_port_state {
  static inline const char* name = "head_port";
  actors_ptr actors;
};

head_actor::behavior_type head_port(head_actor::stateful_pointer<head_port_state> self,
                                    actors_ptr actors);

}  // namespace et
