// Drives, library, cache and nodes on the overview.
#include <algorithm>
#include <array>

#include "actors/defaults.hpp"
#include "actors/monitor/dashboard/dashboard.hpp"
#include "actors/monitor/dashboard/figures.hpp"
#include "actors/monitor/dashboard/health.hpp"

namespace et::monitor {

namespace {

std::string_view kind_of_activity(const std::string& activity) {
  if (activity == "writing" || activity == "reading") return activity;
  return activity == "idle" || activity == "resting" ? "quiet" : "moving";
}

/// How interesting a cartridge is when not all of them can be shown.
int rank(const live_volume& volume) {
  if (volume.drive >= 0) return 0;
  if (volume.record.status >= volume_status::suspect) return 1;
  if (!is_here(volume)) return 5;
  if (volume.record.status == volume_status::appendable) return 2;
  return volume.record.status == volume_status::full ? 3 : 4;
}

/// The most interesting cartridges, by barcode.
std::vector<const live_volume*> some_volumes(const live_state& state) {
  std::vector<const live_volume*> some;
  for (const auto& volume : state.volumes) some.push_back(&volume);
  auto n = std::min(some.size(), defaults::dashboard_volumes);
  auto end = some.begin() + static_cast<std::ptrdiff_t>(n);
  std::partial_sort(some.begin(), end, some.end(), [](const auto* a, const auto* b) {
    return std::pair{rank(*a), a->record.id} < std::pair{rank(*b), b->record.id};
  });
  some.erase(end, some.end());
  std::sort(some.begin(), some.end(),
            [](const auto* a, const auto* b) { return a->record.id < b->record.id; });
  return some;
}

std::string filled_words(const volume_record& volume) {
  auto words = bytes_text(volume.written_bytes);
  if (volume.capacity_bytes > 0) words += " of " + bytes_text(volume.capacity_bytes);
  return words;
}

std::string place_words(const live_volume& volume) {
  if (volume.drive >= 0) return "in drive " + std::to_string(volume.drive);
  return volume.present ? "in a slot" : "not in the library";
}

/// A small upright picture of a cartridge, filled from below.
void cartridge(std::string& out, const live_volume& volume) {
  const auto& record = volume.record;
  auto status = is_here(volume) ? std::string{kind_of(record.status)} : std::string{"absent"};
  auto words = record.id.value + ": " + to_string(record.status) + ", " + filled_words(record) +
               ", " + place_words(volume);
  if (!record.pool.empty()) words += ", pool " + record.pool;
  auto filled = std::min<uint64_t>(
      20,
      record.capacity_bytes == 0 ? 0 : percent_of(record.written_bytes, record.capacity_bytes) / 5);
  if (record.written_bytes > 0) filled = std::max<uint64_t>(filled, 1);
  markup page{out};
  page.open("li", {{"data-row", record.id.value}});
  page.open("a", {{"class", "cartridge " + status + (volume.drive >= 0 ? " mounted" : "")},
                  {"href", volume_address(record.id)},
                  {"title", words},
                  {"aria-label", words}});
  page.open("svg", {{"viewBox", "0 0 12 20"}, {"aria-hidden", "true"}});
  page.leaf(
      "rect", "",
      {{"y", std::to_string(20 - filled)}, {"width", "12"}, {"height", std::to_string(filled)}});
  page.close("svg").close("a").close("li");
}

struct totals {
  std::array<uint64_t, volume_statuses.size() + 1> in_status{};  ///< by number of the status
  uint64_t absent = 0;
  uint64_t written_bytes = 0;
  uint64_t capacity_bytes = 0;
};

totals add_up(const live_state& state) {
  totals sums;
  for (const auto& volume : state.volumes) {
    ++sums.in_status.at(static_cast<size_t>(volume.record.status));
    if (!is_here(volume)) ++sums.absent;
    sums.written_bytes += volume.record.written_bytes;
    sums.capacity_bytes += volume.record.capacity_bytes;
  }
  return sums;
}

void status_counts(std::string& out, const totals& sums) {
  markup page{out};
  page.open("ul", {{"class", "legend"}});
  auto item = [&](std::string_view kind, const std::string& word, const std::string& key,
                  uint64_t count) {
    page.open("li").leaf("i", "", {{"class", "swatch " + std::string{kind}}}).text(word + " ");
    page.open("b");
    figure(out, "library." + key, count, unit::count);
    page.close("b").close("li");
  };
  for (auto status : volume_statuses)
    item(kind_of(status), to_string(status), std::string{"volumes."} + to_string(status),
         sums.in_status.at(static_cast<size_t>(status)));
  item("absent", "not in the library", "absent", sums.absent);
  page.close("ul").break_line();
}

}  // namespace

void volume_fill(std::string& out, const volume_record& volume) {
  auto words = filled_words(volume);
  auto kind = volume.status == volume_status::suspect ? "failed" : "tape";
  bar(out, words, {{kind, volume.written_bytes}},
      volume.capacity_bytes > 0 ? volume.capacity_bytes : volume.written_bytes);
  markup{out}.leaf("small", words, {{"class", "progress-words"}});
}

void volume_place(std::string& out, const live_volume& volume) {
  if (volume.drive >= 0)
    markup{out}.link("/drive/" + std::to_string(volume.drive), place_words(volume));
  else
    markup{out}.text(place_words(volume));
}

void drive_rate(std::string& out, uint32_t number) {
  auto key = "drives." + std::to_string(number) + ".";
  markup{out}.leaf("b", "",
                   {{"class", "rate"},
                    {"data-rate-of", key + "written_bytes " + key + "read_bytes"},
                    {"data-keep", "keep"}});
}

void drives_card(std::string& out, const live_state& state) {
  begin_card(out, "drives", "Drives", count_text(state.drives.size()));
  markup page{out};
  page.open("ul", {{"class", "drives"}});
  auto shown = std::min(state.drives.size(), defaults::dashboard_drives);
  for (size_t i = 0; i < shown; ++i) {
    const auto& drive = state.drives[i];
    auto number = std::to_string(drive.number);
    auto key = "drives." + number + ".";
    page.open("li", {{"data-row", "drive-" + number}, {"class", kind_of_activity(drive.activity)}});
    page.open("p").link("/drive/" + number, "Drive " + number).text(" ");
    page.leaf("b", drive.activity, {{"class", "activity"}});
    if (!drive.volume.value.empty()) volume_link(out, drive.volume);
    if (!drive.pool.empty()) {
      page.text(" for pool ");
      name(out, drive.pool);
    }
    if (drive.aggregation.number != 0) {
      page.text(" of batch ");
      batch_link(out, drive.aggregation.batch);
    }
    page.close("p");
    drive_rate(out, drive.number);
    page.open("small").text("written ");
    figure(out, key + "written_bytes", drive.written_bytes, unit::bytes);
    page.text(", read ");
    figure(out, key + "read_bytes", drive.read_bytes, unit::bytes);
    page.close("small").close("li").break_line();
  }
  page.close("ul");
  if (state.drives.empty()) nothing(out, "No drive is known.");
  if (shown < state.drives.size()) nothing(out, "The first " + count_text(shown) + " of them.");
  end_card(out);
}

void library_card(std::string& out, const live_state& state) {
  auto sums = add_up(state);
  begin_card(out, "library", "Library",
             counted(state.volumes.size(), "volume") +
                 (state.slots > 0 ? ", " + counted(state.slots, "slot") : std::string{}));
  auto words =
      bytes_text(sums.written_bytes) + " of " + bytes_text(sums.capacity_bytes) + " written";
  bar(out, words, {{"tape", sums.written_bytes}}, sums.capacity_bytes);
  markup page{out};
  page.open("p", {{"class", "progress-words"}});
  figure(out, "library.written_bytes", sums.written_bytes, unit::bytes);
  page.text(" of ");
  figure(out, "library.capacity_bytes", sums.capacity_bytes, unit::bytes);
  page.text(" written").close("p");
  status_counts(out, sums);
  auto some = some_volumes(state);
  page.open("ul", {{"class", "cartridges"}, {"aria-label", "Volumes"}}).break_line();
  for (const auto* volume : some) cartridge(out, *volume);
  page.close("ul").break_line().open("p", {{"class", "nothing"}});
  if (some.size() < state.volumes.size())
    page.text(count_text(some.size()) + " of " + counted(state.volumes.size(), "volume") + ". ");
  page.link("/volumes", "All volumes").close("p");
  end_card(out);
}

void cache_card(std::string& out, const live_state& state) {
  const auto& cache = state.cache;
  auto percent = percent_of(cache.used_bytes, cache.capacity_bytes);
  begin_card(out, "cache", "Cache", std::to_string(percent) + "\xc2\xa0%");
  auto words = bytes_text(cache.used_bytes) + " of " + bytes_text(cache.capacity_bytes) +
               " used, " + bytes_text(cache.unsafe_bytes) + " of it not on tape yet";
  auto unsafe = std::min(cache.unsafe_bytes, cache.used_bytes);
  bar(out, words, {{"unsafe", unsafe}, {"kept", cache.used_bytes - unsafe}}, cache.capacity_bytes,
      {cache.low_bytes, cache.high_bytes});
  markup page{out};
  page.open("ul", {{"class", "legend"}});
  auto item = [&](std::string_view kind, std::string_view title, std::string_view key,
                  uint64_t value) {
    page.open("li").leaf("i", "", {{"class", "swatch " + std::string{kind}}}).text(title);
    page.text(" ").open("b");
    figure(out, key, value, unit::bytes);
    page.close("b").close("li");
  };
  item("unsafe", "not on tape yet", "cache.unsafe_bytes", cache.unsafe_bytes);
  item("kept", "used in all", "cache.used_bytes", cache.used_bytes);
  item("free", "capacity", "cache.capacity_bytes", cache.capacity_bytes);
  item("mark-swatch", "eviction begins at", "cache.high_bytes", cache.high_bytes);
  item("mark-swatch", "and ends at", "cache.low_bytes", cache.low_bytes);
  page.close("ul").open("p", {{"class", "nothing"}});
  figure(out, "cache.aggregations", cache.aggregations, unit::count);
  page.text(cache.aggregations == 1 ? " aggregation." : " aggregations.");
  if (cache.full) page.text(" Full: work waits for room.");
  page.close("p");
  end_card(out);
}

void nodes_card(std::string& out, const live_state& state) {
  begin_card(out, "nodes", "Nodes", count_text(state.nodes.size()));
  listing table{out, {{"Node"}, {"State"}, {"Version"}, {"Roles"}, {"Up", "number"}}};
  for (const auto& node : state.nodes) {
    table.row("node-" + node.name);
    table.cell();
    name(out, node.name);
    table.cell();
    badge(out, node.state == "up" ? "well" : "bad", node.state);
    table.cell().text(node.version);
    std::string roles;
    for (const auto& role : node.roles) roles += (roles.empty() ? "" : ", ") + role;
    table.cell().text(roles);
    table.cell().text(age_text(state, node.started_ns));
  }
  table.end();
  end_card(out);
}

}  // namespace et::monitor
