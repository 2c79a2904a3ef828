// The inspector: asks every actor for its report. Messages: inspector_actor in protocol.hpp.
#pragma once

#include "actors/protocol.hpp"

namespace et {

struct inspector_state {
  static inline const char* name = "inspector";
  actors_ptr actors;
};

inspector_actor::behavior_type inspector(inspector_actor::stateful_pointer<inspector_state> self,
                                         actors_ptr actors);

}  // namespace et
