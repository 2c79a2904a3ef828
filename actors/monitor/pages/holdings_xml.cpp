// ET_Holdings_Summary_XML.php, which `et_ls -x` reads too.
#include "actors/monitor/holdings.hpp"
#include "actors/monitor/markup.hpp"
#include "actors/monitor/pages/pages.hpp"

namespace et::monitor {

namespace {

enum class level { top, batch, file };

caf::expected<level> asked_level(const query& asked) {
  auto word = asked.text("level");
  if (word == "top") return level::top;
  if (word.empty() || word == "batch" || word == "batches") return level::batch;
  if (word == "file" || word == "files") return level::file;
  return fail(errc::invalid_argument, "level=" + word + " is not known; it is top, batch or file");
}

void batch_values(std::string& out, const batch_record& batch) {
  markup xml{out};
  xml.open("batch").leaf("batch_id", batch.id.value).leaf("batch_name", batch.tag);
  xml.leaf("batch_state", to_string(batch.state)).leaf("file_count", batch.files);
  xml.leaf("batch_size", batch.size_bytes).leaf("time_created", time_text(batch.created_ns));
}

void file_values(std::string& out, const file_row& row, const std::string& time_to_tape) {
  markup xml{out};
  xml.open("file").leaf("file_name", row.entry.path).leaf("file_size", row.entry.size_bytes);
  xml.leaf("current_state", to_string(row.state)).leaf("time_to_tape", time_to_tape);
  xml.close("file").break_line();
}

batch_parts batch_elements(catalogue_store& store, level shown) {
  if (shown == level::batch) {
    return {batch_values, {}, [](std::string& out) { markup{out}.close("batch").break_line(); }};
  }
  return {[](std::string& out, const batch_record& batch) {
            batch_values(out, batch);
            markup{out}.open("files").break_line();
          },
          [&store](const batch_record& batch) { return each_file(store, batch.id, file_values); },
          [](std::string& out) { markup{out}.close("files").close("batch").break_line(); }};
}

piece_writer workspace_element(catalogue_store& store, const workspace_record& workspace,
                               level shown, batch_id only) {
  std::vector<piece_writer> parts;
  parts.push_back(once([workspace, shown](std::string& out) {
    markup xml{out};
    xml.open("et_wkspace").leaf("workspace_id", workspace.name);
    xml.leaf("quota", workspace.quota_bytes).leaf("quota_used", workspace.used_bytes);
    if (shown != level::top) xml.open("batches").break_line();
  }));
  if (shown != level::top)
    parts.push_back(each_batch(store, workspace.id, only, batch_elements(store, shown)));
  parts.push_back(once([shown](std::string& out) {
    markup xml{out};
    if (shown != level::top) xml.close("batches");
    xml.close("et_wkspace").break_line();
  }));
  return in_order(std::move(parts));
}

caf::expected<std::vector<workspace_record>> asked_workspaces(catalogue_store& store,
                                                              const viewer& who,
                                                              const std::string& name) {
  if (name.empty()) return seen_workspaces(store, who);
  auto one = find_workspace(store, who, name);
  if (!one) return one.error();
  return std::vector<workspace_record>{std::move(*one)};
}

}  // namespace

caf::expected<answer> holdings_xml(const page_context& context, const query& asked) {
  auto& store = *context.store;
  auto shown = asked_level(asked);
  if (!shown) return shown.error();
  auto name = asked.text("workspace");
  batch_id only;
  if (!asked.text("batch").empty()) {
    auto batch = asked_batch(store, asked);
    if (!batch) return batch.error();
    only = batch->id;
    name = batch->workspace_name;
  }
  auto workspaces = asked_workspaces(store, asked.who(), name);
  if (!workspaces) return workspaces.error();
  std::vector<piece_writer> parts;
  parts.push_back(once([](std::string& out) {
    out += "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
    markup{out}.open("et_wkspaces").break_line();
  }));
  for (const auto& workspace : *workspaces)
    parts.push_back(workspace_element(store, workspace, *shown, only));
  parts.push_back(once([](std::string& out) { markup{out}.close("et_wkspaces").break_line(); }));
  answer result;
  result.type = "text/xml; charset=utf-8";
  result.next = in_order(std::move(parts));
  return result;
}

}  // namespace et::monitor
