// The mount scheduler: queues, drives and volumes, acted out with the library and the drives; what
// is decided stands in mount_plan. Messages: mount_scheduler_actor in protocol.hpp.
#pragma once

#include <functional>
#include <map>
#include <set>

#include "actors/mount_plan.hpp"
#include "actors/protocol.hpp"
#include "actors/trouble_log.hpp"

namespace et {

struct scheduler_options {
  mount_policy policy;
  uint32_t copies = 1;
  /// A clock that nobody sets, or drives would rest for as long as it was set back; empty: the
  /// actor system's.
  std::function<int64_t()> elapsed_ms;
};

struct mount_scheduler_state {
  static inline const char* name = "mount_scheduler";

  scheduler_options options;
  actors_ptr actors;
  std::unique_ptr<mount_plan> plan;
  std::map<uint64_t, caf::typed_response_promise<recall_outcome>> recalls;
  std::vector<caf::typed_response_promise<bool>> stop_promises;
  bool volumes_known = false;             ///< from the catalogue
  bool ready = false;                     ///< an inventory is known
  std::set<std::string> asking;           ///< nodes, for their inventory
  std::map<std::string, uint64_t> slots;  ///< of the library of each node
  /// Written to tape behind a flush, and perhaps not in the catalogue, by drive, which waits.
  struct unrecorded_write {
    write_outcome outcome;
    std::vector<queued_write> writes;
    caf::actor_clock::time_point due;  ///< to be tried again
  };
  std::map<uint32_t, unrecorded_write> unrecorded;
  bool stopping = false;
  bool starved = false;  ///< an alert said that no volume is left
  trouble_log troubles;  ///< a few for each drive and volume
  int64_t wake_ms = 0;   ///< the next tick that was asked for

  int64_t now_ms() const { return options.elapsed_ms(); }
  /// For the live picture.
  scheduler_facts facts(uint64_t revision) const;
  /// The pools that an aggregation still needs a copy in.
  std::vector<std::string> missing_pools(const aggregation_record& record) const;
};

/// Name of the pool that holds copy `number` (from 1).
std::string pool_of_copy(uint32_t number);

mount_scheduler_actor::behavior_type mount_scheduler(
    mount_scheduler_actor::stateful_pointer<mount_scheduler_state> self, actors_ptr actors,
    scheduler_options options);

}  // namespace et
