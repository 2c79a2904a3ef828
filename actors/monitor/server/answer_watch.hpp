// Measures answers: how long the first piece takes, and all of them with their sending.
#pragma once

#include <string>
#include <string_view>

#include "actors/metrics.hpp"
#include "actors/monitor/answer.hpp"

namespace et::monitor {

/// Begins with the request. `measures` may be null: nothing is measured then.
class answer_watch {
 public:
  explicit answer_watch(metrics* measures) : measures_(measures) {}

  /// One of a table, or a pattern: the metrics' labels are few.
  void set_route(std::string_view route) { route_ = route; }

  /// The same answer, which tells the metrics when it has been sent or given up. Answers without
  /// an end are left as they are.
  answer over(answer made) const;

 private:
  metrics* measures_;
  stopwatch watch_;
  std::string route_ = "none";
};

}  // namespace et::monitor
