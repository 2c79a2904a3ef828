// RetrievalWatch.php.
#include <algorithm>

#include "actors/monitor/holdings.hpp"
#include "actors/monitor/markup.hpp"
#include "actors/monitor/pages/pages.hpp"

namespace et::monitor {

namespace {

std::string in_capitals(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return text;
}

}  // namespace

caf::expected<answer> retrieval_watch(const page_context& context, const query& asked) {
  auto number = asked.number("rr_id");
  if (!number) return number.error();
  if (!*number) return fail(errc::invalid_argument, "the parameter rr_id is missing");
  auto name = asked.text("workspace");
  auto& store = *context.store;
  if (!name.empty()) {
    auto workspace = find_workspace(store, asked.who(), name);
    if (!workspace) return workspace.error();
  }
  auto found = store.view()->retrieval(retrieval_id{**number});
  if (!found) return found.error();
  // A workspace that has gone is nobody's: what is left of it is for administrators.
  bool seen = *found && asked.who().administrator;
  if (*found && !seen) {
    auto workspace = find_workspace(store, asked.who(), (*found)->workspace_name);
    seen = workspace && workspace->id == (*found)->workspace;
  }
  if (!seen || (!name.empty() && (*found)->workspace_name != name))
    return fail(errc::not_found, "there is no retrieval " + std::to_string(**number) +
                                     (name.empty() ? "" : " of workspace " + name));
  answer result;
  result.next = once([retrieval = **found](std::string& out) {
    auto id = std::to_string(retrieval.id.value);
    begin_page(out, "Retrieval " + id);
    heading_table(out, "Retrieval " + id + " of workspace " + retrieval.workspace_name);
    auto batch = retrieval.batch.value == 0 ? std::string{} : std::to_string(retrieval.batch.value);
    markup page{out};
    page.open("table").header_row({"Retrieval", "Requester", "State", "Batch", "Started", "Ended",
                                   "Files", "Bytes", "Bad files"});
    page.open("tr").cell(id).cell(retrieval.requester);
    page.cell(in_capitals(to_string(retrieval.state))).cell(batch);
    page.cell(time_text(retrieval.started_ns)).cell(time_text(retrieval.ended_ns));
    page.cell(retrieval.files).cell(retrieval.size_bytes).cell(retrieval.bad_files);
    page.close("tr").close("table").break_line();
    end_page(out);
  });
  return result;
}

}  // namespace et::monitor
