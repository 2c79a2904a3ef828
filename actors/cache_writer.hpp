// A cache writer: reads the source files of one aggregation at a time, as the requester, and writes
// its cache file. Messages: cache_writer_actor in protocol.hpp.
#pragma once

#include <atomic>

#include "actors/protocol.hpp"
#include "storage/cache/aggregation_builder.hpp"

namespace et {

/// Lets the keeper end a writer's job from outside, since a writer at work reads no messages.
struct writer_control {
  std::atomic<bool> cancel{false};
};

struct cache_writer_state {
  static inline const char* name = "cache_writer";
  std::unique_ptr<aggregation_builder> builder;
  std::shared_ptr<writer_control> control;
  std::shared_ptr<metrics> measures;
  uint64_t aggregations = 0;
  uint64_t written_bytes = 0;

  /// Into the node's cache, or with `to` there.
  caf::expected<cached_aggregation> write(const cache_job& job, aggregation_destination* to);
};

/// `store` outlives the actor. Detached.
cache_writer_actor::behavior_type cache_writer(
    cache_writer_actor::stateful_pointer<cache_writer_state> self, cache_store* store,
    std::shared_ptr<writer_control> control, uint32_t number, std::shared_ptr<metrics> measures);

}  // namespace et
