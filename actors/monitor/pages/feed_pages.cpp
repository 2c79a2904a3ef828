// The newest alerts as feeds: Atom 1.0 (RFC 4287) and RSS 2.0.
#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

#include "actors/defaults.hpp"
#include "actors/monitor/holdings.hpp"
#include "actors/monitor/markup.hpp"
#include "actors/monitor/pages/pages.hpp"

namespace et::monitor {

namespace {

struct feed {
  std::string node;
  std::string workspace;  ///< empty: all
  std::string self;       ///< its own address
  std::string origin;
  std::vector<alert_record> alerts;  ///< newest first
};

std::tm utc(int64_t time_ns) {
  auto seconds = static_cast<time_t>(time_ns / 1'000'000'000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  return parts;
}

/// RFC 3339.
std::string atom_time(int64_t time_ns) {
  auto parts = utc(time_ns);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

/// RFC 822, whose names of days and months are English everywhere.
std::string rss_time(int64_t time_ns) {
  constexpr std::array days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                              "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  auto parts = utc(time_ns);
  char text[64];
  std::snprintf(text, sizeof text, "%s, %02d %s %04d %02d:%02d:%02d GMT",
                days[static_cast<size_t>(parts.tm_wday)], parts.tm_mday,
                months[static_cast<size_t>(parts.tm_mon)], parts.tm_year + 1900, parts.tm_hour,
                parts.tm_min, parts.tm_sec);
  return text;
}

/// A tag URI (RFC 4151). It must not change while the alert exists, whatever host, port or version
/// serves it; the time tells the alerts of a new catalogue from those of an old one.
std::string id_of(const feed& all, const alert_record& alert) {
  return "tag:" + all.node + ",2026:elastictape/alert/" + std::to_string(alert.number) + "/" +
         std::to_string(alert.time_ns / 1'000'000'000);
}

std::string link_of(const feed& all, const alert_record& alert) {
  return all.origin + "/et_user/ET_AlertWatch.php#alert_id_" + std::to_string(alert.number);
}

std::string page_of(const feed& all) {
  auto address = all.origin + "/et_user/ET_AlertWatch.php";
  return all.workspace.empty() ? address : address + "?workspace=" + url_encoded(all.workspace);
}

std::string title_of(const feed& all) {
  return "Elastic Tape alerts" + (all.workspace.empty() ? "" : " of " + all.workspace);
}

int64_t newest_ns(const feed& all) {
  int64_t newest = 0;
  for (const auto& alert : all.alerts) newest = std::max(newest, alert.time_ns);
  return newest;
}

caf::expected<feed> read_feed(const page_context& context, const query& asked) {
  feed all{
      context.node, asked.text("workspace"), context.origin + asked.path(), context.origin, {}};
  if (!all.workspace.empty()) {
    auto workspace = find_workspace(*context.store, asked.who(), all.workspace);
    if (!workspace) return workspace.error();
    all.self += "?workspace=" + url_encoded(all.workspace);
  }
  auto each = each_alert(*context.store, asked.who(), all.workspace,
                         [&](std::string&, const alert_record& alert) {
                           if (all.alerts.size() < defaults::feed_alerts)
                             all.alerts.push_back(alert);
                         });
  std::string unused;
  while (all.alerts.size() < defaults::feed_alerts) {
    auto more = each(unused);
    if (!more) return more.error();
    if (!*more) break;
  }
  return all;
}

void write_atom(std::string& out, const feed& all) {
  out += "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
  markup xml{out};
  xml.open("feed", {{"xmlns", "http://www.w3.org/2005/Atom"}}).leaf("title", title_of(all));
  xml.leaf("id", "tag:" + all.node + ",2026:elastictape/alerts/" + url_encoded(all.workspace));
  xml.leaf("updated", atom_time(newest_ns(all)));
  xml.empty("link", {{"rel", "self"}, {"type", "application/atom+xml"}, {"href", all.self}});
  xml.empty("link", {{"rel", "alternate"}, {"type", "text/html"}, {"href", page_of(all)}});
  xml.open("author").leaf("name", "Elastic Tape on " + all.node).close("author").break_line();
  for (const auto& alert : all.alerts) {
    auto time = atom_time(alert.time_ns);
    xml.open("entry").leaf("title", alert.text).leaf("id", id_of(all, alert));
    xml.empty("link", {{"rel", "alternate"}, {"type", "text/html"}, {"href", link_of(all, alert)}});
    xml.leaf("published", time).leaf("updated", time);
    xml.empty("category", {{"term", to_string(alert.level)}});
    xml.leaf("summary", alert.text).close("entry").break_line();
  }
  xml.close("feed").break_line();
}

void write_rss(std::string& out, const feed& all) {
  out += "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
  markup xml{out};
  xml.open("rss", {{"version", "2.0"}, {"xmlns:atom", "http://www.w3.org/2005/Atom"}});
  xml.open("channel").leaf("title", title_of(all)).leaf("link", page_of(all));
  xml.leaf("description", "What the tape archive on " + all.node + " did and what it lacks");
  xml.leaf("lastBuildDate", rss_time(newest_ns(all)));
  xml.empty("atom:link", {{"rel", "self"}, {"type", "application/rss+xml"}, {"href", all.self}});
  xml.break_line();
  for (const auto& alert : all.alerts) {
    xml.open("item").leaf("title", alert.text).leaf("link", link_of(all, alert));
    xml.leaf("guid", id_of(all, alert), {{"isPermaLink", "false"}});
    xml.leaf("pubDate", rss_time(alert.time_ns)).leaf("category", to_string(alert.level));
    xml.leaf("description", alert.text).close("item").break_line();
  }
  xml.close("channel").close("rss").break_line();
}

caf::expected<answer> feed_answer(const page_context& context, const query& asked, const char* type,
                                  void (*write)(std::string&, const feed&)) {
  auto all = read_feed(context, asked);
  if (!all) return all.error();
  answer result;
  result.type = type;
  result.next = once([all = std::move(*all), write](std::string& out) { write(out, all); });
  return result;
}

}  // namespace

caf::expected<answer> atom_feed(const page_context& context, const query& asked) {
  return feed_answer(context, asked, "application/atom+xml; charset=utf-8", write_atom);
}

caf::expected<answer> rss_feed(const page_context& context, const query& asked) {
  return feed_answer(context, asked, "application/rss+xml; charset=utf-8", write_rss);
}

}  // namespace et::monitor
