// ET_AlertWatch.php: all alerts, newest first.
#include "actors/monitor/holdings.hpp"
#include "actors/monitor/markup.hpp"
#include "actors/monitor/pages/pages.hpp"

namespace et::monitor {

namespace {

void alert_row(std::string& out, const alert_record& alert) {
  auto number = std::to_string(alert.number);
  auto batch = alert.batch.value == 0 ? std::string{} : std::to_string(alert.batch.value);
  markup page{out};
  page.open("tr", {{"id", "alert_id_" + number}}).cell(number).cell(time_text(alert.time_ns));
  page.cell(to_string(alert.level)).cell(alert.workspace).cell(batch).cell(alert.text);
  page.close("tr").break_line();
}

}  // namespace

caf::expected<answer> alert_watch(const page_context& context, const query& asked) {
  auto name = asked.text("workspace");
  if (!name.empty()) {
    auto workspace = find_workspace(*context.store, asked.who(), name);
    if (!workspace) return workspace.error();
  }
  auto head = [name](std::string& out) {
    auto title = name.empty() ? std::string{"Alerts"} : "Alerts of workspace " + name;
    begin_page(out, title);
    heading_table(out, title);
    markup{out}.open("table").header_row(
        {"Number", "Time", "Severity", "Workspace", "Batch", "Alert"});
  };
  answer result;
  result.next = in_order({once(head), each_alert(*context.store, asked.who(), name, alert_row),
                          once([](std::string& out) {
                            markup{out}.close("table").break_line();
                            end_page(out);
                          })});
  return result;
}

}  // namespace et::monitor
