// `/volumes`, `/volume/BARCODE` and `/drive/N`.
#include <algorithm>

#include "actors/defaults.hpp"
#include "actors/monitor/dashboard/dashboard.hpp"
#include "actors/monitor/dashboard/dashboard_pages.hpp"
#include "actors/monitor/dashboard/figures.hpp"
#include "actors/monitor/dashboard/health.hpp"

namespace et::monitor {

namespace {

/// What volumes can be asked for by.
std::vector<std::string> status_words() {
  std::vector<std::string> words;
  words.reserve(std::size(volume_statuses) + 1);
  for (auto status : volume_statuses) words.emplace_back(to_string(status));
  words.emplace_back("absent");
  return words;
}

std::string address(const std::string& status) {
  return status.empty() ? "/volumes" : "/volumes?status=" + url_encoded(status);
}

std::string status_word(const live_volume& volume) {
  return is_here(volume) ? to_string(volume.record.status) : "absent";
}

struct volume_page {
  std::vector<live_volume> shown;
  size_t fitting = 0;  ///< of that status in all
  bool more = false;
};

volume_page page_of(const std::vector<live_volume>& all, const std::string& status,
                    const std::string& after) {
  volume_page page;
  for (const auto& volume : all) {
    if (!status.empty() && status_word(volume) != status) continue;
    ++page.fitting;
    if (volume.record.id.value <= after) continue;
    page.more = page.shown.size() == defaults::dashboard_rows;
    if (!page.more) page.shown.push_back(volume);
  }
  return page;
}

void volume_table(std::string& out, const std::vector<live_volume>& volumes) {
  listing table{out,
                {{"Volume"},
                 {"Status"},
                 {"Pool"},
                 {"Filled", "wide"},
                 {"Aggregations", "number"},
                 {"Where"}}};
  for (const auto& volume : volumes) {
    const auto& record = volume.record;
    table.row(record.id.value);
    table.cell();
    volume_link(out, record.id);
    table.cell();
    badge(out, kind_of(record.status), to_string(record.status));
    table.cell();
    name(out, record.pool);
    table.cell();
    volume_fill(out, record);
    table.cell().text(count_text(record.aggregations));
    table.cell();
    volume_place(out, volume);
  }
  table.end();
}

}  // namespace

caf::expected<answer> dashboard_volumes(const page_context& context, const query& asked) {
  auto status = asked.text("status");
  auto words = status_words();
  if (!status.empty() && std::find(words.begin(), words.end(), status) == words.end())
    return fail(errc::invalid_argument, "there is no status " + status);
  auto state = picture(context, asked.who());
  auto after = asked.text("after");
  return dashboard_page([state, status, after, words,
                         page = page_of(state->volumes, status, after)](std::string& out) {
    begin_dashboard(out, "Volumes", *state, "/volumes", renewal::slowly);
    begin_card(out, "volumes", "Volumes", count_text(page.fitting));
    std::vector<choice> statuses{{address({}), "all", status.empty()}};
    for (const auto& word : words) statuses.push_back({address(word), word, status == word});
    choices(out, "Status", statuses);
    if (page.shown.empty()) nothing(out, "There is no volume here.");
    if (!page.shown.empty()) volume_table(out, page.shown);
    auto here = address(status);
    auto next = here + (status.empty() ? "?" : "&") + "after=";
    pager(out, here, page.more ? next + url_encoded(page.shown.back().record.id.value) : "",
          after.empty(), "Next volumes");
    end_card(out);
    end_dashboard(out);
  });
}

caf::expected<answer> dashboard_volume(const page_context& context, const query& asked) {
  constexpr std::string_view prefix = "/volume/";
  auto wanted = asked.path().substr(prefix.size());
  auto state = picture(context, asked.who());
  auto found = std::find_if(state->volumes.begin(), state->volumes.end(),
                            [&](const live_volume& one) { return one.record.id.value == wanted; });
  if (found == state->volumes.end()) return fail(errc::not_found, "there is no volume " + wanted);
  return dashboard_page([state, volume = *found](std::string& out) {
    const auto& record = volume.record;
    auto key = "volume." + record.id.value + ".";
    begin_dashboard(out, "Volume " + record.id.value, *state, "/volumes", renewal::slowly);
    begin_card(out, "volume", "Volume " + record.id.value);
    volume_fill(out, record);
    fact_list facts{out};
    facts.fact("Status");
    badge(out, kind_of(record.status), to_string(record.status));
    facts.fact("Where");
    volume_place(out, volume);
    facts.fact("Pool");
    name(out, record.pool.empty() ? "free for any" : record.pool);
    facts.fact("Written");
    figure(out, key + "written_bytes", record.written_bytes, unit::bytes);
    facts.fact("Capacity");
    figure(out, key + "capacity_bytes", record.capacity_bytes, unit::bytes);
    facts.fact("Aggregations written");
    figure(out, key + "aggregations", record.aggregations, unit::count);
    facts.fact("Next block").text(count_text(record.next_header.value));
    facts.end();
    end_card(out);
    end_dashboard(out);
  });
}

caf::expected<answer> dashboard_drive(const page_context& context, const query& asked) {
  auto number = number_in_path(asked.path(), "/drive/");
  if (!number) return number.error();
  auto state = picture(context, asked.who());
  auto found = std::find_if(state->drives.begin(), state->drives.end(),
                            [&](const live_drive& one) { return one.number == *number; });
  if (found == state->drives.end() || asked.path() != "/drive/" + std::to_string(*number))
    return fail(errc::not_found, "there is no drive " + std::to_string(*number));
  return dashboard_page([state, drive = *found](std::string& out) {
    auto id = std::to_string(drive.number);
    auto key = "drives." + id + ".";
    begin_dashboard(out, "Drive " + id, *state, "", renewal::slowly);
    begin_card(out, "drive", "Drive " + id);
    fact_list facts{out};
    facts.fact("Activity").leaf("b", drive.activity).text(" ");
    drive_rate(out, drive.number);
    facts.fact("Volume");
    if (!drive.volume.value.empty())
      volume_link(out, drive.volume);
    else
      markup{out}.text("none");
    if (!drive.pool.empty()) {
      facts.fact("Writes for pool");
      name(out, drive.pool);
    }
    if (drive.aggregation.number != 0) {
      facts.fact("Reads of batch");
      batch_link(out, drive.aggregation.batch);
    }
    facts.fact("Written since the start");
    figure(out, key + "written_bytes", drive.written_bytes, unit::bytes);
    facts.fact("Read since the start");
    figure(out, key + "read_bytes", drive.read_bytes, unit::bytes);
    facts.end();
    end_card(out);
    end_dashboard(out);
  });
}

}  // namespace et::monitor
