// `/alerts`, and the newest of them on the overview.
#include "actors/defaults.hpp"
#include "actors/monitor/dashboard/alerts_of.hpp"
#include "actors/monitor/dashboard/dashboard.hpp"
#include "actors/monitor/dashboard/dashboard_pages.hpp"
#include "actors/monitor/holdings.hpp"

namespace et::monitor {

namespace {

/// Nothing: there is no such severity.
std::optional<severity> severity_of(const std::string& word) {
  if (word.empty()) return severity::info;
  for (auto level : {severity::info, severity::warning, severity::error})
    if (word == to_string(level)) return level;
  return std::nullopt;
}

std::string address(severity least, const std::string& workspace) {
  std::string text = "/alerts?severity=" + std::string{to_string(least)};
  if (!workspace.empty()) text += "&workspace=" + url_encoded(workspace);
  return text;
}

}  // namespace

void alert_list(std::string& out, const std::vector<alert_record>& alerts,
                const live_state& state) {
  if (alerts.empty()) {
    nothing(out, "There is no alert here.");
    return;
  }
  markup page{out};
  page.open("ol", {{"class", "alerts"}}).break_line();
  for (const auto& alert : alerts) {
    auto number = std::to_string(alert.number);
    page.open("li", {{"data-row", "alert-" + number}, {"class", kind_of(alert.level)}});
    badge(out, kind_of(alert.level), to_string(alert.level));
    page.leaf("time", age_text(state, alert.time_ns) + " ago",
              {{"title", time_text(alert.time_ns)}});
    page.open("p");
    page.leaf("bdi", alert.text).text(" ").open("small");
    if (!alert.workspace.empty())
      name_link(out, workspace_address(alert.workspace), alert.workspace);
    if (alert.batch.value != 0)
      page.text(" ").link(batch_address(alert.batch), "batch " + std::to_string(alert.batch.value));
    page.close("small").close("p").close("li").break_line();
  }
  page.close("ol").break_line();
}

void alerts_card(std::string& out, const live_state& state) {
  begin_card(out, "alerts", "Alerts", "newest first");
  auto n = std::min(state.alerts.size(), defaults::dashboard_alerts);
  alert_list(out, {state.alerts.begin(), state.alerts.begin() + static_cast<std::ptrdiff_t>(n)},
             state);
  markup page{out};
  page.open("p", {{"class", "nothing"}}).link("/alerts", "All alerts").text(" ");
  page.link("/et_rss/ET_RSS_AlertWatch_atom.php", "Atom").text(" ");
  page.link("/et_rss/ET_RSS_AlertWatch.php", "RSS").close("p");
  end_card(out);
}

caf::expected<answer> dashboard_alerts(const page_context& context, const query& asked) {
  auto least = severity_of(asked.text("severity"));
  if (!least)
    return fail(errc::invalid_argument, "severity=" + asked.text("severity") +
                                            " is none; there are info, warning and error");
  auto workspace = asked.text("workspace");
  if (!workspace.empty()) {
    auto seen = find_workspace(*context.store, asked.who(), workspace);
    if (!seen) return seen.error();
  }
  auto before = asked.number("before");
  if (!before) return before.error();
  auto view = context.store->view();
  auto sight = alert_sight::of(*view, asked.who());
  if (!sight) return sight.error();
  auto alerts = alerts_of(*view, {workspace, *least, {}}, *sight, before->value_or(UINT64_MAX),
                          defaults::dashboard_rows);
  if (!alerts) return alerts.error();
  auto state = picture(context, asked.who());
  return dashboard_page([state, workspace, least = *least, alerts = std::move(*alerts),
                         newest = !before->has_value()](std::string& out) {
    begin_dashboard(out, "Alerts", *state, "/alerts", newest ? renewal::slowly : renewal::never);
    begin_card(out, "alerts", workspace.empty() ? "Alerts" : "Alerts of workspace " + workspace);
    choices(
        out, "Severity",
        {{address(severity::info, workspace), "all", least == severity::info},
         {address(severity::warning, workspace), "warnings and errors", least == severity::warning},
         {address(severity::error, workspace), "errors", least == severity::error}});
    alert_list(out, alerts.found, *state);
    auto here = address(least, workspace);
    pager(out, here,
          alerts.before == 0 ? std::string{} : here + "&before=" + std::to_string(alerts.before),
          newest, "Older alerts");
    end_card(out);
    end_dashboard(out);
  });
}

}  // namespace et::monitor
