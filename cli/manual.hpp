// Manual pages, made of the definitions of the commands and of manual_texts.hpp.
#pragma once

#include <CLI/CLI.hpp>

#include <string>
#include <string_view>
#include <vector>

#include "storage/error.hpp"

namespace et {

struct manual_page {
  std::string name;  ///< without `.1`: `et_put`, `elastictape-serve`
  std::string text;  ///< roff of man(7)
};

/// A page for `elastictape` and for each command that is not hidden, named as it is mostly called;
/// `elastictape-put` and its like only refer to the page of the other name.
std::vector<manual_page> all_manual_pages();

/// The page of `elastictape` (empty), `put` or `et_put`. Error: not_found.
caf::expected<std::string> manual_page_of(const std::string& command);

/// `text` so that roff shows it as it is, wherever it stands on a line. What is `literal` keeps
/// every dash; in prose a dash within a word is a hyphen.
std::string roff_escaped(std::string_view text, bool literal);

}  // namespace et
