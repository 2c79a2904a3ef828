// Who has how much of the disk cache, and which files leave it first. Decisions only: no file is
// touched here.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "storage/types.hpp"

namespace et {

/// Number of a reservation, from 1.
using reservation_id = strong<struct reservation_tag, uint64_t>;

/// The account of one cache. Every byte is free, reserved (to be written), or held by a file. A
/// file is *safe* once the catalogue says that all its copies are on tape, *pinned* while somebody
/// reads it, *leaving* from the moment it was picked for eviction until it is removed. Only a file
/// that is safe and not pinned is ever picked. Not thread safe.
class cache_ledger {
 public:
  struct options {
    uint64_t capacity_bytes = 0;
    uint64_t high_bytes =
        0;  ///< above this, safe files leave before their retention time has passed
    uint64_t low_bytes = 0;  ///< until so much is occupied
  };

  /// Watermarks above the capacity, or low above high, are lowered to it.
  explicit cache_ledger(options opts);

  /// Sets so many bytes aside, or nullopt while they do not fit; more than the capacity never does.
  std::optional<reservation_id> reserve(uint64_t size_bytes);
  /// Turns a reservation into a file of `size_bytes`, which may be more or less than was reserved,
  /// not safe yet. False, and nothing done, when there is no such reservation or the file exists.
  bool commit(reservation_id reservation, aggregation_id file, uint64_t size_bytes);
  /// Gives a reservation back. False when there is none.
  bool release(reservation_id reservation);

  /// Adds a file found at start-up or recalled, not safe yet. False when it exists.
  bool add(aggregation_id file, uint64_t size_bytes);
  /// The file is safe since `since_ns`: a later call changes that time. False when there is none.
  bool mark_safe(aggregation_id file, int64_t since_ns);
  /// Forgets a file: it was deleted. Pinned or not; its pins end. False when there is none.
  bool remove(aggregation_id file);

  /// Keeps a file from being picked, once more for each call. False when it is not there or
  /// leaving.
  bool pin(aggregation_id file);
  /// False when it is not pinned.
  bool unpin(aggregation_id file);

  /// Picks files that must go now, oldest safe first, and marks them as leaving: all that have been
  /// safe for `retention_ns`, and more when the cache is above the high watermark, until it is at
  /// the low one and `needed_bytes` are free besides. Files already leaving count as gone.
  /// The caller ends each with remove() or keep().
  std::vector<aggregation_id> pick_evictions(int64_t now_ns, int64_t retention_ns,
                                             uint64_t needed_bytes);
  /// A leaving file stays after all. False when it is not leaving.
  bool keep(aggregation_id file);

  bool holds(aggregation_id file) const { return files_.contains(file); }
  /// 0 when there is no such file.
  uint64_t size_bytes(aggregation_id file) const {
    auto found = files_.find(file);
    return found == files_.end() ? 0 : found->second.size_bytes;
  }
  bool is_safe(aggregation_id file) const {
    auto found = files_.find(file);
    return found != files_.end() && found->second.safe;
  }
  bool is_leaving(aggregation_id file) const {
    auto found = files_.find(file);
    return found != files_.end() && found->second.leaving;
  }
  uint64_t capacity_bytes() const { return options_.capacity_bytes; }
  uint64_t file_bytes() const { return file_bytes_; }
  uint64_t reserved_bytes() const { return reserved_bytes_; }
  uint64_t leaving_bytes() const { return leaving_bytes_; }
  /// Of files that are not safe.
  uint64_t unsafe_bytes() const { return unsafe_bytes_; }
  /// The watermarks as they are used.
  const options& bounds() const { return options_; }
  uint64_t occupied_bytes() const { return file_bytes_ + reserved_bytes_; }
  /// 0 when more is occupied than the capacity, which a file larger than its reservation can cause.
  uint64_t free_bytes() const;
  size_t files() const { return files_.size(); }

 private:
  struct held_file {
    uint64_t size_bytes = 0;
    uint32_t pins = 0;
    bool safe = false;
    bool leaving = false;
    int64_t safe_since_ns = 0;
  };
  using file_map = std::map<aggregation_id, held_file>;

  static bool may_leave(const held_file& f) { return f.safe && f.pins == 0 && !f.leaving; }
  void list(const file_map::value_type& f);
  void unlist(const file_map::value_type& f);

  options options_;
  file_map files_;
  std::set<std::pair<int64_t, aggregation_id>> candidates_;  // files that may leave, oldest first
  std::map<reservation_id, uint64_t> reservations_;
  uint64_t next_reservation_ = 1;
  uint64_t file_bytes_ = 0;
  uint64_t reserved_bytes_ = 0;
  uint64_t leaving_bytes_ = 0;
  uint64_t unsafe_bytes_ = 0;
};

}  // namespace et
