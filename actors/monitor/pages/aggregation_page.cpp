// ET_Aggregation_File_Details.php.
#include <algorithm>

#include "actors/monitor/holdings.hpp"
#include "actors/monitor/markup.hpp"
#include "actors/monitor/pages/pages.hpp"

namespace et::monitor {

namespace {

/// In the order of the history. A clock that was set back does not let times go back here.
std::vector<state_change> forward_history(const aggregation_record& aggregation) {
  auto history = aggregation.history;
  for (size_t i = 1; i < history.size(); ++i)
    history[i].time_ns = std::max(history[i].time_ns, history[i - 1].time_ns);
  return history;
}

void summary_table(std::string& out, const aggregation_record& aggregation) {
  auto history = forward_history(aggregation);
  bool cached = aggregation.size_bytes > 0;
  markup page{out};
  page.open("table", {{"id", "Aggregation details"}});
  page.header_row({"Aggregation", "State", "Size (bytes)", "Files", "Time started", "Checksum",
                   "Time to tape"});
  page.open("tr").cell(to_string(aggregation.id)).cell(to_string(aggregation.state));
  page.cell(cached ? aggregation.size_bytes : aggregation.content_bytes).cell(aggregation.files);
  page.cell(history.empty() ? std::string{} : time_text(history.front().time_ns));
  page.cell(cached ? checksum_text(aggregation) : std::string{});
  page.cell(time_text(time_to_tape_ns(aggregation))).close("tr").close("table").break_line();
}

void history_table(std::string& out, const aggregation_record& aggregation,
                   const std::string& node) {
  auto history = forward_history(aggregation);
  markup page{out};
  page.open("table", {{"id", "Aggregation History"}});
  page.header_row({"Before", "After", "Time"});
  for (size_t i = 1; i < history.size(); ++i) {
    page.open("tr").cell(std::string{to_string(history[i - 1].to)} + ":" + node);
    page.cell(std::string{to_string(history[i].to)} + ":" + node);
    page.cell(time_text(history[i].time_ns)).close("tr").break_line();
  }
  page.close("table").break_line();
}

}  // namespace

caf::expected<answer> aggregation_details(const page_context& context, const query& asked) {
  auto id = asked.aggregation("aggregation");
  if (!id) return id.error();
  auto none = [&] { return fail(errc::not_found, "there is no aggregation " + to_string(*id)); };
  auto batch = find_batch(*context.store, asked.who(), id->batch);
  if (!batch) return batch.error();
  if (!*batch) return none();
  auto found = context.store->view()->aggregation(*id);
  if (!found) return found.error();
  if (!*found) return none();
  auto head = [record = **found, node = context.node](std::string& out) {
    auto title = "Aggregation " + to_string(record.id);
    begin_page(out, title);
    markup page{out};
    page.leaf("p", title).break_line();
    summary_table(out, record);
    history_table(out, record, node);
    // The name that clients look for is that of the first table too.
    page.open("table", {{"id", "Aggregation details"}});
    page.header_row({"File name", "Size (bytes)"});
  };
  auto address = "ET_Batch_Input_File_Details.php?batch=" + std::to_string(id->batch.value);
  auto row = [address](std::string& out, const file_entry& file) {
    markup page{out};
    page.open("tr").open("td").link(address, file.path).close("td").cell(file.size_bytes);
    page.close("tr").break_line();
  };
  answer result;
  result.next =
      in_order({once(head), each_file_of(*context.store, **found, row), once([](std::string& out) {
                  markup{out}.close("table").break_line();
                  end_page(out);
                })});
  return result;
}

}  // namespace et::monitor
