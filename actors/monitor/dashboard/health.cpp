#include "actors/monitor/dashboard/health.hpp"

#include <algorithm>

#include "actors/monitor/dashboard/figures.hpp"
#include "actors/monitor/markup.hpp"

namespace et::monitor {

namespace {

/// From here on a workspace is worth a look; the catalogue's alerts say 80 too, but nobody has to
/// act on that.
constexpr uint64_t tight_quota_percent = 95;

/// For so long an error is worth a look.
constexpr int64_t fresh_ns = 10 * 60 * int64_t{1'000'000'000};

void look_at_alerts(const live_state& state, std::vector<finding>& found) {
  auto fresh = std::count_if(state.alerts.begin(), state.alerts.end(), [&](const auto& alert) {
    return alert.level == severity::error && alert.time_ns >= state.time_ns - fresh_ns;
  });
  if (fresh > 0)
    found.push_back({severity::warning,
                     counted(static_cast<uint64_t>(fresh), "error") + " in the last 10 minutes",
                     "/alerts?severity=error"});
}

void look_at_volumes(const live_state& state, std::vector<finding>& found) {
  if (!state.library_known || state.volumes.empty()) return;
  uint64_t suspect = 0;
  uint64_t quarantined = 0;
  bool room = false;
  for (const auto& volume : state.volumes) {
    auto status = volume.record.status;
    if (status == volume_status::suspect) ++suspect;
    if (status == volume_status::quarantined) ++quarantined;
    room |=
        is_here(volume) && (status == volume_status::blank || status == volume_status::appendable);
  }
  if (!room)
    found.push_back(
        {severity::error, "No volume in the library has room: add blank cartridges", "/volumes"});
  auto add = [&](uint64_t count, const std::string& status) {
    if (count > 0)
      found.push_back({severity::warning,
                       counted(count, "volume") + (count == 1 ? " is " : " are ") + status,
                       "/volumes?status=" + status});
  };
  add(suspect, "suspect");
  add(quarantined, "quarantined");
}

void look_at_quotas(const live_state& state, std::vector<finding>& found) {
  const workspace_record* tightest = nullptr;
  uint64_t tight = 0;
  uint64_t most = 0;
  for (const auto& workspace : state.workspaces) {
    auto percent = percent_of(workspace.used_bytes, workspace.quota_bytes);
    if (percent < tight_quota_percent) continue;
    ++tight;
    if (percent < most) continue;
    most = percent;
    tightest = &workspace;
  }
  if (!tightest) return;
  auto text =
      "Workspace " + tightest->name + " has used " + std::to_string(most) + " % of its quota";
  if (tight > 1) text += ", and " + counted(tight - 1, "other") + " 95 % or more";
  found.push_back({severity::warning, text,
                   tight > 1 ? "/workspaces" : "/workspace/" + url_encoded(tightest->name)});
}

bool is_writing(const live_drive& drive) {
  return drive.activity == "writing";
}

}  // namespace

std::vector<finding> findings(const live_state& state) {
  std::vector<finding> found;
  if (!state.trouble.empty())
    found.push_back({severity::warning, "Some of this is old or missing: " + state.trouble, ""});
  for (const auto& node : state.nodes)
    if (node.state != "up")
      found.push_back({severity::error, "Node " + node.name + " is " + node.state, "#nodes"});
  look_at_volumes(state, found);
  if (state.cache.full)
    found.push_back({severity::warning, "The cache is full: work waits for room in it", "#cache"});
  look_at_quotas(state, found);
  look_at_alerts(state, found);
  std::stable_sort(found.begin(), found.end(),
                   [](const finding& a, const finding& b) { return a.level > b.level; });
  return found;
}

std::string what_happens(const batch_record& batch, const live_state& state) {
  auto in = [&](enum state which) { return uint64_t{batch.in_state[static_cast<size_t>(which)]}; };
  std::string text;
  auto add = [&](const std::string& words) { text += (text.empty() ? "" : ", ") + words; };
  if (!batch.planned) add("being planned");
  if (auto n = in(state::registered); n > 0)
    add(count_text(n) + (state.cache.full ? " waiting for room in the cache" : " to be read"));
  if (auto n = in(state::cached); n > 0) {
    auto writing = std::any_of(state.drives.begin(), state.drives.end(), is_writing);
    add(count_text(n) + (writing ? " going to tape" : " waiting for a drive"));
  }
  return text;
}

}  // namespace et::monitor
