// `/`: whether the service is well, what moves and what waits, at a glance.
#include <algorithm>

#include "actors/defaults.hpp"
#include "actors/monitor/dashboard/dashboard.hpp"
#include "actors/monitor/dashboard/dashboard_pages.hpp"
#include "actors/monitor/dashboard/figures.hpp"
#include "actors/monitor/dashboard/health.hpp"
#include "actors/monitor/dashboard/plot.hpp"

namespace et::monitor {

namespace {

constexpr plot_span ten_minutes{600, 1, 5, "10 min ago", "5 min ago"};
constexpr plot_span one_day{1440, 60, 1, "24 h ago", "12 h ago"};

const std::vector<curve> to_tape{
    {"put", "put", &throughput_sample::put_bytes},
    {"tape-write", "tape write", &throughput_sample::tape_write_bytes}};
const std::vector<curve> from_tape{{"tape-read", "tape read", &throughput_sample::tape_read_bytes},
                                   {"get", "get", &throughput_sample::get_bytes}};

/// What a page shows of the past.
struct history {
  bool day = false;
  std::vector<throughput_sample> samples;
  const plot_span& span() const { return day ? one_day : ten_minutes; }
};

void health_line(std::string& out, const live_state& state) {
  markup page{out};
  auto found = findings(state);
  page.open("section", {{"id", "health"}, {"class", found.empty() ? "well" : "findings"}});
  if (found.empty()) {
    page.leaf("p", "All well.");
  } else {
    page.open("ul");
    for (const auto& one : found) {
      page.open("li", {{"class", kind_of(one.level)}});
      if (one.address.empty())
        page.leaf("bdi", one.text);
      else
        name_link(out, one.address, one.text);
      page.close("li");
    }
    page.close("ul");
  }
  page.close("section").break_line();
}

/// A large number with what it means above and more below.
class tile {
 public:
  tile(std::string& out, std::string_view title, std::string_view address) : page_(out) {
    page_.open("li").open("a", {{"href", address}}).leaf("span", title, {{"class", "title"}});
    page_.open("strong");
  }
  ~tile() { page_.close("small").close("a").close("li").break_line(); }
  markup& below() { return page_.close("strong").open("small"); }

 private:
  markup page_;
};

void motion_tiles(std::string& out, const live_state& state, const history& past) {
  auto rate = [&](const char* key, uint64_t throughput_sample::*bytes) {
    figure(out, key, present_rate(past.samples, bytes, past.span()), unit::rate);
  };
  markup page{out};
  {
    tile archiving{out, "To tape", "#throughput"};
    rate("page.tape-write_rate", &throughput_sample::tape_write_bytes);
    archiving.below().text("put ");
    rate("page.put_rate", &throughput_sample::put_bytes);
  }
  {
    tile fetching{out, "Delivered", "#throughput"};
    rate("page.get_rate", &throughput_sample::get_bytes);
    fetching.below().text("from tape ");
    rate("page.tape-read_rate", &throughput_sample::tape_read_bytes);
  }
  {
    tile moving{out, "In motion", "#batches"};
    auto batches = std::max<uint64_t>(state.batches_in_motion, state.batches.size());
    figure(out, "batches_in_motion", batches, unit::count);
    page.text(batches == 1 ? " batch" : " batches");
    moving.below();
    figure(out, "retrievals.length", state.retrievals.size(), unit::count);
    page.text(state.retrievals.size() == 1 ? " retrieval" : " retrievals");
  }
}

void state_tiles(std::string& out, const live_state& state) {
  markup page{out};
  {
    tile unsafe{out, "Not on tape yet", "#queues"};
    figure(out, "cache.unsafe_bytes", state.cache.unsafe_bytes, unit::bytes);
    unsafe.below();
    int64_t oldest_ms = 0;
    for (const auto& queue : state.queues)
      if (queue.waiting > 0) oldest_ms = std::max(oldest_ms, queue.oldest_ms);
    page.text(oldest_ms == 0 ? "nothing waits" : "longest wait " + duration_text(oldest_ms));
  }
  {
    tile cache{out, "Cache", "#cache"};
    figure(out, "page.cache_percent",
           percent_of(state.cache.used_bytes, state.cache.capacity_bytes), unit::percent);
    cache.below();
    auto free =
        state.cache.capacity_bytes - std::min(state.cache.capacity_bytes, state.cache.used_bytes);
    page.text(bytes_text(free) + " free");
  }
  {
    tile drives{out, "Drives at work", "#drives"};
    auto busy = std::count_if(state.drives.begin(), state.drives.end(), [](const auto& drive) {
      return drive.activity != "idle" && drive.activity != "resting";
    });
    figure(out, "page.drives_busy", static_cast<uint64_t>(busy), unit::count);
    page.text(" of ");
    figure(out, "drives.length", state.drives.size(), unit::count);
    drives.below().text(counted(state.sessions, "client") + " connected");
  }
}

void throughput_card(std::string& out, const history& past) {
  begin_card(out, "throughput", "Throughput");
  choices(out, "Time shown", {{"/", "10 minutes", !past.day}, {"/?range=day", "1 day", past.day}});
  markup page{out};
  page.open("div", {{"class", "plots"}});
  throughput_plot(out, "plot-to-tape", "To tape", past.samples, to_tape, past.span());
  throughput_plot(out, "plot-from-tape", "From tape", past.samples, from_tape, past.span());
  page.close("div");
  end_card(out);
}

}  // namespace

caf::expected<answer> dashboard_overview(const page_context& context, const query& asked) {
  auto state = picture(context, asked.who());
  history past{asked.text("range") == "day", {}};
  if (context.live) past.samples = context.live->throughput(past.day, past.span().samples);
  return dashboard_page([state, past = std::move(past)](std::string& out) {
    begin_dashboard(out, "Elastic Tape", *state, "/", renewal::live);
    markup page{out};
    health_line(out, *state);
    page.open("ul", {{"class", "tiles"}, {"id", "tiles"}}).break_line();
    motion_tiles(out, *state, past);
    state_tiles(out, *state);
    page.close("ul").open("div", {{"class", "grid"}}).break_line();
    throughput_card(out, past);
    drives_card(out, *state);
    batches_card(out, *state);
    cache_card(out, *state);
    retrievals_card(out, *state);
    queues_card(out, *state);
    library_card(out, *state);
    quota_card(out, *state);
    alerts_card(out, *state);
    nodes_card(out, *state);
    page.close("div");
    end_dashboard(out);
  });
}

}  // namespace et::monitor
