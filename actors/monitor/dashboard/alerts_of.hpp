// Some of the alerts, newest first, as a viewer may see them.
#pragma once

#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "actors/monitor/viewer.hpp"
#include "storage/catalogue/store.hpp"

namespace et::monitor {

/// Which alerts are wanted; empty: all.
struct alert_filter {
  std::string workspace;
  severity least = severity::info;
  batch_id batch;
};

struct some_alerts {
  std::vector<alert_record> found;
  /// Where the next page begins; 0: there is nothing more. A page also ends when enough has been
  /// looked at, and may be empty then.
  uint64_t before = 0;
};

/// Whether a viewer may see alerts: by the workspaces that there are.
class alert_sight {
 public:
  static caf::expected<alert_sight> of(catalogue_view& view, const viewer& who);
  bool sees(const alert_record& alert) const {
    return all_ || (!alert.workspace.empty() && workspaces_.contains(alert.workspace));
  }

 private:
  bool all_ = false;
  std::unordered_set<std::string> workspaces_;
};

/// At most `limit` alerts with a number below `before`, looking at defaults::dashboard_alert_scan
/// at most. `sight` may be missing: the filter names what may be seen.
caf::expected<some_alerts> alerts_of(catalogue_view& view, const alert_filter& filter,
                                     const std::optional<alert_sight>& sight, uint64_t before,
                                     size_t limit);

}  // namespace et::monitor
