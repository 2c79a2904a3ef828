// /metrics: counters and histograms of the service, and gauges from the live picture.
#include <dirent.h>
#include <prometheus/text_serializer.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <sstream>

#include "actors/metrics.hpp"
#include "actors/monitor/pages/pages.hpp"
#include "storage/os/file.hpp"

namespace et::monitor {

namespace {

using families = std::vector<prometheus::MetricFamily>;

/// Appends values to one family.
class gauge_family {
 public:
  gauge_family(families& all, const char* name, const char* help,
               prometheus::MetricType type = prometheus::MetricType::Gauge)
      : all_(all), at_(all.size()) {
    all_.push_back({name, help, type, {}});
  }

  gauge_family& add(double value, std::vector<prometheus::ClientMetric::Label> labels = {}) {
    prometheus::ClientMetric one;
    one.label = std::move(labels);
    one.gauge.value = value;
    one.counter.value = value;
    all_[at_].metric.push_back(std::move(one));
    return *this;
  }
  gauge_family& add(uint64_t value, std::vector<prometheus::ClientMetric::Label> labels = {}) {
    return add(static_cast<double>(value), std::move(labels));
  }

 private:
  families& all_;
  size_t at_;
};

double flag(bool set) {
  return set ? 1 : 0;
}

void cache_gauges(families& all, const live_cache& cache) {
  gauge_family(all, "elastictape_cache_capacity_bytes", "Size of the disk cache.")
      .add(cache.capacity_bytes);
  gauge_family(all, "elastictape_cache_used_bytes", "Of the cache, reserved room included.")
      .add(cache.used_bytes);
  gauge_family(all, "elastictape_cache_unsafe_bytes", "Of aggregations that are not on tape yet.")
      .add(cache.unsafe_bytes);
  gauge_family(all, "elastictape_cache_high_watermark_bytes",
               "Above this, aggregations leave before their time.")
      .add(cache.high_bytes);
  gauge_family(all, "elastictape_cache_low_watermark_bytes", "Until so much is used.")
      .add(cache.low_bytes);
  gauge_family(all, "elastictape_cache_aggregations", "Aggregations in the cache.")
      .add(cache.aggregations);
  gauge_family(all, "elastictape_cache_full", "1 while somebody waits for room in the cache.")
      .add(flag(cache.full));
}

void queue_gauges(families& all, const std::vector<live_queue>& queues) {
  gauge_family length(all, "elastictape_queue_length", "What waits in a queue.");
  gauge_family size(all, "elastictape_queue_bytes", "Bytes of what waits, where they are known.");
  gauge_family oldest(all, "elastictape_queue_oldest_seconds", "How long the first has waited.");
  double longest_ms = 0;
  for (const auto& queue : queues) {
    length.add(queue.waiting, {{"queue", queue.name}});
    size.add(queue.waiting_bytes, {{"queue", queue.name}});
    auto oldest_ms = static_cast<double>(queue.oldest_ms);
    oldest.add(oldest_ms / 1000, {{"queue", queue.name}});
    longest_ms = std::max(longest_ms, oldest_ms);
  }
  gauge_family(all, "elastictape_oldest_wait_seconds", "The longest wait in any queue.")
      .add(longest_ms / 1000);
}

void library_gauges(families& all, const live_state& state) {
  gauge_family drives(all, "elastictape_drives", "Drives by what they are doing.");
  for (const auto* activity :
       {"idle", "mounting", "writing", "reading", "dismounting", "resting"}) {
    auto count = std::count_if(state.drives.begin(), state.drives.end(),
                               [&](const auto& drive) { return drive.activity == activity; });
    drives.add(static_cast<double>(count), {{"activity", activity}});
  }
  gauge_family volumes(all, "elastictape_volumes", "Cartridges by status.");
  uint64_t capacity_bytes = 0;
  uint64_t written_bytes = 0;
  uint64_t absent = 0;
  std::array<uint64_t, volume_statuses.size() + 1> by_status{};  // by number
  for (const auto& volume : state.volumes) {
    ++by_status.at(static_cast<size_t>(volume.record.status));
    capacity_bytes += volume.record.capacity_bytes;
    written_bytes += volume.record.written_bytes;
    if (!volume.present && volume.drive < 0) ++absent;
  }
  for (auto status : volume_statuses)
    volumes.add(by_status.at(static_cast<size_t>(status)), {{"status", to_string(status)}});
  gauge_family(all, "elastictape_volumes_absent", "Known cartridges that are not in the library.")
      .add(absent);
  gauge_family(all, "elastictape_library_slots", "Slots of the library.").add(state.slots);
  gauge_family(all, "elastictape_library_capacity_bytes",
               "Nominal capacity of the volumes that were ever mounted.")
      .add(capacity_bytes);
  gauge_family(all, "elastictape_library_written_bytes", "Data on all volumes.").add(written_bytes);
}

void workspace_gauges(families& all, const std::vector<workspace_record>& workspaces) {
  gauge_family quota(all, "elastictape_workspace_quota_bytes", "What a workspace may hold.");
  gauge_family used(all, "elastictape_workspace_used_bytes", "What it holds.");
  gauge_family files(all, "elastictape_workspace_files", "Files that it holds.");
  gauge_family batches(all, "elastictape_workspace_batches", "Batches that it holds.");
  for (const auto& one : workspaces) {
    quota.add(one.quota_bytes, {{"workspace", one.name}});
    used.add(one.used_bytes, {{"workspace", one.name}});
    files.add(one.used_files, {{"workspace", one.name}});
    batches.add(one.batches, {{"workspace", one.name}});
  }
}

void live_gauges(families& all, const live_state& state) {
  gauge_family(all, "elastictape_build_info", "Always 1; the version is a label.")
      .add(1.0, {{"version", state.version}});
  gauge_family(all, "elastictape_batches_in_motion", "Batches that are not safe or failed yet.")
      .add(state.batches_in_motion);
  gauge_family(all, "elastictape_retrievals_running", "Retrievals that have not ended.")
      .add(static_cast<uint64_t>(state.retrievals.size()));
  gauge_family(all, "elastictape_sessions", "Clients connected.").add(state.sessions);
  gauge_family(all, "elastictape_library_known", "1 when the inventory has been taken.")
      .add(flag(state.library_known));
  gauge_family(all, "elastictape_trouble", "1 when a part of the service does not answer.")
      .add(flag(!state.trouble.empty()));
  cache_gauges(all, state.cache);
  queue_gauges(all, state.queues);
  library_gauges(all, state);
  workspace_gauges(all, state.workspaces);
  gauge_family(all, "process_start_time_seconds", "When the service started, since the epoch.")
      .add(static_cast<double>(state.started_ns) / 1e9);
}

uint64_t open_descriptors() {
  uint64_t count = 0;
  auto* folder = ::opendir("/proc/self/fd");
  if (!folder) return 0;
  while (const auto* found = ::readdir(folder))
    if (found->d_name[0] != '.') ++count;
  ::closedir(folder);
  // The one that counts them is among them.
  return count > 0 ? count - 1 : 0;
}

/// The second number of /proc/self/statm, in bytes.
uint64_t resident_bytes() {
  auto text = read_small_file("/proc/self/statm", 256);
  if (!text) return 0;
  std::istringstream in{*text};
  uint64_t size = 0;
  uint64_t resident = 0;
  in >> size >> resident;
  return resident * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

void process_gauges(families& all) {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  gauge_family(all, "process_cpu_seconds_total", "User and system time.",
               prometheus::MetricType::Counter)
      .add(seconds(used.ru_utime) + seconds(used.ru_stime));
  gauge_family(all, "process_resident_memory_bytes", "Memory in use.").add(resident_bytes());
  gauge_family(all, "process_open_fds", "Open descriptors.").add(open_descriptors());
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0)
    gauge_family(all, "process_max_fds", "Bound of open descriptors.")
        .add(static_cast<uint64_t>(limit.rlim_cur));
}

}  // namespace

caf::expected<answer> metrics_page(const page_context& context, const query& asked) {
  if (!asked.who().administrator || !context.measures || !context.live)
    return fail(errc::not_found, "there is no page " + asked.path());
  // Made first: with a picture come the newest alerts, which are counted.
  auto state = context.live->now();
  auto all = context.measures->collect();
  live_gauges(all, *state);
  gauge_family(all, "elastictape_catalogue_disk_bytes", "Files of the catalogue on disk.")
      .add(context.store->disk_bytes());
  gauge_family(all, "elastictape_catalogue_writable",
               "0 while the disk of the catalogue has too little room to write.")
      .add(flag(!context.store->check_space()));
  process_gauges(all);
  // Nothing has been counted under any label yet.
  std::erase_if(all, [](const auto& family) { return family.metric.empty(); });
  std::ostringstream text;
  prometheus::TextSerializer{}.Serialize(text, all);
  answer result;
  result.type = "text/plain; version=0.0.4; charset=utf-8";
  result.next = once([text = std::move(text).str()](std::string& out) { out += text; });
  return result;
}

}  // namespace et::monitor
