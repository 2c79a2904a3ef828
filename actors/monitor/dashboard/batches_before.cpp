#include "actors/monitor/dashboard/batches_before.hpp"

#include <algorithm>

#include "actors/defaults.hpp"

namespace et::monitor {

namespace {

/// An id behind those of all batches of a workspace, less than twice the last of them.
caf::expected<uint64_t> end_of(catalogue_view& view, workspace_id workspace) {
  uint64_t end = 64;
  for (; end < UINT64_MAX / 2; end *= 2) {
    auto behind = view.batches(workspace, batch_id{end}, 1);
    if (!behind) return behind.error();
    if (behind->empty()) break;
  }
  return end + 1;
}

/// Appends those with `after` < id < `before`, ascending, keeping the last `limit`.
caf::error collect(catalogue_view& view, workspace_id workspace, uint64_t after, uint64_t before,
                   size_t limit, std::vector<batch_record>& found) {
  for (;;) {
    auto page = view.batches(workspace, batch_id{after}, defaults::page_records);
    if (!page) return page.error();
    for (auto& batch : *page) {
      if (batch.id.value >= before) return {};
      after = batch.id.value;
      found.push_back(std::move(batch));
    }
    if (found.size() > limit)
      found.erase(found.begin(), found.end() - static_cast<std::ptrdiff_t>(limit));
    if (page->size() < defaults::page_records) return {};
  }
}

}  // namespace

caf::expected<std::vector<batch_record>> batches_before(catalogue_view& view,
                                                        workspace_id workspace, batch_id before,
                                                        size_t limit) {
  std::vector<batch_record> newest;
  auto end = before.value;
  if (end == UINT64_MAX) {
    auto behind = end_of(view, workspace);
    if (!behind) return behind.error();
    end = *behind;
  }
  // Ever larger ranges below, until there are enough: ids are shared with other workspaces.
  uint64_t width = limit;
  while (end > 1 && newest.size() < limit) {
    auto after = end - 1 > width ? end - 1 - width : 0;
    std::vector<batch_record> some;
    auto error = collect(view, workspace, after, end, limit - newest.size(), some);
    if (error) return error;
    newest.insert(newest.end(), std::make_move_iterator(some.rbegin()),
                  std::make_move_iterator(some.rend()));
    end = after + 1;
    width *= 4;
  }
  if (newest.size() > limit) newest.resize(limit);
  return newest;
}

}  // namespace et::monitor
