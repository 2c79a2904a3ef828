#include "actors/monitor/dashboard/widgets.hpp"

#include <algorithm>
#include <cmath>

#include "actors/monitor/dashboard/figures.hpp"

namespace et::monitor {

namespace {

std::string text_in(unit in, uint64_t value) {
  switch (in) {
    case unit::bytes:
      return bytes_text(value);
    case unit::rate:
      return rate_text(value);
    case unit::duration_ms:
      return duration_text(static_cast<int64_t>(value));
    case unit::percent:
      return std::to_string(value) + "\xc2\xa0%";
    case unit::count:
      break;
  }
  return count_text(value);
}

/// Where `amount` of `whole` ends on a bar of this length.
constexpr uint64_t bar_length = 1000;

uint64_t place(uint64_t amount, uint64_t whole) {
  if (whole == 0) return 0;
  auto share = static_cast<double>(amount) / static_cast<double>(whole);
  return static_cast<uint64_t>(std::llround(std::min(1.0, share) * bar_length));
}

}  // namespace

void figure(std::string& out, std::string_view key, uint64_t value, unit in) {
  markup{out}.leaf("span", text_in(in, value),
                   {{"data-key", key}, {"data-value", std::to_string(value)}});
}

void name(std::string& out, std::string_view raw) {
  markup{out}.leaf("bdi", raw, {{"class", "name"}});
}

void name_link(std::string& out, std::string_view address, std::string_view raw) {
  markup page{out};
  page.open("a", {{"href", address}});
  name(out, raw);
  page.close("a");
}

void badge(std::string& out, std::string_view kind, std::string_view words) {
  markup{out}.leaf("span", words, {{"class", "badge " + std::string{kind}}});
}

std::string_view kind_of(state s) {
  switch (s) {
    case state::registered:
      return "quiet";
    case state::cached:
      return "wait";
    case state::failed:
      return "bad";
    default:
      return "well";
  }
}

std::string_view kind_of(volume_status status) {
  switch (status) {
    case volume_status::blank:
      return "quiet";
    case volume_status::appendable:
      return "well";
    case volume_status::full:
      return "busy";
    case volume_status::quarantined:
      return "wait";
    case volume_status::suspect:
      break;
  }
  return "bad";
}

std::string_view kind_of(severity level) {
  switch (level) {
    case severity::info:
      return "quiet";
    case severity::warning:
      return "wait";
    case severity::error:
      break;
  }
  return "bad";
}

std::string_view kind_of(retrieval_state state) {
  switch (state) {
    case retrieval_state::running:
      return "busy";
    case retrieval_state::completed:
      return "well";
    case retrieval_state::cancelled:
      return "quiet";
    case retrieval_state::failed:
      break;
  }
  return "bad";
}

void bar(std::string& out, std::string_view title, const std::vector<bar_part>& parts,
         uint64_t whole, const std::vector<uint64_t>& marks) {
  markup page{out};
  page.open("svg", {{"class", "bar"},
                    {"viewBox", "0 0 1000 10"},
                    {"preserveAspectRatio", "none"},
                    {"role", "img"},
                    {"aria-label", title}});
  page.leaf("title", title);
  uint64_t filled = 0;
  uint64_t begin = 0;
  for (const auto& [kind, amount] : parts) {
    filled += amount;
    auto end = place(filled, whole);
    // A little of something is not nothing.
    if (amount > 0 && end == begin) end = std::min(begin + 4, bar_length);
    page.leaf("rect", "",
              {{"class", kind},
               {"x", std::to_string(begin)},
               {"width", std::to_string(end - begin)},
               {"height", "10"}});
    begin = end;
  }
  for (auto mark : marks) {
    auto x = std::to_string(place(mark, whole));
    page.leaf("line", "", {{"class", "mark"}, {"x1", x}, {"x2", x}, {"y1", "0"}, {"y2", "10"}});
  }
  page.close("svg");
}

void begin_card(std::string& out, std::string_view id, std::string_view title,
                std::string_view note) {
  markup page{out};
  page.open("section", {{"class", "card"}, {"id", id}}).open("h2").text(title);
  if (!note.empty()) page.text(" ").leaf("small", note);
  page.close("h2").break_line();
}

void end_card(std::string& out) {
  markup{out}.close("section").break_line();
}

void nothing(std::string& out, std::string_view words) {
  markup{out}.leaf("p", words, {{"class", "nothing"}}).break_line();
}

listing::listing(std::string& out, std::vector<column> columns)
    : page_(out), columns_(std::move(columns)) {
  page_.open("div", {{"class", "scroll"}}).open("table").open("thead").open("tr");
  for (const auto& [title, kind] : columns_) {
    if (kind.empty())
      page_.leaf("th", title);
    else
      page_.leaf("th", title, {{"class", kind}});
  }
  page_.close("tr").close("thead").open("tbody").break_line();
}

void listing::end_row() {
  if (!in_row_) return;
  if (at_ > 0) page_.close("td");
  page_.close("tr").break_line();
  in_row_ = false;
}

void listing::row(std::string_view key) {
  end_row();
  page_.open("tr", {{"data-row", key}});
  in_row_ = true;
  at_ = 0;
}

markup& listing::cell() {
  if (at_ > 0) page_.close("td");
  const auto& [title, kind] = columns_.at(at_++);
  if (kind.empty())
    page_.open("td", {{"data-label", title}});
  else
    page_.open("td", {{"data-label", title}, {"class", kind}});
  return page_;
}

void listing::end() {
  end_row();
  page_.close("tbody").close("table").close("div").break_line();
}

fact_list::fact_list(std::string& out) : page_(out) {
  page_.open("dl", {{"class", "facts"}}).break_line();
}

markup& fact_list::fact(std::string_view title) {
  if (open_) page_.close("dd").close("div").break_line();
  open_ = true;
  page_.open("div").leaf("dt", title).open("dd");
  return page_;
}

void fact_list::end() {
  if (open_) page_.close("dd").close("div");
  page_.close("dl").break_line();
}

void pager(std::string& out, std::string_view first, std::string_view next, bool at_first,
           std::string_view words) {
  if (at_first && next.empty()) return;
  markup page{out};
  page.open("nav", {{"class", "pager"}, {"aria-label", "Pages"}});
  if (!at_first) page.link(first, "First page");
  if (!next.empty()) page.leaf("a", words, {{"href", next}, {"rel", "next"}});
  page.close("nav").break_line();
}

void choices(std::string& out, std::string_view label, const std::vector<choice>& all) {
  markup page{out};
  page.open("nav", {{"class", "choices"}, {"aria-label", label}});
  for (const auto& [address, words, taken] : all) {
    if (taken)
      page.leaf("a", words, {{"href", address}, {"aria-current", "true"}});
    else
      page.link(address, words);
  }
  page.close("nav").break_line();
}

}  // namespace et::monitor
