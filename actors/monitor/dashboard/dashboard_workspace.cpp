// `/workspaces`, `/workspace/NAME`, and quotas on the overview.
#include <algorithm>

#include "actors/defaults.hpp"
#include "actors/monitor/dashboard/alerts_of.hpp"
#include "actors/monitor/dashboard/batches_before.hpp"
#include "actors/monitor/dashboard/dashboard.hpp"
#include "actors/monitor/dashboard/dashboard_pages.hpp"
#include "actors/monitor/dashboard/figures.hpp"
#include "actors/monitor/holdings.hpp"

namespace et::monitor {

namespace {

bool fuller(const workspace_record* a, const workspace_record* b) {
  auto share = [](const workspace_record* one) {
    return one->quota_bytes == 0
               ? 0.0
               : static_cast<double>(one->used_bytes) / static_cast<double>(one->quota_bytes);
  };
  auto of_a = share(a);
  auto of_b = share(b);
  return of_a != of_b ? of_a > of_b : a->name < b->name;
}

void quota_row(std::string& out, const workspace_record& workspace) {
  markup page{out};
  page.open("li", {{"data-row", "quota-" + workspace.name}});
  name_link(out, workspace_address(workspace.name), workspace.name);
  quota_bar(out, workspace);
  page.close("li").break_line();
}

void workspace_facts(std::string& out, const workspace_record& workspace) {
  auto key = "workspaces." + workspace.name + ".";
  fact_list facts{out};
  facts.fact("Files");
  figure(out, key + "used_files", workspace.used_files, unit::count);
  facts.fact("Batches");
  figure(out, key + "batches", workspace.batches, unit::count);
  facts.fact("Used");
  figure(out, key + "used_bytes", workspace.used_bytes, unit::bytes);
  facts.fact("Quota");
  figure(out, key + "quota_bytes", workspace.quota_bytes, unit::bytes);
  auto& roots = facts.fact("Roots");
  for (const auto& root : workspace.roots) {
    name(out, root);
    roots.text(" ");
  }
  auto& managers = facts.fact("Managers");
  for (const auto& manager : workspace.managers) {
    name(out, manager);
    managers.text(" ");
  }
  facts.fact("Elsewhere");
  markup page{out};
  auto parameter = "?workspace=" + url_encoded(workspace.name);
  page.link("/et_user/ET_Holdings_Summary.php" + parameter + "&level=batches", "all batches")
      .text(" ");
  page.link("/et_user/ET_Holdings_Summary_XML.php" + parameter, "XML").text(" ");
  page.link("/et_rss/ET_RSS_AlertWatch_atom.php" + parameter, "Atom feed");
  facts.end();
}

}  // namespace

void quota_bar(std::string& out, const workspace_record& workspace) {
  auto quota = workspace.quota_bytes;
  auto words = bytes_text(workspace.used_bytes) + " of " + bytes_text(quota) + ", " +
               std::to_string(percent_of(workspace.used_bytes, quota)) + "\xc2\xa0%";
  auto percent = percent_of(workspace.used_bytes, quota);
  std::string_view kind = percent >= 95 ? "failed" : percent >= 80 ? "cached" : "safe";
  bar(out, words, {{kind, workspace.used_bytes}}, quota, {quota / 100 * 80, quota / 100 * 95});
  markup{out}.leaf("small", words, {{"class", "progress-words"}});
}

void quota_card(std::string& out, const live_state& state) {
  begin_card(out, "quotas", "Quotas", counted(state.workspaces.size(), "workspace"));
  std::vector<const workspace_record*> fullest;
  for (const auto& workspace : state.workspaces) fullest.push_back(&workspace);
  auto n = std::min(fullest.size(), defaults::dashboard_workspaces);
  auto end = fullest.begin() + static_cast<std::ptrdiff_t>(n);
  std::partial_sort(fullest.begin(), end, fullest.end(), fuller);
  markup page{out};
  if (n == 0) nothing(out, "There is no workspace yet.");
  page.open("ul", {{"class", "quotas"}}).break_line();
  std::for_each(fullest.begin(), end, [&](const auto* one) { quota_row(out, *one); });
  page.close("ul");
  page.open("p", {{"class", "nothing"}});
  if (n < fullest.size()) page.text("The fullest " + count_text(n) + ". ");
  page.link("/workspaces", "All workspaces").close("p");
  end_card(out);
}

caf::expected<answer> dashboard_workspaces(const page_context& context, const query& asked) {
  auto state = picture(context, asked.who());
  auto after = asked.text("after");
  return dashboard_page([state, after](std::string& out) {
    begin_dashboard(out, "Workspaces", *state, "/workspaces", renewal::slowly);
    begin_card(out, "workspaces", "Workspaces", count_text(state->workspaces.size()));
    std::vector<const workspace_record*> shown;
    for (const auto& one : state->workspaces)
      if (one.name > after) shown.push_back(&one);
    std::sort(shown.begin(), shown.end(),
              [](const auto* a, const auto* b) { return a->name < b->name; });
    bool more = shown.size() > defaults::dashboard_rows;
    if (more) shown.resize(defaults::dashboard_rows);
    if (shown.empty()) nothing(out, "There is no workspace here.");
    listing table{out,
                  {{"Workspace"}, {"Files", "number"}, {"Batches", "number"}, {"Quota", "wide"}}};
    for (const auto* one : shown) {
      auto key = "workspaces." + one->name + ".";
      table.row("workspace-" + one->name);
      table.cell();
      name_link(out, workspace_address(one->name), one->name);
      table.cell();
      figure(out, key + "used_files", one->used_files, unit::count);
      table.cell();
      figure(out, key + "batches", one->batches, unit::count);
      table.cell();
      quota_bar(out, *one);
    }
    table.end();
    pager(out, "/workspaces",
          more ? "/workspaces?after=" + url_encoded(shown.back()->name) : std::string{},
          after.empty());
    end_card(out);
    end_dashboard(out);
  });
}

caf::expected<answer> dashboard_workspace(const page_context& context, const query& asked) {
  constexpr std::string_view prefix = "/workspace/";
  auto workspace = find_workspace(*context.store, asked.who(), asked.path().substr(prefix.size()));
  if (!workspace) return workspace.error();
  auto before = asked.number("before");
  if (!before) return before.error();
  auto view = context.store->view();
  auto below = (*before).value_or(UINT64_MAX);
  auto batches = batches_before(*view, workspace->id, batch_id{below}, defaults::dashboard_rows);
  if (!batches) return batches.error();
  auto alerts = alerts_of(*view, {workspace->name}, {}, UINT64_MAX, defaults::dashboard_alerts);
  if (!alerts) return alerts.error();
  auto state = picture(context, asked.who());
  bool newest = !before->has_value();
  return dashboard_page([state, workspace = std::move(*workspace), batches = std::move(*batches),
                         alerts = std::move(*alerts), newest](std::string& out) {
    begin_dashboard(out, "Workspace " + workspace.name, *state, "/workspaces", renewal::slowly);
    auto here = workspace_address(workspace.name);
    begin_card(out, "workspace", "Workspace " + workspace.name);
    quota_bar(out, workspace);
    workspace_facts(out, workspace);
    end_card(out);
    begin_card(out, "workspace-batches", "Batches", "newest first");
    if (batches.empty()) nothing(out, "There is no batch here.");
    if (!batches.empty()) batch_table(out, batches, *state, false);
    bool more = batches.size() == defaults::dashboard_rows && batches.back().id.value > 1;
    pager(out, here,
          more ? here + "?before=" + std::to_string(batches.back().id.value) : std::string{},
          newest, "Older batches");
    end_card(out);
    std::vector<retrieval_status> running;
    for (const auto& one : state->retrievals)
      if (one.record.workspace_name == workspace.name) running.push_back(one);
    begin_card(out, "workspace-retrievals", "Retrievals running", count_text(running.size()));
    if (running.size() > defaults::dashboard_rows) running.resize(defaults::dashboard_rows);
    if (running.empty()) nothing(out, "Nobody is getting files of it.");
    if (!running.empty()) retrieval_table(out, running, *state);
    end_card(out);
    begin_card(out, "workspace-alerts", "Alerts", "newest first");
    alert_list(out, alerts.found, *state);
    markup{out}.link("/alerts?workspace=" + url_encoded(workspace.name), "All of its alerts");
    end_card(out);
    end_dashboard(out);
  });
}

}  // namespace et::monitor
