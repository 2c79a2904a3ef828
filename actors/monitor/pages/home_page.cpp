// The way in: links to everything else.
#include <algorithm>

#include "actors/monitor/holdings.hpp"
#include "actors/monitor/markup.hpp"
#include "actors/monitor/pages/pages.hpp"

namespace et::monitor {

namespace {

void workspace_row(std::string& out, const workspace_record& workspace, const std::string& caller) {
  auto query = "?workspace=" + url_encoded(workspace.name);
  if (!caller.empty()) query += "&caller=" + url_encoded(caller);
  auto summary = "/et_user/ET_Holdings_Summary.php" + query;
  auto xml = "/et_user/ET_Holdings_Summary_XML.php" + query;
  markup page{out};
  auto cell = [&](const std::string& address, std::string_view words) {
    page.open("td").link(address, words).close("td");
  };
  page.open("tr").cell(workspace.name);
  cell(summary + "&level=top", "summary");
  cell(summary + "&level=batches", "batches");
  cell(summary + "&level=files", "files");
  cell(xml + "&level=batch", "XML");
  cell("/et_user/ET_AlertWatch.php" + query, "alerts");
  cell("/et_rss/ET_RSS_AlertWatch_atom.php" + query, "Atom");
  cell("/et_rss/ET_RSS_AlertWatch.php" + query, "RSS");
  page.close("tr").break_line();
}

}  // namespace

caf::expected<answer> home(const page_context& context, const query& asked) {
  auto all = seen_workspaces(*context.store, asked.who());
  if (!all) return all.error();
  // Shows fewer; what the viewer does not see it does not bring back.
  auto caller = asked.text("caller");
  if (!caller.empty()) {
    std::erase_if(*all, [&](const workspace_record& one) {
      return std::find(one.managers.begin(), one.managers.end(), caller) == one.managers.end();
    });
  }
  answer result;
  result.next = once([node = context.node, all = std::move(*all), caller](std::string& out) {
    begin_page(out, "Elastic Tape on " + node);
    markup page{out};
    page.leaf("h1", "Elastic Tape on " + node);
    page.open("p").link("/", "Dashboard").close("p").break_line();
    if (all.empty()) {
      page.leaf("p", caller.empty() ? "There is no workspace to show yet."
                                    : caller + " is not a manager of any workspace.");
    } else {
      page.open("table").header_row(
          {"Workspace", "Summary", "Batches", "Files", "XML", "Alerts", "Atom", "RSS"});
      for (const auto& workspace : all) workspace_row(out, workspace, caller);
      page.close("table").break_line();
    }
    page.open("ul");
    auto item = [&](std::string_view address, std::string_view words) {
      page.open("li").link(address, words).close("li").break_line();
    };
    item("/et_user/ET_AlertWatch.php", "All alerts");
    item("/et_rss/ET_RSS_AlertWatch_atom.php", "All alerts as Atom feed");
    item("/et_rss/ET_RSS_AlertWatch.php", "All alerts as RSS feed");
    item("/et_user/ET_Holdings_Summary_XML.php?level=top", "All workspaces in XML");
    item("/et_admin/ET_WkspaceOverview-XML.php", "Quotas in XML");
    item("/et_admin/ET_Role_List.php", "Managers");
    item("/gws/etexport/", "Managers as text");
    page.close("ul");
    end_page(out);
  });
  return result;
}

}  // namespace et::monitor
