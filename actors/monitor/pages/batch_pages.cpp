// ET_Batch_Input_Summary.php and ET_Batch_Input_File_Details.php.
#include <cstdio>

#include "actors/monitor/holdings.hpp"
#include "actors/monitor/markup.hpp"
#include "actors/monitor/pages/pages.hpp"

namespace et::monitor {

namespace {

void batch_tables(std::string& out, const batch_record& batch) {
  auto title = "Batch " + std::to_string(batch.id.value) + " of workspace " + batch.workspace_name;
  begin_page(out, title);
  heading_table(out, title);
  markup page{out};
  page.open("table").header_row({"State", "Tag", "Requester", "Created", "Files", "Bytes"});
  page.open("tr").cell(to_string(batch.state)).cell(batch.tag).cell(batch.requester);
  page.cell(time_text(batch.created_ns)).cell(batch.files).cell(batch.size_bytes);
  page.close("tr").close("table").break_line();
  page.open("table").header_row(
      {"Aggregation", "State", "Created", "Time to tape", "Files", "Size (GB)", "Checksum"});
}

std::string gigabytes(uint64_t size_bytes) {
  constexpr uint64_t giga = 1'000'000'000;
  char text[40];
  std::snprintf(text, sizeof text, "%llu.%09llu",
                static_cast<unsigned long long>(size_bytes / giga),
                static_cast<unsigned long long>(size_bytes % giga));
  return text;
}

/// As time_text(), in the form of ISO 8601.
std::string iso_time_text(int64_t time_ns) {
  auto text = time_text(time_ns);
  if (!text.empty()) text[10] = 'T';
  return text;
}

void aggregation_row(std::string& out, const aggregation_record& aggregation) {
  auto name = to_string(aggregation.id);
  const auto& history = aggregation.history;
  bool cached = aggregation.size_bytes > 0;
  markup page{out};
  page.open("tr").open("td");
  page.link("ET_Aggregation_File_Details.php?aggregation=" + url_encoded(name), name).close("td");
  page.cell(to_string(aggregation.state));
  page.cell(history.empty() ? std::string{} : time_text(history.front().time_ns));
  page.cell(iso_time_text(time_to_tape_ns(aggregation))).cell(aggregation.files);
  page.cell(gigabytes(cached ? aggregation.size_bytes : aggregation.content_bytes));
  page.cell(cached ? checksum_text(aggregation) : std::string{}).close("tr").break_line();
}

}  // namespace

caf::expected<answer> batch_summary(const page_context& context, const query& asked) {
  auto batch = asked_batch(*context.store, asked);
  if (!batch) return batch.error();
  answer result;
  result.next = in_order({once([record = *batch](std::string& out) { batch_tables(out, record); }),
                          each_aggregation(*context.store, batch->id, aggregation_row),
                          once([](std::string& out) {
                            markup{out}.close("table").break_line();
                            end_page(out);
                          })});
  return result;
}

caf::expected<answer> batch_files(const page_context& context, const query& asked) {
  auto batch = asked_batch(*context.store, asked);
  if (!batch) return batch.error();
  auto head = [id = batch->id](std::string& out) {
    auto title = "Files of batch " + std::to_string(id.value);
    begin_page(out, title);
    heading_table(out, title);
    markup{out}.open("table").header_row({"File name", "Size (bytes)", "State"});
  };
  auto row = [](std::string& out, const file_row& file, const std::string&) {
    markup page{out};
    page.open("tr").cell(file.entry.path).cell(file.entry.size_bytes).cell(to_string(file.state));
    page.close("tr").break_line();
  };
  answer result;
  result.next =
      in_order({once(head), each_file(*context.store, batch->id, row), once([](std::string& out) {
                  markup{out}.close("table").break_line();
                  end_page(out);
                })});
  return result;
}

}  // namespace et::monitor
