// What a request asks for: the path and the parameters of its target, and who asks.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "actors/monitor/viewer.hpp"
#include "storage/error.hpp"
#include "storage/types.hpp"

namespace et::monitor {

class query {
 public:
  /// `target` as in the request line: `/path?a=1&b=2;c=3`. Parameters are separated by `&` or `;`;
  /// of equal ones the first counts. Error: invalid_argument for a `%` that is not followed by two
  /// hexadecimal digits.
  static caf::expected<query> parse(std::string_view target);

  /// Who asks. Everybody until set_viewer().
  const viewer& who() const { return who_; }
  void set_viewer(viewer who) { who_ = std::move(who); }

  const std::string& path() const { return path_; }
  const std::map<std::string, std::string>& parameters() const { return parameters_; }
  /// Empty: not given.
  std::string text(const std::string& name) const;
  /// Nothing: not given. Error: invalid_argument for anything but a number of 64 bits.
  caf::expected<std::optional<uint64_t>> number(const std::string& name) const;
  /// `BATCH.NUMBER`. Error: invalid_argument for anything else, and when it is not given.
  caf::expected<aggregation_id> aggregation(const std::string& name) const;

 private:
  viewer who_;
  std::string path_;
  std::map<std::string, std::string> parameters_;
};

}  // namespace et::monitor
