// The retrieval director: knows the running retrievals of all sessions, for status and cancel.
// Messages: retrieval_director_actor in protocol.hpp.
#pragma once

#include <map>

#include "actors/protocol.hpp"

namespace et {

struct retrieval_director_state {
  static inline const char* name = "retrieval_director";

  struct running {
    retrieval_record record;
    retrieval_supervisor_actor supervisor;
  };
  std::map<retrieval_id, running> retrievals;
};

retrieval_director_actor::behavior_type retrieval_director(
    retrieval_director_actor::stateful_pointer<retrieval_director_state> self);

}  // namespace et
