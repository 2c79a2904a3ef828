// /api/v1/volumes.
#include <algorithm>

#include "actors/monitor/api/api_support.hpp"

namespace et::monitor {

namespace {

/// Whether there is such a status; empty is none in particular.
bool is_status(const std::string& name) {
  for (auto status : volume_statuses)
    if (name == to_string(status)) return true;
  return name.empty();
}

bool before(const live_volume& volume, const std::string& id) {
  return volume.record.id.value < id;
}

}  // namespace

caf::expected<answer> api_volumes(const page_context& context, const query& asked,
                                  const path_words&) {
  auto status = asked.text("status");
  if (!is_status(status))
    return fail(errc::invalid_argument,
                "status is one of blank, appendable, full, suspect, quarantined, not " + status);
  auto pool = asked.text("pool");
  auto limit = limit_of(asked, 100);
  if (!limit) return limit.error();
  auto state = picture(context);
  if (!state) return state.error();
  const auto& all = (*state)->volumes;
  auto after = asked.text("after");
  auto volume = std::lower_bound(all.begin(), all.end(), after, before);
  list_document list{"volumes"};
  std::string last;
  for (; volume != all.end(); ++volume) {
    const auto& record = volume->record;
    if (record.id.value == after || (!status.empty() && status != to_string(record.status)) ||
        (!pool.empty() && pool != record.pool))
      continue;
    if (list.size() == *limit) return list.end(next_page(asked, "after", last));
    list.add(json_of(*volume));
    last = record.id.value;
  }
  return list.end({});
}

caf::expected<answer> api_volume(const page_context& context, const query&,
                                 const path_words& words) {
  auto state = picture(context);
  if (!state) return state.error();
  const auto& all = (*state)->volumes;
  auto found = std::lower_bound(all.begin(), all.end(), words.front(), before);
  if (found == all.end() || found->record.id.value != words.front())
    return fail(errc::not_found, "there is no volume " + words.front());
  return document(json_of(*found));
}

}  // namespace et::monitor
