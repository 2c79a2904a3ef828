#include "actors/monitor/markup.hpp"

#include <algorithm>

#include "actors/monitor/dashboard/assets.hpp"
#include "storage/catalogue/alert_text.hpp"
#include "storage/format/xml_name.hpp"

namespace et::monitor {

namespace {

bool is_plain(char c) {
  return c >= ' ' && c <= '~' && c != '<' && c != '>' && c != '&' && c != '"' && c != '\'';
}

void append_character(std::string& out, char c) {
  switch (c) {
    case '<':
      out += "&lt;";
      return;
    case '>':
      out += "&gt;";
      return;
    case '&':
      out += "&amp;";
      return;
    case '"':
      out += "&quot;";
      return;
    case '\'':
      out += "&#39;";
      return;
    // Raw, a parser turns these into blanks or other line ends.
    case '\t':
      out += "&#9;";
      return;
    case '\n':
      out += "&#10;";
      return;
    case '\r':
      out += "&#13;";
      return;
    default:
      out += c;
  }
}

}  // namespace

void append_text(std::string& out, std::string_view raw) {
  if (std::all_of(raw.begin(), raw.end(), is_plain)) {
    out += raw;
    return;
  }
  for (char c : xml_name(raw)) append_character(out, c);
}

std::string url_encoded(std::string_view raw) {
  constexpr std::string_view unreserved =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  constexpr char digits[] = "0123456789ABCDEF";
  std::string text;
  for (char c : raw) {
    if (unreserved.find(c) != std::string_view::npos) {
      text += c;
    } else {
      auto byte = static_cast<uint8_t>(c);
      text += {'%', digits[byte >> 4], digits[byte & 15]};
    }
  }
  return text;
}

std::string time_text(int64_t time_ns) {
  return time_ns == 0 ? std::string{} : local_time(time_ns);
}

void markup::begin(std::string_view element, attributes with) {
  out_ += '<';
  out_ += element;
  for (const auto& [name, value] : with) {
    out_ += ' ';
    out_ += name;
    out_ += "=\"";
    append_text(out_, value);
    out_ += '"';
  }
}

markup& markup::open(std::string_view element, attributes with) {
  begin(element, with);
  out_ += '>';
  return *this;
}

markup& markup::close(std::string_view element) {
  out_ += "</";
  out_ += element;
  out_ += '>';
  return *this;
}

markup& markup::text(std::string_view raw) {
  append_text(out_, raw);
  return *this;
}

markup& markup::leaf(std::string_view element, std::string_view raw, attributes with) {
  return open(element, with).text(raw).close(element);
}

markup& markup::leaf(std::string_view element, uint64_t number) {
  return leaf(element, std::to_string(number));
}

markup& markup::empty(std::string_view element, attributes with) {
  begin(element, with);
  out_ += "/>";
  return *this;
}

markup& markup::link(std::string_view address, std::string_view raw) {
  return leaf("a", raw, {{"href", address}});
}

markup& markup::header_row(std::initializer_list<std::string_view> titles) {
  open("tr");
  for (auto title : titles) leaf("th", title);
  return close("tr").break_line();
}

markup& markup::break_line() {
  out_ += '\n';
  return *this;
}

void begin_page(std::string& out, std::string_view title) {
  // Without a namespace: one client looks for the bare names of elements.
  out += "<!DOCTYPE html>\n";
  markup page{out};
  page.open("html", {{"lang", "en"}}).open("head").empty("meta", {{"charset", "utf-8"}});
  page.leaf("title", title);
  page.empty("link", {{"rel", "stylesheet"}, {"href", asset_address("pages.css")}});
  page.empty("link", {{"rel", "icon"}, {"href", asset_address("icon.svg")}});
  page.close("head").open("body").break_line();
}

void end_page(std::string& out) {
  markup{out}.close("body").close("html").break_line();
}

void heading_table(std::string& out, std::string_view what) {
  markup page{out};
  page.open("table").header_row({what}).close("table").break_line();
}

}  // namespace et::monitor
