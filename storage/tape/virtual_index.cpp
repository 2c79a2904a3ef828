#include "storage/tape/virtual_index.hpp"

#include <algorithm>

namespace et::tape {

void record_index::append(uint32_t data_bytes, uint64_t count) {
  if (count == 0) return;
  if (!runs_.empty() && runs_.back().data_bytes == data_bytes) {
    runs_.back().count += count;
    return;
  }
  auto number = records();
  runs_.push_back({number, count, end_offset(), data_bytes_before(number), data_bytes});
}

void record_index::truncate(uint64_t number) {
  while (!runs_.empty() && runs_.back().first >= number) runs_.pop_back();
  if (!runs_.empty())
    runs_.back().count = std::min(runs_.back().count, number - runs_.back().first);
}

const record_index::run* record_index::run_of(uint64_t number) const {
  if (number >= records()) return nullptr;
  auto behind = std::upper_bound(runs_.begin(), runs_.end(), number,
                                 [](uint64_t n, const run& r) { return n < r.first; });
  return &*std::prev(behind);
}

std::optional<record_place> record_index::find(uint64_t number) const {
  const auto* found = run_of(number);
  if (!found) return std::nullopt;
  return record_place{found->offset + (number - found->first) * found->stride(), found->data_bytes};
}

uint64_t record_index::data_bytes_before(uint64_t number) const {
  if (runs_.empty()) return 0;
  const auto* found = run_of(number);
  if (!found) found = &runs_.back();
  auto in_run = std::min(number - found->first, found->count);
  return found->data_bytes_before + in_run * found->data_bytes;
}

uint64_t record_index::records() const {
  return runs_.empty() ? 0 : runs_.back().first + runs_.back().count;
}

uint64_t record_index::end_offset() const {
  if (runs_.empty()) return image_header_bytes;
  return runs_.back().offset + runs_.back().count * runs_.back().stride();
}

}  // namespace et::tape
