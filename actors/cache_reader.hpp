// A cache reader: reads pieces of cache files for clients, and deletes cache files. Messages:
// cache_reader_actor in protocol.hpp.
#pragma once

#include <list>

#include "actors/descriptor_channel.hpp"
#include "actors/protocol.hpp"
#include "storage/cache/cache_store.hpp"

namespace et {

struct cache_reader_state {
  static inline const char* name = "cache_reader";

  struct open_file {
    aggregation_id id;
    uint64_t recall = 0;
    unique_fd fd;
  };

  cache_store* store = nullptr;
  std::shared_ptr<descriptor_channels> channels;
  std::list<open_file> open;  ///< most recently used first, a few
  uint64_t read_bytes = 0;
  uint64_t lent = 0;

  /// The descriptor of a file, kept open for the next call.
  caf::expected<int> open_once(aggregation_id id, uint64_t recall);
  caf::expected<uint64_t> lend(aggregation_id id, uint64_t recall, uint64_t session);
  caf::expected<bytes> read(aggregation_id id, uint64_t recall, uint64_t offset_bytes,
                            uint32_t length_bytes);
  caf::error forget(aggregation_id id, uint64_t recall);
};

/// `store` outlives the actor. `channels` may be null: nothing is lent then. Detached; any number
/// of them.
cache_reader_actor::behavior_type cache_reader(
    cache_reader_actor::stateful_pointer<cache_reader_state> self, cache_store* store,
    std::shared_ptr<descriptor_channels> channels, uint32_t number);

}  // namespace et
