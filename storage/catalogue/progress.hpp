// How a batch's state follows from its aggregations: decisions on records, no storage in them.
#pragma once

#include "storage/catalogue/records.hpp"

namespace et {

/// Every copy is on tape: the promise holds.
inline bool is_safe(state s) {
  return s == state::cached_synced || s == state::synced;
}

/// Nothing of it is in motion any more: it is safe, or has failed and the rest of it is safe.
bool is_settled(const batch_record& batch);

/// The state of a batch by its counts.
state derived_state(const batch_record& batch);

/// Moves `aggregation`, counted in `batch`, to `to`, with its history and the batch's state.
void move_to(batch_record& batch, aggregation_record& aggregation, state to, int64_t now_ns);

/// Sets `safe_ns` when the batch is planned and nothing of it waits any more; true when that
/// happened now.
bool finish(batch_record& batch, int64_t now_ns);

}  // namespace et
