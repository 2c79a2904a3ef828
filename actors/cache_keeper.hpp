// The cache keeper of a node: space, pins, eviction, and the queue for its cache writers. Messages:
// cache_keeper_actor in protocol.hpp.
#pragma once

#include <deque>
#include <map>
#include <set>

#include "actors/cache_writer.hpp"
#include "actors/protocol.hpp"
#include "storage/cache/cache_store.hpp"
#include "storage/cache/eviction.hpp"

namespace et {

struct cache_options {
  cache_ledger::options ledger;
  int64_t retention_ns = 3'600'000'000'000;
  uint64_t reserve_bytes = 1ull << 30;  ///< of the file system, left free
};

/// A cache file found at start-up. On the head the catalogue has been asked; on other nodes the
/// head judges it later.
struct kept_file {
  aggregation_id id;
  uint64_t size_bytes = 0;
  bool safe = false;
};

struct cache_keeper_state {
  static inline const char* name = "cache_keeper";

  struct waiting_job {
    cache_job job;
    int64_t since_ns = 0;
    caf::typed_response_promise<cached_aggregation> promise;
  };
  struct waiting_room {
    uint64_t size_bytes = 0;
    int64_t since_ns = 0;
    caf::typed_response_promise<uint64_t> promise;
  };

  /// A cache writer: its node, empty for this one, and its number there.
  using writer_name = std::pair<std::string, uint32_t>;

  cache_options options;
  cache_store* store = nullptr;
  const wall_clock* clock = nullptr;
  actors_ptr actors;
  std::vector<std::shared_ptr<writer_control>> controls;
  std::unique_ptr<cache_ledger> ledger;
  std::set<aggregation_id> files;           ///< all that the ledger holds
  std::map<writer_name, batch_id> working;  ///< writers at work
  std::set<writer_name> given_up;           ///< of these, what they make is not wanted any more
  std::set<reservation_id> lent_rooms;      ///< reserved for recalls
  std::deque<waiting_job> jobs;             ///< bounded by the supervisors' own bounds
  std::deque<waiting_room> rooms;
  bool full = false;  ///< somebody waits for room, and an alert said so
};

/// `store` and `clock` outlive the actor.
cache_keeper_actor::behavior_type cache_keeper(
    cache_keeper_actor::stateful_pointer<cache_keeper_state> self, actors_ptr actors,
    cache_store* store, const wall_clock* clock, cache_options options,
    std::vector<std::shared_ptr<writer_control>> controls, std::vector<kept_file> found);

}  // namespace et
