// Reads a monitor's holdings in XML as they come. Memory does not grow with their size.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "cli/commands/ls_rows.hpp"

namespace et {

// Bounds of what a monitor may send.
constexpr size_t max_xml_depth = 32;
/// Of one value; a path of PATH_MAX bytes as %XX is well below.
constexpr size_t max_xml_value_bytes = 64 * 1024;
/// Of one tag or comment.
constexpr size_t max_xml_token_bytes = 1024 * 1024;

/// Gets what is found, in the order of the XML: a workspace and a batch at their end, so after
/// their files. A function that returns false ends the reading; one that is not set is as if it
/// returned true.
struct holdings_sink {
  std::function<bool(const listed_workspace&)> workspace;
  std::function<bool(const listed_batch&)> batch;
  std::function<bool(const listed_file&)> file;
};

/// What the XML does not say is not set: batches and files of a workspace, mtime and checksum of a
/// file. Times are taken as local times of this machine's zone, names as xml_name() writes them.
class holdings_parser {
 public:
  explicit holdings_parser(holdings_sink sink);
  ~holdings_parser();
  holdings_parser(const holdings_parser&) = delete;
  holdings_parser& operator=(const holdings_parser&) = delete;

  /// The next piece, cut anywhere. Errors: protocol (not XML, not holdings, over a bound, or with a
  /// DOCTYPE, so that no entity is ever expanded), cancelled (the sink ended it); after an error
  /// every call gives it again.
  caf::error feed(std::string_view piece);
  /// The end. Error: protocol when it came too early.
  caf::error finish();

 private:
  class state;
  std::unique_ptr<state> state_;
};

/// `YYYY-MM-DD HH:MM:SS` of this machine's time zone; nothing for anything else, and for times that
/// 64 bits of nanoseconds cannot tell (before 1677, after 2262).
std::optional<int64_t> local_time_ns(std::string_view text);

}  // namespace et
