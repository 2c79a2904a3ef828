// Answers as a client has them: whole texts, parsed strictly.
#pragma once

#include <expat.h>

#include <catch2/catch.hpp>
#include <pugixml.hpp>
#include <string>
#include <vector>

#include "actors/monitor/answer.hpp"
#include "tests/storage/catalogue/fixture.hpp"

namespace et::test {

struct got {
  int status = 0;
  std::string type;
  std::string text;
  size_t pieces = 0;
  size_t largest_piece_bytes = 0;
  caf::error cut;  ///< why it ended too early
};

/// All pieces of an answer.
inline got read_all(monitor::answer made) {
  got result;
  result.status = made.status;
  result.type = made.type;
  for (;;) {
    std::string piece;
    auto more = made.next(piece);
    ++result.pieces;
    result.largest_piece_bytes = std::max(result.largest_piece_bytes, piece.size());
    result.text += piece;
    if (!more) result.cut = more.error();
    if (!more || !*more) return result;
  }
}

inline got get(fixture& f, const std::string& target) {
  return read_all(monitor::answer_to({&f.store(), "node1", "http://here:80"}, target));
}

/// Whether `text` is well-formed; expat is strict about characters and encoding.
inline bool is_well_formed(const std::string& text) {
  auto* parser = XML_ParserCreate(nullptr);
  auto status = XML_Parse(parser, text.data(), static_cast<int>(text.size()), 1);
  if (status != XML_STATUS_OK)
    UNSCOPED_INFO(XML_ErrorString(XML_GetErrorCode(parser))
                  << " in line " << XML_GetCurrentLineNumber(parser) << " of " << text);
  XML_ParserFree(parser);
  return status == XML_STATUS_OK;
}

/// A good answer as a document.
struct parsed {
  explicit parsed(const got& answer) {
    INFO(answer.text);
    REQUIRE(answer.status == 200);
    REQUIRE_FALSE(answer.cut);
    REQUIRE(is_well_formed(answer.text));
    REQUIRE(document.load_string(answer.text.c_str(),
                                 pugi::parse_default | pugi::parse_ws_pcdata_single));
  }
  parsed(fixture& f, const std::string& target) : parsed(get(f, target)) {}

  std::vector<pugi::xml_node> all(const std::string& path) const {
    std::vector<pugi::xml_node> nodes;
    for (const auto& found : document.select_nodes(path.c_str())) nodes.push_back(found.node());
    return nodes;
  }
  pugi::xml_node table(size_t number) const { return all("//table").at(number - 1); }

  pugi::xml_document document;
};

using texts = std::vector<std::string>;

/// All text within a node.
inline std::string text_in(const pugi::xml_node& node) {
  return pugi::xpath_query{"string(.)"}.evaluate_string(node);
}

/// Texts of the children of that name; a link's text counts for its cell.
inline texts texts_of(const pugi::xml_node& parent, const char* name) {
  texts result;
  for (const auto& child : parent.children(name)) result.push_back(text_in(child));
  return result;
}

/// The `td` of each row that has some. Rows are children of the table, as a client expects.
inline std::vector<texts> data_rows(const pugi::xml_node& table) {
  std::vector<texts> rows;
  for (const auto& row : table.children("tr"))
    if (auto cells = texts_of(row, "td"); !cells.empty()) rows.push_back(cells);
  return rows;
}

inline size_t header_rows(const pugi::xml_node& table) {
  size_t count = 0;
  for (const auto& row : table.children("tr")) count += row.child("th") ? 1 : 0;
  return count;
}

}  // namespace et::test
