// ET_Holdings_Summary.php: a workspace, its batches, or its files.
#include "actors/monitor/holdings.hpp"
#include "actors/monitor/markup.hpp"
#include "actors/monitor/pages/pages.hpp"

namespace et::monitor {

namespace {

enum class level { top, batches, files };

caf::expected<level> asked_level(const query& asked) {
  auto word = asked.text("level");
  if (word.empty() || word == "top") return level::top;
  if (word == "batches" || word == "batch") return level::batches;
  if (word == "files" || word == "file") return level::files;
  return fail(errc::invalid_argument,
              "level=" + word + " is not known; it is top, batches or files");
}

/// The only table with rows of 7 cells: a client finds it by them.
void summary_table(std::string& out, const workspace_record& workspace, uint64_t aggregations) {
  markup page{out};
  page.open("table").header_row({"Files", "Batches", "Aggregations", "Workspace", "Quota (bytes)",
                                 "Quota used (bytes)", "Held (bytes)"});
  page.open("tr").cell(workspace.used_files).cell(workspace.batches).cell(aggregations);
  page.cell(workspace.name).cell(workspace.quota_bytes).cell(workspace.used_bytes);
  page.cell(workspace.used_bytes).close("tr").close("table").break_line();
}

/// A client takes the last four characters of the link's text for the batch.
std::string link_text(batch_id id) {
  auto digits = std::to_string(id.value);
  if (digits.size() < 4) digits.insert(0, 4 - digits.size(), ' ');
  return "Batch " + digits;
}

void batch_row(std::string& out, const batch_record& batch, const std::string& caller) {
  auto number = std::to_string(batch.id.value);
  auto address = "ET_Batch_Input_Summary.php?workspace=" + url_encoded(batch.workspace_name) +
                 "&caller=" + url_encoded(caller) + "&batch=" + number;
  markup page{out};
  page.open("tr").cell(to_string(batch.state)).cell(batch.tag).cell(batch.requester);
  page.cell(time_text(batch.created_ns)).cell(batch.files).cell(batch.size_bytes);
  page.open("td").link(address, link_text(batch.id)).close("td");
  page.cell(time_text(batch.safe_ns)).close("tr").break_line();
}

piece_writer batch_table(catalogue_store& store, const workspace_record& workspace,
                         const std::string& caller) {
  return in_order({once([](std::string& out) {
                     markup{out}.open("table").header_row({"State", "Tag", "Requester", "Created",
                                                           "Files", "Bytes", "Batch", "Safe"});
                   }),
                   each_batch(store, workspace.id, {},
                              {[caller](std::string& out, const batch_record& batch) {
                                 batch_row(out, batch, caller);
                               },
                               {},
                               {}}),
                   once([](std::string& out) { markup{out}.close("table").break_line(); })});
}

void file_table_head(std::string& out, const batch_record& batch) {
  markup page{out};
  auto number = std::to_string(batch.id.value);
  page.open("table", {{"id", "batch_file_list_" + number}});
  page.open("tr").leaf("th", "Batch " + number + " " + batch.tag, {{"colspan", "4"}});
  page.close("tr").break_line();
  page.header_row({"File name", "Size (bytes)", "State", "Time to tape"});
}

void file_row_of(std::string& out, const file_row& row, const std::string& time_to_tape) {
  markup page{out};
  page.open("tr").cell(row.entry.path).cell(row.entry.size_bytes).cell(to_string(row.state));
  page.cell(time_to_tape).close("tr").break_line();
}

piece_writer file_tables(catalogue_store& store, const workspace_record& workspace) {
  return each_batch(
      store, workspace.id, {},
      {file_table_head,
       [&store](const batch_record& batch) { return each_file(store, batch.id, file_row_of); },
       [](std::string& out) { markup{out}.close("table").break_line(); }});
}

}  // namespace

caf::expected<answer> holdings_summary(const page_context& context, const query& asked) {
  auto& store = *context.store;
  auto shown = asked_level(asked);
  if (!shown) return shown.error();
  auto name = asked.text("workspace");
  if (name.empty()) return fail(errc::invalid_argument, "the parameter workspace is missing");
  auto workspace = find_workspace(store, asked.who(), name);
  if (!workspace) return workspace.error();
  auto aggregations = count_aggregations(store, workspace->id);
  if (!aggregations) return aggregations.error();
  std::vector<piece_writer> parts;
  parts.push_back(once([record = *workspace, count = *aggregations](std::string& out) {
    begin_page(out, "Holdings of workspace " + record.name);
    heading_table(out, "Holdings of workspace " + record.name);
    summary_table(out, record, count);
  }));
  if (*shown == level::batches)
    parts.push_back(batch_table(store, *workspace, asked.text("caller")));
  if (*shown == level::files) parts.push_back(file_tables(store, *workspace));
  parts.push_back(once(end_page));
  answer result;
  result.next = in_order(std::move(parts));
  return result;
}

}  // namespace et::monitor
