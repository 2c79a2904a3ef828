#include "actors/monitor/dashboard/alerts_of.hpp"

#include "actors/defaults.hpp"

namespace et::monitor {

namespace {

bool fits(const alert_filter& filter, const alert_record& alert) {
  return alert.level >= filter.least &&
         (filter.workspace.empty() || alert.workspace == filter.workspace) &&
         (filter.batch.value == 0 || alert.batch == filter.batch);
}

}  // namespace

caf::expected<alert_sight> alert_sight::of(catalogue_view& view, const viewer& who) {
  alert_sight sight;
  sight.all_ = who.administrator;
  if (sight.all_) return sight;
  auto all = view.workspaces();
  if (!all) return all.error();
  for (auto& workspace : *all)
    if (who.sees(workspace)) sight.workspaces_.insert(std::move(workspace.name));
  return sight;
}

caf::expected<some_alerts> alerts_of(catalogue_view& view, const alert_filter& filter,
                                     const std::optional<alert_sight>& sight, uint64_t before,
                                     size_t limit) {
  some_alerts result;
  size_t looked_at = 0;
  while (looked_at < defaults::dashboard_alert_scan) {
    auto page = view.alerts_before(before, defaults::page_records);
    if (!page) return page.error();
    for (auto& alert : *page) {
      if (result.found.size() == limit) {
        result.before = before;
        return result;
      }
      before = alert.number;
      if (fits(filter, alert) && (!sight || sight->sees(alert)))
        result.found.push_back(std::move(alert));
    }
    if (page->size() < defaults::page_records) return result;
    looked_at += page->size();
  }
  result.before = before;
  return result;
}

}  // namespace et::monitor
