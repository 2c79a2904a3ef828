// Workspaces, their quotas and managers: /et_admin/ and /gws/etexport/.
#include "actors/monitor/holdings.hpp"
#include "actors/monitor/markup.hpp"
#include "actors/monitor/pages/pages.hpp"

namespace et::monitor {

namespace {

using workspace_list = std::vector<workspace_record>;

caf::expected<answer> page_of(const page_context& context, const query& asked, const char* type,
                              void (*write)(std::string&, const workspace_list&)) {
  auto all = seen_workspaces(*context.store, asked.who());
  if (!all) return all.error();
  answer result;
  result.type = type;
  result.next = once([all = std::move(*all), write](std::string& out) { write(out, all); });
  return result;
}

void write_overview(std::string& out, const workspace_list& all) {
  out += "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
  markup xml{out};
  xml.open("et_wkspaces").break_line();
  for (const auto& workspace : all) {
    // One client takes the first of the two, another one both.
    xml.open("et_wkspace").leaf("workspace_id", workspace.name);
    xml.leaf("workspace_id", uint64_t{workspace.id.value});
    xml.leaf("workspace_quota", workspace.quota_bytes);
    xml.leaf("workspace_quota_used", workspace.used_bytes);
    xml.leaf("workspace_file_count", workspace.used_files).close("et_wkspace").break_line();
  }
  xml.close("et_wkspaces").break_line();
}

void write_roles(std::string& out, const workspace_list& all) {
  begin_page(out, "Managers");
  markup page{out};
  page.open("table").header_row({"Workspace", "Role", "User", "E-mail"});
  for (const auto& workspace : all) {
    std::string_view name = workspace.name;
    for (const auto& manager : workspace.managers) {
      page.open("tr").cell(name).cell("manager").cell(manager).cell("").close("tr").break_line();
      name = {};
    }
  }
  page.close("table").break_line();
  end_page(out);
}

void append_field(std::string& out, std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) {
    out += text;
    return;
  }
  out += '"';
  for (char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
}

void write_export(std::string& out, const workspace_list& all) {
  for (const auto& workspace : all) {
    for (const auto& manager : workspace.managers) {
      append_field(out, workspace.name);
      out += ',';
      append_field(out, manager);
      out += ',' + std::to_string(workspace.quota_bytes) + ",\n";
    }
  }
}

}  // namespace

caf::expected<answer> workspace_overview(const page_context& context, const query& asked) {
  return page_of(context, asked, "text/xml; charset=utf-8", write_overview);
}

caf::expected<answer> role_list(const page_context& context, const query& asked) {
  return page_of(context, asked, "text/html; charset=utf-8", write_roles);
}

caf::expected<answer> manager_export(const page_context& context, const query& asked) {
  return page_of(context, asked, "text/plain; charset=utf-8", write_export);
}

}  // namespace et::monitor
