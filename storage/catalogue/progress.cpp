#include "storage/catalogue/progress.hpp"

#include "storage/catalogue/values.hpp"

namespace et {

namespace {

size_t index_of(state s) {
  return static_cast<size_t>(s);
}

uint32_t waiting(const batch_record& batch) {
  return batch.in_state[index_of(state::registered)] + batch.in_state[index_of(state::cached)];
}

}  // namespace

bool is_settled(const batch_record& batch) {
  return is_safe(batch.state) ||
         (batch.state == state::failed && batch.planned && waiting(batch) == 0);
}

state derived_state(const batch_record& batch) {
  if (batch.failed_files > 0) return state::failed;
  if (!batch.planned) return state::registered;
  for (auto s : {state::registered, state::cached, state::cached_synced, state::synced})
    if (batch.in_state[index_of(s)] > 0) return s;
  return state::registered;
}

void move_to(batch_record& batch, aggregation_record& aggregation, state to, int64_t now_ns) {
  auto& from = batch.in_state[index_of(aggregation.state)];
  if (from > 0) --from;
  ++batch.in_state[index_of(to)];
  aggregation.state = to;
  auto& history = aggregation.history;
  if (history.size() >= values::history_changes)
    history.erase(history.begin(),
                  history.end() - static_cast<ptrdiff_t>(values::history_changes - 1));
  history.push_back({to, now_ns});
  batch.state = derived_state(batch);
}

bool finish_caching(batch_record& batch) {
  if (batch.cached_told || !batch.planned || batch.in_state[index_of(state::registered)] > 0)
    return false;
  bool any = false;
  for (auto s : {state::cached, state::cached_synced, state::synced})
    any = any || batch.in_state[index_of(s)] > 0;
  batch.cached_told = any;
  return any;
}

uint32_t crossed_percent(uint64_t quota_bytes, uint64_t before_bytes, uint64_t after_bytes) {
  for (uint64_t percent : {100, 95, 80}) {
    // Rounded up, and without an overflow for any quota.
    auto mark = quota_bytes / 100 * percent + (quota_bytes % 100 * percent + 99) / 100;
    if (before_bytes < mark && after_bytes >= mark) return static_cast<uint32_t>(percent);
  }
  return 0;
}

bool finish(batch_record& batch, int64_t now_ns) {
  if (batch.safe_ns != 0 || !batch.planned || waiting(batch) > 0) return false;
  batch.safe_ns = now_ns;
  return true;
}

}  // namespace et
