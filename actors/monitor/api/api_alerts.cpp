// /api/v1/alerts.
#include <set>

#include "actors/defaults.hpp"
#include "actors/monitor/api/api_support.hpp"

namespace et::monitor {

namespace {

/// Alerts that one answer looks at; the next page goes on behind them.
constexpr size_t most_looked_at = 50'000;

struct alert_filter {
  bool all = false;             ///< of every workspace, and those of none
  std::set<std::string> names;  ///< else: of these
  std::string severity;

  bool wants(const alert_record& alert) const {
    if (!severity.empty() && severity != to_string(alert.level)) return false;
    return all || names.contains(alert.workspace);
  }
};

caf::expected<alert_filter> filter_of(const page_context& context, const query& asked) {
  alert_filter filter;
  filter.severity = asked.text("severity");
  bool known = filter.severity.empty();
  for (auto level : {severity::info, severity::warning, severity::error})
    known = known || filter.severity == to_string(level);
  if (!known)
    return fail(errc::invalid_argument,
                "severity is one of info, warning, error, not " + filter.severity);
  auto name = asked.text("workspace");
  if (!name.empty()) {
    auto workspace = seen_workspace(context, asked, name);
    if (!workspace) return workspace.error();
    filter.names.insert(name);
    return filter;
  }
  filter.all = asked.who().administrator;
  if (filter.all) return filter;
  auto workspaces = context.store->view()->workspaces();
  if (!workspaces) return workspaces.error();
  for (const auto& one : *workspaces)
    if (asked.who().sees(one)) filter.names.insert(one.name);
  return filter;
}

}  // namespace

caf::expected<answer> api_alerts(const page_context& context, const query& asked,
                                 const path_words&) {
  auto filter = filter_of(context, asked);
  if (!filter) return filter.error();
  auto before = number_of(asked, "before", UINT64_MAX);
  if (!before) return before.error();
  auto limit = limit_of(asked, 100);
  if (!limit) return limit.error();
  list_document list{"alerts"};
  auto last = *before;
  for (size_t looked_at = 0; looked_at < most_looked_at;) {
    auto page = context.store->view()->alerts_before(last, defaults::page_records);
    if (!page) return page.error();
    if (page->empty()) return list.end({});
    looked_at += page->size();
    for (const auto& alert : *page) {
      if (filter->wants(alert)) {
        if (list.size() == *limit)
          return list.end(next_page(asked, "before", std::to_string(last)));
        list.add(json_of(alert));
      }
      last = alert.number;
    }
  }
  return list.end(next_page(asked, "before", std::to_string(last)));
}

}  // namespace et::monitor
