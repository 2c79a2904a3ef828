// What a retrieval supervisor decides by its state alone.
#include <algorithm>

#include "actors/metrics.hpp"
#include "actors/retrieval_supervisor.hpp"
#include "storage/catalogue/progress.hpp"

namespace et {

using part = retrieval_supervisor_state::part;
using part_state = retrieval_supervisor_state::part_state;

bool part::whole_is_cheaper(const copy_record& from) const {
  uint64_t blocks = 0;
  for (auto& range : ranges)
    if (range.end_bytes > range.begin_bytes)
      blocks += (range.end_bytes - 1) / from.block_bytes - range.begin_bytes / from.block_bytes + 1;
  return blocks * 2 >= from.blocks;
}

bool part::take_back(const wanted_range& range) {
  auto told = ranges.begin() + static_cast<ptrdiff_t>(delivered);
  auto found = std::find_if(ranges.begin(), told, [&](const wanted_range& one) {
    return one.aggregation == range.aggregation && one.begin_bytes == range.begin_bytes &&
           one.end_bytes == range.end_bytes;
  });
  if (found == told) return false;
  std::rotate(found, found + 1, told);
  --delivered;
  return true;
}

std::optional<delivery> retrieval_supervisor_state::next_delivery() {
  for (auto& [number, one] : parts) {
    if (one.state != part_state::ready && one.state != part_state::failed) continue;
    if (one.delivered == one.ranges.size()) continue;
    delivery next;
    next.range = one.ranges[one.delivered++];
    next.kind = one.state == part_state::ready ? delivery_kind::ready : delivery_kind::failed;
    next.code = one.code;
    next.text = one.text;
    return next;
  }
  if (all_wanted && parts.empty()) {
    delivery end;
    end.kind = delivery_kind::end;
    return end;
  }
  return std::nullopt;
}

void retrieval_supervisor_state::remember(const part& of) {
  if (of.pinned && of.recall == 0 && is_safe(of.record.state) && served.size() < max_doubted_copies)
    served.push_back({of.record, of.node});
}

void retrieval_supervisor_state::count_finished(const part& of, const wanted_range& range) {
  ++finished_ranges;
  if (range.end_bytes <= range.begin_bytes) return;
  finished_bytes += range.end_bytes - range.begin_bytes;
  if (of.state == part_state::ready)
    actors->measures->get_moved(range.end_bytes - range.begin_bytes);
}

uint64_t retrieval_supervisor_state::told(aggregation_id id, uint64_t offset_bytes) const {
  for (auto& [number, one] : parts) {
    if (one.aggregation != id || one.state == part_state::failed) continue;
    for (size_t i = 0; i < one.delivered; ++i)
      if (offset_bytes >= one.ranges[i].begin_bytes && offset_bytes < one.ranges[i].end_bytes)
        return number;
  }
  return 0;
}

const part* retrieval_supervisor_state::readable(aggregation_id id, uint64_t offset_bytes) const {
  auto found = parts.find(told(id, offset_bytes));
  return found != parts.end() && found->second.state == part_state::ready ? &found->second
                                                                          : nullptr;
}

}  // namespace et
