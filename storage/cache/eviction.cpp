#include "storage/cache/eviction.hpp"

#include <algorithm>

namespace et {

cache_ledger::cache_ledger(options opts) : options_(opts) {
  options_.high_bytes = std::min(options_.high_bytes, options_.capacity_bytes);
  options_.low_bytes = std::min(options_.low_bytes, options_.high_bytes);
}

uint64_t cache_ledger::free_bytes() const {
  auto occupied = occupied_bytes();
  return occupied < options_.capacity_bytes ? options_.capacity_bytes - occupied : 0;
}

std::optional<reservation_id> cache_ledger::reserve(uint64_t size_bytes) {
  if (size_bytes > free_bytes()) return std::nullopt;
  reservation_id id{next_reservation_++};
  reservations_.emplace(id, size_bytes);
  reserved_bytes_ += size_bytes;
  return id;
}

bool cache_ledger::commit(reservation_id reservation, aggregation_id id, uint64_t size_bytes) {
  if (!reservations_.contains(reservation) || !add(id, size_bytes)) return false;
  return release(reservation);
}

bool cache_ledger::release(reservation_id reservation) {
  auto found = reservations_.find(reservation);
  if (found == reservations_.end()) return false;
  reserved_bytes_ -= found->second;
  reservations_.erase(found);
  return true;
}

bool cache_ledger::add(aggregation_id id, uint64_t size_bytes) {
  if (!files_.try_emplace(id, held_file{.size_bytes = size_bytes}).second) return false;
  file_bytes_ += size_bytes;
  unsafe_bytes_ += size_bytes;
  return true;
}

void cache_ledger::list(const file_map::value_type& f) {
  if (may_leave(f.second)) candidates_.emplace(f.second.safe_since_ns, f.first);
}

void cache_ledger::unlist(const file_map::value_type& f) {
  candidates_.erase({f.second.safe_since_ns, f.first});
}

bool cache_ledger::mark_safe(aggregation_id id, int64_t since_ns) {
  auto found = files_.find(id);
  if (found == files_.end()) return false;
  unlist(*found);
  if (!found->second.safe) unsafe_bytes_ -= found->second.size_bytes;
  found->second.safe = true;
  found->second.safe_since_ns = since_ns;
  list(*found);
  return true;
}

bool cache_ledger::remove(aggregation_id id) {
  auto found = files_.find(id);
  if (found == files_.end()) return false;
  unlist(*found);
  file_bytes_ -= found->second.size_bytes;
  if (!found->second.safe) unsafe_bytes_ -= found->second.size_bytes;
  if (found->second.leaving) leaving_bytes_ -= found->second.size_bytes;
  files_.erase(found);
  return true;
}

bool cache_ledger::pin(aggregation_id id) {
  auto found = files_.find(id);
  if (found == files_.end() || found->second.leaving) return false;
  unlist(*found);
  ++found->second.pins;
  return true;
}

bool cache_ledger::unpin(aggregation_id id) {
  auto found = files_.find(id);
  if (found == files_.end() || found->second.pins == 0) return false;
  --found->second.pins;
  list(*found);
  return true;
}

std::vector<aggregation_id> cache_ledger::pick_evictions(int64_t now_ns, int64_t retention_ns,
                                                         uint64_t needed_bytes) {
  std::vector<aggregation_id> picked;
  auto occupied = [this] { return occupied_bytes() - leaving_bytes_; };
  bool pressed = occupied() > options_.high_bytes;
  // What is never going to fit must not empty the cache.
  if (needed_bytes > options_.capacity_bytes) needed_bytes = 0;
  auto must_go = [&](int64_t since_ns) {
    return since_ns <= now_ns - retention_ns || (pressed && occupied() > options_.low_bytes) ||
           occupied() > options_.capacity_bytes - needed_bytes;
  };
  while (!candidates_.empty() && must_go(candidates_.begin()->first)) {
    auto id = candidates_.begin()->second;
    candidates_.erase(candidates_.begin());
    auto& f = files_.at(id);
    f.leaving = true;
    leaving_bytes_ += f.size_bytes;
    picked.push_back(id);
  }
  return picked;
}

bool cache_ledger::keep(aggregation_id id) {
  auto found = files_.find(id);
  if (found == files_.end() || !found->second.leaving) return false;
  found->second.leaving = false;
  leaving_bytes_ -= found->second.size_bytes;
  list(*found);
  return true;
}

}  // namespace et
