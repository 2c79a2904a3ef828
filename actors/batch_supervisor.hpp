// A batch supervisor: plans the aggregations of one batch and drives each to safety. Everything it
// knows can be read again from the catalogue. Messages: batch_supervisor_actor in protocol.hpp.
#pragma once

#include <algorithm>
#include <map>
#include <set>

#include "actors/aggregation_planner.hpp"
#include "actors/protocol.hpp"

namespace et {

struct packing_options {
  uint64_t target_bytes = 64ull << 20;
};

struct batch_supervisor_state {
  static inline const char* name = "batch_supervisor";

  actors_ptr actors;
  packing_options packing;
  batch_record batch;
  std::vector<std::string> roots;
  bool loaded = false;
  bool busy_loading = false;
  bool busy_planning = false;
  bool busy_paging = false;

  std::string planned_to;  ///< path of the last planned file
  std::unique_ptr<aggregation_planner> planner;
  uint32_t next_number = 0;  ///< aggregations up to this one have been looked at
  bool all_seen = false;     ///< there is none behind next_number
  uint64_t changes = 0;      ///< of what there is to see, so that an answer from before is known
  std::map<uint32_t, aggregation_record> to_cache;  ///< REGISTERED, waiting for their turn
  std::map<uint32_t, aggregation_record>
      resting;                              ///< could not be cached, until the rest was tried
  bool looks_later = false;                 ///< one is on its way
  size_t failures = 0;                      ///< to cache, since the last look
  std::map<uint32_t, std::string> caching;  ///< being filled, with what they do
  std::string obstacle;                     ///< why one could not be cached
  std::set<uint32_t> at_tape;               ///< CACHED, in the scheduler's hands
  uint64_t retries = 0;

  /// There may be aggregations behind `number` to look at.
  void look_behind(uint32_t number) {
    next_number = std::min(next_number, number);
    all_seen = false;
    ++changes;
  }

  bool finished() const {
    return loaded && batch.planned && all_seen && to_cache.empty() && resting.empty() &&
           caching.empty() && at_tape.empty();
  }
  /// What it waits for, a line a kind.
  std::vector<std::string> waits() const;
};

/// `owner` is the director; its end ends the supervisor.
batch_supervisor_actor::behavior_type batch_supervisor(
    batch_supervisor_actor::stateful_pointer<batch_supervisor_state> self, batch_id id,
    actors_ptr actors, packing_options packing, caf::actor_addr owner);

}  // namespace et
