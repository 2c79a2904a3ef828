// Writes XML and XHTML piece by piece: an answer of a million rows is never in memory as a whole.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace et::monitor {

/// Appends `raw`, any bytes, as character data or as an attribute's value in double quotes. What
/// XML cannot hold is shown as xml_name() does.
void append_text(std::string& out, std::string_view raw);

/// `raw` for the query of an address.
std::string url_encoded(std::string_view raw);

/// `YYYY-MM-DD HH:MM:SS` of the server's zone; empty for 0: there is no time yet.
std::string time_text(int64_t time_ns);

/// Appends elements to a text. Who opens an element closes it, in a later piece if need be.
class markup {
 public:
  using attributes = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  explicit markup(std::string& out) : out_(out) {}

  markup& open(std::string_view element, attributes with = {});
  markup& close(std::string_view element);
  markup& text(std::string_view raw);
  /// `<element>raw</element>`, never the short form, which HTML takes for an opening tag.
  markup& leaf(std::string_view element, std::string_view raw, attributes with = {});
  markup& leaf(std::string_view element, uint64_t number);
  /// An element without content: `<element …/>`.
  markup& empty(std::string_view element, attributes with = {});
  markup& link(std::string_view address, std::string_view raw);

  /// A row of `th`; clients tell header rows by them.
  markup& header_row(std::initializer_list<std::string_view> titles);
  markup& cell(std::string_view raw) { return leaf("td", raw); }
  markup& cell(uint64_t number) { return leaf("td", number); }
  markup& break_line();

 private:
  void begin(std::string_view element, attributes with);

  std::string& out_;
};

/// Up to the inside of `body`.
void begin_page(std::string& out, std::string_view title);
void end_page(std::string& out);
/// The table that stands before all others on most pages.
void heading_table(std::string& out, std::string_view what);

}  // namespace et::monitor
