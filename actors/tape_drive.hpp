// One tape drive: a mount session. Messages: tape_drive_actor in protocol.hpp.
#pragma once

#include <atomic>

#include "actors/protocol.hpp"
#include "storage/cache/cache_store.hpp"
#include "storage/format/byte_io.hpp"
#include "storage/os/clock.hpp"
#include "storage/tape/drive.hpp"

namespace et {

struct tape_drive_state {
  static inline const char* name = "tape_drive";
  actors_ptr actors;
  caf::actor_system* system = nullptr;
  tape::drive* drive = nullptr;
  cache_store* store = nullptr;
  const wall_clock* clock = nullptr;
  const std::atomic<bool>* stopping = nullptr;
  std::shared_ptr<metrics> measures;
  uint32_t number = 0;
  uint32_t block_bytes = default_block_bytes;
  uint64_t written_bytes = 0;
  uint64_t read_bytes = 0;

  caf::expected<volume_record> mount(volume_record volume);
  /// Never fails as a whole: what is behind the flush counts, the outcome says the rest.
  write_outcome write(const write_job& job);
  recall_outcome recall(const recall_job& job);

 private:
  /// A cache file's bytes, of this node's cache or another's.
  caf::expected<byte_source> open_source(const aggregation_record& record);
  caf::error write_item(const tape_item& item, write_outcome& outcome);
  caf::error recall_whole(const recall_job& job);
  caf::error recall_ranges(const recall_job& job);
  caf::error recall_range(const recall_job& job, uint64_t begin_bytes, uint64_t end_bytes, int fd);
  /// Block by block, leaving out those that cannot be read.
  caf::error salvage_range(const recall_job& job, const wanted_range& range, int fd);
};

/// Drive `number` of its node. `drive`, `store`, `clock`, `stopping` outlive the actor. While
/// `stopping` is true, a running job ends after the current block. Detached, one per drive.
tape_drive_actor::behavior_type tape_drive(
    tape_drive_actor::stateful_pointer<tape_drive_state> self, actors_ptr actors,
    tape::drive* drive, uint32_t number, cache_store* store, const wall_clock* clock,
    const std::atomic<bool>* stopping, uint32_t block_bytes);

}  // namespace et
