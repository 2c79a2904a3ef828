#include "cli/commands/get_plan.hpp"

#include <iterator>

namespace et {

void range_planner::want(const file_row& row, const std::string& before, bool keep) {
  uint64_t begin = row.offset_bytes;
  uint64_t end = begin + row.entry.size_bytes;
  aggregation_id aggregation{row.batch, row.aggregation};
  if (open_) {
    const auto& last = ranges_.back().range;
    open_ = last.aggregation == aggregation && begin >= last.end_bytes &&
            begin - last.end_bytes <= max_gap_bytes_;
  }
  if (!open_) {
    ranges_.push_back({{aggregation, begin, end}, 0, 0, before, {}, {}});
    open_ = true;
    keep_ = keep;
  }
  auto& grown = ranges_.back();
  grown.range.end_bytes = end;
  ++grown.files;
  grown.size_bytes += row.entry.size_bytes;
  grown.last_path = row.entry.path;
  if (keep_) grown.rows.push_back(row);
}

std::vector<planned_range> range_planner::take(bool all) {
  std::vector<planned_range> taken;
  bool hold_last = open_ && !all;
  planned_range last;
  if (hold_last) {
    last = std::move(ranges_.back());
    ranges_.pop_back();
  }
  taken.swap(ranges_);
  if (hold_last) {
    ranges_.push_back(std::move(last));
  } else {
    open_ = false;
  }
  return taken;
}

bool lies_in(const file_row& row, const wanted_range& range) {
  return row.batch == range.aggregation.batch && row.aggregation == range.aggregation.number &&
         row.has_checksum && row.state != state::failed && row.entry.size_bytes > 0 &&
         row.offset_bytes >= range.begin_bytes &&
         row.offset_bytes + row.entry.size_bytes <= range.end_bytes;
}

}  // namespace et
