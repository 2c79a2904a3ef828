// What is around each page of the dashboard, and what its viewer may see.
#include <algorithm>
#include <charconv>

#include "actors/monitor/api/api.hpp"
#include "actors/monitor/dashboard/assets.hpp"
#include "actors/monitor/dashboard/dashboard.hpp"
#include "actors/monitor/dashboard/figures.hpp"
#include "actors/monitor/dashboard/health.hpp"
#include "actors/monitor/holdings.hpp"

namespace et::monitor {

namespace {

struct tab {
  std::string_view address;
  std::string_view words;
};

constexpr tab tabs[] = {{"/", "Overview"},
                        {"/workspaces", "Workspaces"},
                        {"/volumes", "Volumes"},
                        {"/alerts", "Alerts"},
                        {"/et_user/ET_Home.php", "More"}};

constexpr std::string_view renewal_ms(renewal how) {
  return how == renewal::live ? "1000" : how == renewal::slowly ? "3000" : "0";
}

void head(std::string& out, std::string_view title, const live_state& state, renewal how) {
  out += "<!DOCTYPE html>\n";
  markup page{out};
  page.open("html", {{"lang", "en"}}).open("head").empty("meta", {{"charset", "utf-8"}});
  page.empty("meta", {{"name", "viewport"}, {"content", "width=device-width, initial-scale=1"}});
  page.empty("meta", {{"name", "color-scheme"}, {"content", "light dark"}});
  page.leaf("title", std::string{title} + " · " + state.node);
  for (const auto* style : {"frame.css", "dashboard.css"})
    page.empty("link", {{"rel", "stylesheet"}, {"href", asset_address(style)}});
  page.empty("link", {{"rel", "icon"}, {"href", asset_address("icon.svg")}});
  if (how != renewal::never) {
    page.open("noscript").empty("meta", {{"http-equiv", "refresh"}, {"content", "30"}});
    page.close("noscript");
  }
  page.leaf("script", "", {{"src", asset_address("dashboard.js")}, {"defer", "defer"}});
  page.close("head").break_line();
}

void health_mark(std::string& out, const live_state& state) {
  auto found = findings(state);
  auto kind = found.empty() ? std::string_view{"well"} : kind_of(found.front().level);
  auto words =
      found.empty() ? std::string{"All well"} : counted(found.size(), "thing") + " to look at";
  markup{out}.leaf("a", words,
                   {{"class", "badge health " + std::string{kind}},
                    {"id", "health-mark"},
                    {"href", "/#health"}});
}

}  // namespace

std::shared_ptr<const live_state> picture(const page_context& context, const viewer& who) {
  if (context.live) {
    auto all = context.live->now();
    if (who.administrator) return all;
    return std::make_shared<const live_state>(visible_to(*all, who));
  }
  auto state = std::make_shared<live_state>();
  state->node = context.node;
  if (auto seen = seen_workspaces(*context.store, who)) state->workspaces = std::move(*seen);
  if (auto all = context.store->view()->volumes())
    for (auto& record : *all) state->volumes.push_back({std::move(record), true, -1});
  return state;
}

caf::expected<batch_record> seen_batch(const page_context& context, const viewer& who,
                                       batch_id id) {
  auto batch = find_batch(*context.store, who, id);
  if (!batch) return batch.error();
  if (!*batch) return fail(errc::not_found, "there is no batch " + std::to_string(id.value));
  return std::move(**batch);
}

void begin_dashboard(std::string& out, std::string_view title, const live_state& state,
                     std::string_view tab, renewal how) {
  head(out, title, state, how);
  markup page{out};
  page.open("body", {{"data-renew-ms", renewal_ms(how)}}).break_line();
  page.open("header", {{"id", "top"}}).open("div", {{"class", "brand"}});
  page.open("a", {{"href", "/"}})
      .empty("img",
             {{"src", asset_address("icon.svg")}, {"alt", ""}, {"width", "28"}, {"height", "28"}});
  page.text("Elastic Tape").close("a").close("div").break_line();
  page.open("p", {{"class", "node"}});
  name(out, state.node);
  if (!state.version.empty()) page.text(" · version " + state.version);
  if (state.started_ns != 0) page.text(" · up " + age_text(state, state.started_ns));
  page.close("p").break_line();
  page.open("p", {{"class", "marks"}});
  health_mark(out, state);
  page.leaf("span", "",
            {{"class", "badge quiet"},
             {"id", "link"},
             {"data-keep", "keep"},
             {"hidden", "hidden"},
             {"role", "status"}});
  page.close("p").break_line();
  page.open("nav", {{"aria-label", "Pages"}});
  for (const auto& [address, words] : tabs) {
    if (address == tab)
      page.leaf("a", words, {{"href", address}, {"aria-current", "page"}});
    else
      page.link(address, words);
  }
  page.close("nav").close("header").break_line().open("main", {{"id", "main"}}).break_line();
}

void end_dashboard(std::string& out) {
  markup{out}.close("main").close("body").close("html").break_line();
}

answer dashboard_page(std::function<void(std::string&)> write) {
  answer result;
  result.next = once(std::move(write));
  return result;
}

int64_t age_ms(const live_state& state, int64_t then_ns) {
  auto now_ns = state.time_ns != 0 ? state.time_ns : system_clock().now_ns();
  return std::max<int64_t>(0, (now_ns - then_ns) / 1'000'000);
}

std::string age_text(const live_state& state, int64_t then_ns) {
  return then_ns == 0 ? std::string{} : duration_text(age_ms(state, then_ns));
}

caf::expected<uint64_t> number_in_path(const std::string& path, std::string_view prefix) {
  uint64_t number = 0;
  const auto* begin = path.data() + prefix.size();
  const auto* end = path.data() + path.size();
  auto [stopped, error] = std::from_chars(begin, end, number);
  if (error != std::errc{} || (stopped != end && *stopped != '/'))
    return fail(errc::not_found, "there is no page " + path);
  return number;
}

std::string workspace_address(std::string_view name) {
  return "/workspace/" + url_encoded(name);
}

std::string batch_address(batch_id id) {
  return "/batch/" + std::to_string(id.value);
}

std::string volume_address(const barcode& volume) {
  return "/volume/" + url_encoded(volume.value);
}

void batch_link(std::string& out, batch_id id) {
  markup{out}.link(batch_address(id), std::to_string(id.value));
}

void volume_link(std::string& out, const barcode& volume) {
  markup{out}.link(volume_address(volume), volume.value);
}

}  // namespace et::monitor
