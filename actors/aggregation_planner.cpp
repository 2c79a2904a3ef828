#include "actors/aggregation_planner.hpp"

#include "actors/placement.hpp"

namespace et {

void aggregation_planner::close(std::vector<aggregation_record>& out) {
  if (open_.files == 0) return;
  open_.id = {batch_, next_number_++};
  out.push_back(std::move(open_));
  open_ = {};
  open_path_bytes_ = 0;
}

/// The longest that the path lies beneath; null: none.
const std::string* aggregation_planner::root_of(const std::string& path) const {
  const std::string* found = nullptr;
  for (auto& root : roots_)
    if (is_beneath(path, {root}) && (!found || root.size() > found->size())) found = &root;
  return found;
}

void aggregation_planner::add(const file_entry& entry, std::vector<aggregation_record>& out) {
  bool large = entry.size_bytes > target_bytes_;
  bool full = open_.files >= max_files_ || open_.content_bytes + entry.size_bytes > target_bytes_ ||
              open_path_bytes_ + entry.path.size() > max_run_path_bytes;
  auto* root = roots_.size() > 1 ? root_of(entry.path) : nullptr;
  if (open_.files > 0 && (large || full || root != open_root_)) close(out);
  open_root_ = root;
  open_path_bytes_ += entry.path.size();
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
