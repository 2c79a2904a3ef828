#include "actors/monitor/dashboard/dashboard_files.hpp"

#include "actors/defaults.hpp"
#include "actors/monitor/dashboard/dashboard.hpp"
#include "actors/monitor/dashboard/figures.hpp"
#include "storage/catalogue/progress.hpp"

namespace et::monitor {

namespace {

struct asked_files {
  std::string search;
  bool failed = false;
  std::string after;

  bool all() const { return search.empty() && !failed; }
  /// Of the page whose first row is behind `from`.
  std::string address(batch_id batch, const std::string& from) const {
    auto text = batch_address(batch) + "/files?search=" + url_encoded(search);
    if (failed) text += "&failed=1";
    if (!from.empty()) text += "&after=" + url_encoded(from);
    return text;
  }
};

/// A page of rows; with a search it may be empty before the end.
caf::expected<found_rows> read(catalogue_view& view, const batch_record& batch,
                               const asked_files& wanted) {
  constexpr auto limit = defaults::dashboard_rows;
  if (wanted.all()) {
    auto rows = view.rows(batch.id, wanted.after, limit, max_packed_bytes);
    if (!rows) return rows.error();
    found_rows page;
    page.end = rows->size() < limit;
    if (!rows->empty()) page.after = rows->back().entry.path;
    page.rows = std::move(*rows);
    return page;
  }
  find_query question{pattern_for(wanted.search), batch.id, wanted.failed, batch.id, wanted.after};
  return view.find(batch.workspace, question, limit, max_packed_bytes);
}

void search_form(std::string& out, batch_id batch, const asked_files& wanted) {
  markup page{out};
  page.open("form", {{"method", "get"},
                     {"action", batch_address(batch) + "/files"},
                     {"role", "search"},
                     {"data-keep", "keep"}});
  page.open("label").text("Search ");
  page.empty("input", {{"type", "search"},
                       {"name", "search"},
                       {"value", wanted.search},
                       {"placeholder", "part of a path, or *.nc"}});
  page.close("label").open("label");
  if (wanted.failed)
    page.empty("input",
               {{"type", "checkbox"}, {"name", "failed"}, {"value", "1"}, {"checked", "checked"}});
  else
    page.empty("input", {{"type", "checkbox"}, {"name", "failed"}, {"value", "1"}});
  page.text(" only failed").close("label").leaf("button", "Show", {{"type", "submit"}});
  page.close("form").break_line();
}

void file_table(std::string& out, const std::vector<file_row>& rows) {
  listing table{out,
                {{"File", "path"}, {"Size", "number"}, {"State"}, {"Modified"}, {"Aggregation"}}};
  for (const auto& row : rows) {
    table.row(row.entry.path);
    table.cell();
    name(out, row.entry.path);
    if (!row.reason.empty()) markup{out}.open("small").leaf("bdi", row.reason).close("small");
    table.cell().leaf("span", bytes_text(row.entry.size_bytes),
                      {{"data-value", std::to_string(row.entry.size_bytes)}});
    table.cell();
    badge(out, kind_of(row.state), to_string(row.state));
    table.cell().text(time_text(row.entry.mtime_ns));
    auto& page = table.cell();
    if (row.aggregation == 0) continue;
    auto id = to_string(aggregation_id{row.batch, row.aggregation});
    page.link("/et_user/ET_Aggregation_File_Details.php?aggregation=" + id, id);
  }
  table.end();
}

}  // namespace

std::string pattern_for(const std::string& search) {
  if (search.empty() || search.find_first_of("*?[") != std::string::npos) return search;
  std::string pattern = "*";
  for (char c : search) {
    if (c == '\\') pattern += '\\';
    pattern += c;
  }
  return pattern + "*";
}

caf::expected<answer> dashboard_files(const page_context& context, const query& asked,
                                      const batch_record& batch) {
  asked_files wanted{asked.text("search"), asked.text("failed") == "1", asked.text("after")};
  auto rows = read(*context.store->view(), batch, wanted);
  if (!rows) return rows.error();
  auto state = picture(context, asked.who());
  return dashboard_page(
      [state, batch, wanted = std::move(wanted), rows = std::move(*rows)](std::string& out) {
        auto id = std::to_string(batch.id.value);
        begin_dashboard(out, "Files of batch " + id, *state, "", renewal::never);
        begin_card(out, "files", "Files of batch " + id, counted(batch.files, "file"));
        markup page{out};
        page.open("p").link(batch_address(batch.id), "Batch " + id).text(" of workspace ");
        name_link(out, workspace_address(batch.workspace_name), batch.workspace_name);
        page.close("p");
        search_form(out, batch.id, wanted);
        if (rows.rows.empty())
          nothing(out, rows.end ? "No file fits." : "No file fits so far; the search goes on.");
        if (!rows.rows.empty()) file_table(out, rows.rows);
        pager(out, wanted.address(batch.id, {}),
              rows.end ? std::string{} : wanted.address(batch.id, rows.after), wanted.after.empty(),
              rows.rows.size() < defaults::dashboard_rows ? "Search on" : "Next files");
        end_card(out);
        end_dashboard(out);
      });
}

}  // namespace et::monitor
