// The batch director: one batch supervisor for each batch in motion, a bounded number at once.
// Messages: batch_director_actor in protocol.hpp.
#pragma once

#include <deque>
#include <map>
#include <set>

#include "actors/batch_supervisor.hpp"
#include "actors/protocol.hpp"

namespace et {

struct batch_director_state {
  static inline const char* name = "batch_director";
  actors_ptr actors;
  packing_options packing;
  std::map<batch_id, batch_supervisor_actor> running;
  std::deque<batch_id> waiting;
  std::set<batch_id> finished;  ///< of the running ones, their supervisors are being ended

  /// Those in motion and those that wait.
  director_facts facts() const;
};

/// Asks the catalogue at its start which batches are in motion and goes on with them.
batch_director_actor::behavior_type batch_director(
    batch_director_actor::stateful_pointer<batch_director_state> self, actors_ptr actors,
    packing_options packing);

}  // namespace et
