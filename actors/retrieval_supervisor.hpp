// A retrieval supervisor: one get. What is cached is ready at once, the rest is recalled from tape.
// Messages: retrieval_supervisor_actor in protocol.hpp.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <set>
#include <vector>

#include "actors/copy_examiner.hpp"
#include "actors/protocol.hpp"

namespace et {

struct retrieval_supervisor_state {
  static inline const char* name = "retrieval_supervisor";

  enum class part_state : uint8_t { queued, resolving, recalling, away, ready, failed, done };

  /// The wanted ranges of one aggregation.
  struct part {
    aggregation_id aggregation;
    std::vector<wanted_range> ranges;
    part_state state = part_state::queued;
    aggregation_record record;
    std::string node;           ///< whose cache has it, or will have it
    int64_t node_since_ns = 0;  ///< since when that was up when the part became ready
    size_t copy = 0;            ///< of record.copies, being read
    bool ranges_only = false;   ///< not the whole aggregation, even where that is cheaper
    bool salvage = false;       ///< every copy failed: bring back what can be read
    uint64_t recall = 0;        ///< number of a part recall, 0: the cache file
    uint64_t room = 0;          ///< reservation held for a part recall
    bool pinned = false;
    size_t delivered = 0;  ///< ranges told to the client
    size_t finished = 0;   ///< ranges the client is done with
    errc code = errc::none;
    std::string text;

    /// At least half of the blocks of `copy` are wanted: bringing back all of them costs hardly
    /// more and fills the cache.
    bool whole_is_cheaper(const copy_record& copy) const;
    /// A range that was told to the client, or nearly, is to be told again; false: it was not.
    bool take_back(const wanted_range& range);
  };

  actors_ptr actors;
  retrieval_record record;
  std::map<uint64_t, part> parts;  ///< by their own number; finished ones are erased
  uint64_t next_part = 1;
  uint64_t open_part = 0;  ///< still gathering ranges, 0: none
  size_t ranges = 0;
  size_t finished_ranges = 0;
  uint64_t wanted_bytes = 0;
  uint64_t finished_bytes = 0;
  uint64_t session = 0;
  bool lends = true;         ///< the session's client takes descriptors
  std::string cancelled_by;  ///< a user; empty: nobody
  bool all_wanted = false;
  bool ended = false;
  bool recorded = false;  ///< the end is in the catalogue, or cannot be
  std::vector<std::function<void()>> when_recorded;
  std::set<batch_id> allowed;  ///< batches known to be of the workspace
  std::deque<caf::typed_response_promise<delivery>> waiting;
  std::deque<doubted_copy> served;  ///< the first copies in caches that ranges came out of

  /// The client is done with all of a part; if files were bad, its copy is looked at.
  void remember(const part& of);

  /// The next range to tell the client, with its part marked; nullopt: none now.
  std::optional<delivery> next_delivery();
  /// The client is done with a range of a part.
  void count_finished(const part& of, const wanted_range& range);
  /// The part with a range that was told as ready, whatever became of it since; 0: none.
  uint64_t told(aggregation_id id, uint64_t offset_bytes) const;
  /// The same, and it can be read now; null: it cannot.
  const part* readable(aggregation_id id, uint64_t offset_bytes) const;
};

/// `owner`, the port of session number `session`, cancels the retrieval when it ends.
retrieval_supervisor_actor::behavior_type retrieval_supervisor(
    retrieval_supervisor_actor::stateful_pointer<retrieval_supervisor_state> self,
    actors_ptr actors, retrieval_record record, caf::actor_addr owner, uint64_t session);

}  // namespace et
