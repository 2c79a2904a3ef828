// A cache receiver: takes aggregations that are made on other nodes into the cache. Messages:
// cache_receiver_actor in protocol.hpp.
#pragma once

#include <map>

#include "actors/protocol.hpp"
#include "storage/cache/cache_store.hpp"
#include "storage/format/hashes.hpp"

namespace et {

struct cache_receiver_state {
  static inline const char* name = "cache_receiver";

  struct transfer {
    caf::actor_addr sender;
    cache_file_sink sink;
    aggregation_hasher hasher;
  };

  cache_store* store = nullptr;
  std::map<uint64_t, transfer> transfers;
  uint64_t next_number = 1;
  uint64_t received_bytes = 0;

  caf::expected<uint64_t> open(aggregation_id id, caf::actor_addr sender);
  /// After an error the transfer is dropped.
  caf::error take(uint64_t number, uint64_t offset_bytes, const bytes& piece);
  caf::error publish(uint64_t number, uint64_t size_bytes, const aggregation_checksum& checksum);
  void drop_of(const caf::actor_addr& sender);
};

/// `store` outlives the actor. Detached.
cache_receiver_actor::behavior_type cache_receiver(
    cache_receiver_actor::stateful_pointer<cache_receiver_state> self, cache_store* store,
    uint32_t number);

}  // namespace et
