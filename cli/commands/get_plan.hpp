// Which byte ranges of which aggregations a get asks for.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "actors/messages.hpp"

namespace et {

/// A range to ask for, and how to find its files again when it is there.
struct planned_range {
  wanted_range range;
  uint64_t files = 0;
  uint64_t size_bytes = 0;     ///< of the files
  std::string before;          ///< path of the row in front of its first file; empty: none
  std::string last_path;       ///< of its last file
  std::vector<file_row> rows;  ///< its files; empty when they are to be listed again
};

/// Gathers wanted rows into ranges. Rows come by aggregation and offset: the order of a listing.
class range_planner {
 public:
  /// Rows are merged when no other row has come between them and the gap of bytes between them is
  /// at most `max_gap_bytes`.
  explicit range_planner(uint64_t max_gap_bytes) : max_gap_bytes_(max_gap_bytes) {}

  /// A row with data that is wanted. `before` is the path of the row in front of it. With `keep`, a
  /// range that begins here keeps its rows.
  void want(const file_row& row, const std::string& before, bool keep);
  /// A row with data that is not wanted: what comes next begins a new range.
  void skip() { open_ = false; }

  /// Ranges that are complete, and with `all` also the one being gathered.
  std::vector<planned_range> take(bool all);

 private:
  const uint64_t max_gap_bytes_;
  bool open_ = false;  // the last of ranges_ may still grow
  bool keep_ = false;
  std::vector<planned_range> ranges_;
};

/// Whether `row` is a file with bytes in `range`.
bool lies_in(const file_row& row, const wanted_range& range);

}  // namespace et
