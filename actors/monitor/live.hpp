// What is going on in the service at this moment, for the dashboard, the JSON interface and the
// metrics. A picture is made at most twice a second, however many look at it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "actors/messages.hpp"
#include "storage/catalogue/records.hpp"

namespace et::monitor {

/// Bytes that moved in one second (or one minute, in the longer history), and when it began.
struct throughput_sample {
  int64_t time_s = 0;
  uint64_t put_bytes = 0;         ///< from source files into the cache
  uint64_t tape_write_bytes = 0;  ///< from the cache to tape
  uint64_t tape_read_bytes = 0;   ///< from tape into the cache
  uint64_t get_bytes = 0;         ///< delivered to clients
};

struct live_drive {
  uint32_t number = 0;
  std::string activity;        ///< idle, mounting, writing, reading, dismounting, resting
  barcode volume;              ///< empty: none mounted
  std::string pool;            ///< being written
  aggregation_id aggregation;  ///< being recalled; 0.0: none
  std::string workspace_name;  ///< of that aggregation
  uint64_t written_bytes = 0;  ///< since the start
  uint64_t read_bytes = 0;
};

/// A cartridge and where it is.
struct live_volume {
  volume_record record;
  bool present = false;  ///< in the library
  int32_t drive = -1;    ///< in this drive; -1: in a slot, or absent
};

struct live_cache {
  uint64_t capacity_bytes = 0;
  uint64_t used_bytes = 0;    ///< reserved room included
  uint64_t unsafe_bytes = 0;  ///< of aggregations that are not on tape yet
  uint64_t high_bytes = 0;    ///< watermarks
  uint64_t low_bytes = 0;
  uint64_t aggregations = 0;
  bool full = false;  ///< somebody waits for room
};

/// Work that waits. `name`: cache, recall room, write POOL, recall, batches.
struct live_queue {
  std::string name;
  uint64_t waiting = 0;
  uint64_t waiting_bytes = 0;  ///< 0 where it is not known
  int64_t oldest_ms = 0;       ///< how long the first has waited
};

struct live_node {
  std::string name;
  std::string state;  ///< up
  std::string version;
  std::vector<std::string> roles;
  int64_t started_ns = 0;
};

struct live_state {
  int64_t time_ns = 0;
  std::string node;
  std::string version;
  int64_t started_ns = 0;
  uint64_t sessions = 0;  ///< clients connected
  /// Not finished, oldest first, at most defaults::live_batches; how many there are in all.
  std::vector<batch_record> batches;
  uint64_t batches_in_motion = 0;
  std::vector<retrieval_status> retrievals;  ///< running
  std::vector<live_drive> drives;
  std::vector<live_volume> volumes;  ///< all, by barcode
  uint64_t slots = 0;
  bool library_known = false;  ///< the inventory has been taken
  live_cache cache;
  std::vector<live_queue> queues;
  std::vector<workspace_record> workspaces;
  std::vector<alert_record> alerts;  ///< newest first, at most defaults::live_alerts
  /// Older ones that are among the newest of their workspace: for who sees only that.
  std::vector<alert_record> older_alerts;
  std::vector<live_node> nodes;
  std::string trouble;  ///< why some of this is old or missing; empty: nothing is
};

/// Thread-safe.
class live_source {
 public:
  virtual ~live_source() = default;
  /// Never null. Asks the actors when the last picture is older than half a second; waits for them
  /// for two seconds at most, and gives what it knows then.
  virtual std::shared_ptr<const live_state> now() = 0;
  /// The last seconds (at most ten minutes of them) or, with `minutes`, the last minutes (at most a
  /// day), oldest first, without the one that is running.
  virtual std::vector<throughput_sample> throughput(bool minutes, size_t at_most) = 0;
};

}  // namespace et::monitor
