#include "actors/aggregation_planner.hpp"

namespace et {

void aggregation_planner::close(std::vector<aggregation_record>& out) {
  if (open_.files == 0) return;
  open_.id = {batch_, next_number_++};
  out.push_back(std::move(open_));
  open_ = {};
}

void aggregation_planner::add(const file_entry& entry, std::vector<aggregation_record>& out) {
  bool large = entry.size_bytes > target_bytes_;
  bool full = open_.files >= max_files_ || open_.content_bytes + entry.size_bytes > target_bytes_;
  if (open_.files > 0 && (large || full)) close(out);
  if (open_.files == 0) open_.first_path = entry.path;
  open_.last_path = entry.path;
  ++open_.files;
  open_.content_bytes += entry.size_bytes;
  if (large) close(out);
}

void aggregation_planner::finish(std::vector<aggregation_record>& out) {
  close(out);
}

}  // namespace et
