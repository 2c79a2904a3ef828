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

/// Sets `cached_told` when the batch is planned, nothing of it is to be read any more and some of
/// it was not given up; true when that happened now.
bool finish_caching(batch_record& batch);

/// The share of a quota that filling it from `before_bytes` to `after_bytes` crosses: 80, 95 or
/// 100, the highest of them; 0: none.
uint32_t crossed_percent(uint64_t quota_bytes, uint64_t before_bytes, uint64_t after_bytes);

/// Sets `safe_ns` when the batch is planned and nothing of it waits any more; true when that
/// happened now.
bool finish(batch_record& batch, int64_t now_ns);

}  // namespace et
