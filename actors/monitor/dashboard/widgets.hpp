// Parts of which the dashboard's pages are made. All of them are well-formed, need no script and no
// style of their own: what is as long as a number is an attribute of SVG.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "actors/monitor/markup.hpp"
#include "storage/catalogue/records.hpp"

namespace et::monitor {

enum class unit { count, bytes, rate, duration_ms, percent };

/// A number for people, with the name and value that programs read: `data-key`, `data-value`. The
/// key says where the overview of the JSON interface has it: `cache.used_bytes`; in a list, by
/// position, number or id: `batches.41.files`. Those that begin with `page.` are the page's own.
void figure(std::string& out, std::string_view key, uint64_t value, unit in);

/// A name, which may be anything, kept apart from the text around it.
void name(std::string& out, std::string_view raw);
void name_link(std::string& out, std::string_view address, std::string_view raw);

/// A word in a colour. `kind` is a class of the style sheet: well, busy, wait, bad, quiet.
void badge(std::string& out, std::string_view kind, std::string_view words);
std::string_view kind_of(state s);
std::string_view kind_of(volume_status status);
std::string_view kind_of(severity level);
std::string_view kind_of(retrieval_state state);

struct bar_part {
  std::string_view kind;  ///< class of the style sheet
  uint64_t amount = 0;
};
/// A horizontal bar of `whole`, filled by `parts` from the left, with marks across it. `title` says
/// the same in words.
void bar(std::string& out, std::string_view title, const std::vector<bar_part>& parts,
         uint64_t whole, const std::vector<uint64_t>& marks = {});

/// A box with a heading. `id` names it for links and the script.
void begin_card(std::string& out, std::string_view id, std::string_view title,
                std::string_view note = {});
void end_card(std::string& out);
/// Instead of an empty table.
void nothing(std::string& out, std::string_view words);

/// A table. Each cell knows its column's title: on a phone a row becomes a block of lines.
class listing {
 public:
  struct column {
    std::string_view title;
    std::string_view kind = {};  ///< `number`: to the right; `wide`: takes what is left
  };
  /// The titles must outlive it.
  listing(std::string& out, std::vector<column> columns);
  /// Begins a row; `key` tells the script which one it is.
  void row(std::string_view key);
  /// Begins the next cell of the row.
  markup& cell();
  void end();

 private:
  void end_row();

  markup page_;
  std::vector<column> columns_;
  bool in_row_ = false;
  size_t at_ = 0;  ///< cells of the row so far
};

/// Facts about one thing: names and values.
class fact_list {
 public:
  explicit fact_list(std::string& out);
  /// Begins the next fact.
  markup& fact(std::string_view title);
  void end();

 private:
  markup page_;
  bool open_ = false;
};

/// Links below a list: back to its beginning, when this is not it, and on; `next` may be empty.
void pager(std::string& out, std::string_view first, std::string_view next, bool at_first,
           std::string_view words = "Next");

/// Choices of which one is taken, as links.
struct choice {
  std::string address;
  std::string_view words;
  bool taken = false;
};
void choices(std::string& out, std::string_view label, const std::vector<choice>& all);

}  // namespace et::monitor
