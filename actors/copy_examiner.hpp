// Looks whether cache copies still have the bytes that were stored, and gives up those that have
// not: a disk has flipped bits, and a client got something else than the file's checksum.
#pragma once

#include <atomic>
#include <deque>

#include "actors/protocol.hpp"
#include "storage/format/hashes.hpp"

namespace et {

/// A copy that a retrieval was served from: of which aggregation, in the cache of which node.
struct doubted_copy {
  aggregation_record record;
  std::string node;
};

/// Of one retrieval; each is read as a whole.
constexpr size_t max_doubted_copies = 64;

/// At once in this process. Clients decide how often a get has bad files, and each makes the caches
/// read more than the client did.
constexpr size_t max_copy_examiners = 4;

struct copy_examiner_state {
  copy_examiner_state() { ++alive; }
  ~copy_examiner_state() { --alive; }
  copy_examiner_state(const copy_examiner_state&) = delete;

  static inline const char* name = "copy_examiner";
  static inline std::atomic<size_t> alive{0};
  actors_ptr actors;
  std::deque<doubted_copy> doubted;  ///< the first is being read
  aggregation_hasher hasher;         ///< of what has been read of it
  uint64_t read_bytes = 0;
};

/// Examines one after the other and ends; at once when there are max_copy_examiners already. Copies
/// must be of aggregations that are safe on tape (the others are compared when they are written
/// there). One with other bytes leaves the cache, and what is wanted of it comes from tape; the log
/// and an alert tell.
caf::behavior copy_examiner(caf::stateful_actor<copy_examiner_state>* self, actors_ptr actors,
                            std::deque<doubted_copy> doubted);

}  // namespace et
