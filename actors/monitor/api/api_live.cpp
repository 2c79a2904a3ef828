// The JSON interface's view on the live picture: overview, throughput, events, drives, volumes,
// nodes, running retrievals.
#include <algorithm>
#include <set>

#include "actors/defaults.hpp"
#include "actors/monitor/api/api_support.hpp"

namespace et::monitor {

namespace {

/// Everything that visible_to() gives but the volumes, which may be many and are for everybody.
live_state seen_without_volumes(const live_state& state, const viewer& who) {
  live_state seen;
  seen.time_ns = state.time_ns;
  seen.node = state.node;
  seen.version = state.version;
  seen.started_ns = state.started_ns;
  seen.sessions = state.sessions;
  seen.slots = state.slots;
  seen.library_known = state.library_known;
  seen.cache = state.cache;
  seen.queues = state.queues;
  seen.nodes = state.nodes;
  seen.trouble = state.trouble;
  seen.drives = state.drives;
  std::set<std::string> names;
  for (const auto& workspace : state.workspaces) {
    if (!who.sees(workspace)) continue;
    names.insert(workspace.name);
    seen.workspaces.push_back(workspace);
  }
  auto mine = [&](const std::string& name) { return who.administrator || names.contains(name); };
  for (const auto& batch : state.batches)
    if (mine(batch.workspace_name)) seen.batches.push_back(batch);
  seen.batches_in_motion = who.administrator ? state.batches_in_motion : seen.batches.size();
  for (const auto& retrieval : state.retrievals)
    if (mine(retrieval.record.workspace_name)) seen.retrievals.push_back(retrieval);
  for (auto& drive : seen.drives) {
    if (mine(drive.workspace_name)) continue;
    drive.workspace_name.clear();
    drive.aggregation = {};
  }
  for (const auto* alerts : {&state.alerts, &state.older_alerts})
    for (const auto& alert : *alerts)
      if (mine(alert.workspace) && seen.alerts.size() < defaults::live_alerts)
        seen.alerts.push_back(alert);
  return seen;
}

json library_summary(const live_state& state) {
  std::array<uint64_t, volume_statuses.size() + 1> by_status{};  // by number
  uint64_t capacity_bytes = 0;
  uint64_t written_bytes = 0;
  uint64_t absent = 0;
  for (const auto& volume : state.volumes) {
    ++by_status.at(static_cast<size_t>(volume.record.status));
    capacity_bytes += volume.record.capacity_bytes;
    written_bytes += volume.record.written_bytes;
    if (!volume.present && volume.drive < 0) ++absent;
  }
  auto volumes = json::object();
  for (auto status : volume_statuses)
    volumes[to_string(status)] = by_status.at(static_cast<size_t>(status));
  return {{"known", state.library_known},     {"slots", state.slots},
          {"volumes", std::move(volumes)},    {"absent", absent},
          {"capacity_bytes", capacity_bytes}, {"written_bytes", written_bytes}};
}

json overview_of(const live_state& state, const viewer& who) {
  auto seen = seen_without_volumes(state, who);
  return {{"time", json_time(seen.time_ns)},
          {"node", seen.node},
          {"version", seen.version},
          {"started", json_time(seen.started_ns)},
          {"sessions", seen.sessions},
          {"batches_in_motion", seen.batches_in_motion},
          {"batches", json_list(seen.batches)},
          {"retrievals", json_list(seen.retrievals)},
          {"drives", json_list(seen.drives)},
          {"library", library_summary(state)},
          {"cache", json_of(seen.cache)},
          {"queues", json_list(seen.queues)},
          {"workspaces", json_list(seen.workspaces)},
          {"alerts", json_list(seen.alerts)},
          {"nodes", json_list(seen.nodes)},
          {"trouble", json_or_null(seen.trouble)}};
}

std::optional<throughput_sample> last_sample(live_source& live) {
  auto samples = live.throughput(false, 1);
  return samples.empty() ? std::nullopt : std::optional{samples.back()};
}

void add_event(std::string& out, const char* name, const std::string& data) {
  out += std::string{"event: "} + name + "\ndata: " + data + "\n\n";
}

/// The events of one viewer.
class event_writer {
 public:
  event_writer(live_source& live, viewer who) : live_(live), who_(std::move(who)) {}

  bool operator()(std::string& out) {
    auto sample = last_sample(live_);
    if (sample && sample->time_s != sample_s_) {
      sample_s_ = sample->time_s;
      add_event(out, "throughput", dumped(json_of(*sample)));
    }
    auto state = live_.now();
    // The same picture is no other one, and its time alone is no change.
    if (state == state_) return true;
    state_ = state;
    auto overview = overview_of(*state, who_);
    auto time = overview["time"];
    overview["time"] = nullptr;
    auto text = dumped(overview);
    if (text == told_) return true;
    told_ = std::move(text);
    overview["time"] = std::move(time);
    overview["throughput"] = sample ? json_of(*sample) : json{};
    add_event(out, "overview", dumped(overview));
    return true;
  }

 private:
  live_source& live_;
  viewer who_;
  std::shared_ptr<const live_state> state_;
  std::string told_;
  int64_t sample_s_ = 0;
};

}  // namespace

live_state visible_to(const live_state& state, const viewer& who) {
  auto seen = seen_without_volumes(state, who);
  seen.volumes = state.volumes;
  return seen;
}

std::string overview_json(const live_state& state, const std::optional<throughput_sample>& last,
                          const viewer& who) {
  auto overview = overview_of(state, who);
  overview["throughput"] = last ? json_of(*last) : json{};
  return dumped(overview);
}

caf::expected<answer> api_overview(const page_context& context, const query& asked,
                                   const path_words&) {
  auto state = picture(context);
  if (!state) return state.error();
  answer result;
  result.type = "application/json";
  result.next = once([text = overview_json(**state, last_sample(*context.live), asked.who())](
                         std::string& out) { out += text + "\n"; });
  return result;
}

caf::expected<answer> api_throughput(const page_context& context, const query& asked,
                                     const path_words&) {
  auto minutes = number_of(asked, "minutes", 0);
  if (!minutes) return minutes.error();
  if (*minutes > 1) return fail(errc::invalid_argument, "minutes is 0 or 1");
  auto limit = limit_of(asked, 60, defaults::live_minutes);
  if (!limit) return limit.error();
  auto state = picture(context);
  if (!state) return state.error();
  return document({{"seconds", *minutes == 1 ? 60 : 1},
                   {"samples", json_list(context.live->throughput(*minutes == 1, *limit))}});
}

caf::expected<answer> api_events(const page_context& context, const query& asked,
                                 const path_words&) {
  auto state = picture(context);
  if (!state) return state.error();
  answer result;
  result.type = "text/event-stream";
  result.events = event_writer{*context.live, asked.who()};
  // For who cannot take events: the first ones.
  result.next = [events = event_writer{*context.live, asked.who()}](
                    std::string& out) mutable -> caf::expected<bool> {
    events(out);
    return false;
  };
  return result;
}

caf::expected<answer> api_retrievals(const page_context& context, const query& asked,
                                     const path_words&) {
  auto state = picture(context);
  if (!state) return state.error();
  auto seen = seen_without_volumes(**state, asked.who());
  return document({{"retrievals", json_list(seen.retrievals)}, {"next", nullptr}});
}

caf::expected<answer> api_retrieval(const page_context& context, const query& asked,
                                    const path_words& words) {
  auto id = number_in(words.front());
  if (!id) return id.error();
  auto found = context.store->view()->retrieval(retrieval_id{*id});
  if (!found) return found.error();
  auto none = [&] { return fail(errc::not_found, "there is no retrieval " + words.front()); };
  if (!*found || !seen_workspace(context, asked, (*found)->workspace_name)) return none();
  retrieval_status status;
  status.record = **found;
  auto state = picture(context);
  if (state && status.record.state == retrieval_state::running)
    for (const auto& running : (*state)->retrievals)
      if (running.record.id.value == *id) status = running;
  return document(json_of(status));
}

caf::expected<answer> api_drives(const page_context& context, const query& asked,
                                 const path_words&) {
  auto state = picture(context);
  if (!state) return state.error();
  auto seen = seen_without_volumes(**state, asked.who());
  return document({{"drives", json_list(seen.drives)}, {"next", nullptr}});
}

caf::expected<answer> api_drive(const page_context& context, const query& asked,
                                const path_words& words) {
  auto number = number_in(words.front());
  if (!number) return number.error();
  auto state = picture(context);
  if (!state) return state.error();
  auto seen = seen_without_volumes(**state, asked.who());
  if (*number >= seen.drives.size())
    return fail(errc::not_found, "there is no drive " + words.front());
  return document(json_of(seen.drives[*number]));
}

caf::expected<answer> api_nodes(const page_context& context, const query&, const path_words&) {
  auto state = picture(context);
  if (!state) return state.error();
  return document({{"nodes", json_list((*state)->nodes)}, {"next", nullptr}});
}

}  // namespace et::monitor
