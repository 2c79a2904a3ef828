#include "actors/metrics.hpp"

namespace et {

namespace {

using boundaries = prometheus::Histogram::BucketBoundaries;

/// Answers of something that only looks into memory or the catalogue.
const boundaries short_seconds{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                               0.1,    0.25,  0.5,    1,     2.5,  5,     10};
/// Work with disks and tapes.
const boundaries long_seconds{0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900};

metrics::counters& counters_of(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}

metrics::counter& counter_of(prometheus::Registry& registry, const char* name, const char* help) {
  return counters_of(registry, name, help).Add({});
}

metrics::histograms& histograms_of(prometheus::Registry& registry, const char* name,
                                   const char* help) {
  return prometheus::BuildHistogram().Name(name).Help(help).Register(registry);
}

metrics::histogram& histogram_of(prometheus::Registry& registry, const char* name, const char* help,
                                 const boundaries& buckets) {
  return histograms_of(registry, name, help).Add({}, buckets);
}

}  // namespace

metrics::metrics()
    : put_(counter_of(registry_, "elastictape_put_bytes_total",
                      "Bytes read from source files into the cache.")),
      get_(counter_of(registry_, "elastictape_get_bytes_total",
                      "Bytes of aggregations that clients have fetched.")),
      batches_(counters_of(registry_, "elastictape_batches_total",
                           "Batches that were committed, became safe, failed, were cancelled or "
                           "removed.")),
      drive_written_(counters_of(registry_, "elastictape_drive_written_bytes_total",
                                 "Bytes of aggregations given to the drive to write.")),
      drive_read_(counters_of(registry_, "elastictape_drive_read_bytes_total",
                              "Bytes of aggregations read from tape.")),
      drive_mounts_(counters_of(registry_, "elastictape_drive_mounts_total",
                                "Cartridges mounted and their labels found good.")),
      drive_errors_(counters_of(registry_, "elastictape_drive_errors_total",
                                "Jobs, mounts and dismounts that failed in the drive.")),
      recalls_(
          counters_of(registry_, "elastictape_recalls_total", "Recalls from tape that ended.")),
      request_errors_(counters_of(registry_, "elastictape_request_errors_total",
                                  "Requests of sessions answered with an error.")),
      alerts_(counters_of(registry_, "elastictape_alerts_total", "Alerts raised.")),
      deliveries_(counters_of(registry_, "elastictape_alert_deliveries_total",
                              "Attempts to deliver alerts to a target.")),
      requests_(histograms_of(registry_, "elastictape_request_duration_seconds",
                              "Time to answer a request of a session, by command.")),
      answers_(histograms_of(registry_, "elastictape_monitor_request_duration_seconds",
                             "Time from a request to the monitor to the end of its answer.")),
      first_bytes_(histograms_of(registry_, "elastictape_monitor_first_byte_seconds",
                                 "Time from a request to the monitor to the first byte of its "
                                 "answer.")),
      registered_files(counter_of(registry_, "elastictape_registered_files_total",
                                  "Files of committed batches.")),
      registered_bytes(counter_of(registry_, "elastictape_registered_bytes_total",
                                  "Registered sizes of the files of committed batches.")),
      retrievals(
          counter_of(registry_, "elastictape_retrievals_total", "Retrievals that have begun.")),
      sessions(counter_of(registry_, "elastictape_sessions_total", "Sessions that have begun.")),
      commits(histogram_of(registry_, "elastictape_commit_duration_seconds",
                           "Time to commit a batch durably.", short_seconds)),
      cache_writes(histogram_of(registry_, "elastictape_cache_write_duration_seconds",
                                "Time to fill an aggregation in the cache.", long_seconds)),
      flushes(histogram_of(registry_, "elastictape_flush_duration_seconds",
                           "Time of the flush behind a write job.", long_seconds)),
      mounts(histogram_of(registry_, "elastictape_mount_duration_seconds",
                          "Time to bring a cartridge into a drive and check its label.",
                          long_seconds)) {
  // What can happen is there from the start, at zero: rates need the first one too.
  for (const auto* event : {"committed", "safe", "failed", "cancelled", "removed"})
    batches_.Add({{"event", event}});
  for (const auto* result : {"ok", "failed"}) recalls_.Add({{"result", result}});
  for (const auto* severity : {"info", "warning", "error"}) alerts_.Add({{"severity", severity}});
}

std::shared_ptr<metrics> make_metrics() {
  return std::make_shared<metrics>();
}

void metrics::put_moved(uint64_t size_bytes) {
  put_bytes_.fetch_add(size_bytes, std::memory_order_relaxed);
  put_.Increment(static_cast<double>(size_bytes));
}

void metrics::get_moved(uint64_t size_bytes) {
  get_bytes_.fetch_add(size_bytes, std::memory_order_relaxed);
  get_.Increment(static_cast<double>(size_bytes));
}

void metrics::tape_written(uint32_t drive, uint64_t size_bytes) {
  tape_write_bytes_.fetch_add(size_bytes, std::memory_order_relaxed);
  drive_counter(drive_written_, drive).Increment(static_cast<double>(size_bytes));
}

void metrics::tape_read(uint32_t drive, uint64_t size_bytes) {
  tape_read_bytes_.fetch_add(size_bytes, std::memory_order_relaxed);
  drive_counter(drive_read_, drive).Increment(static_cast<double>(size_bytes));
}

moved_bytes metrics::moved() const {
  return {
      put_bytes_.load(std::memory_order_relaxed), tape_write_bytes_.load(std::memory_order_relaxed),
      tape_read_bytes_.load(std::memory_order_relaxed), get_bytes_.load(std::memory_order_relaxed)};
}

uint64_t metrics::written_bytes_of(uint32_t drive) {
  return static_cast<uint64_t>(drive_counter(drive_written_, drive).Value());
}

uint64_t metrics::read_bytes_of(uint32_t drive) {
  return static_cast<uint64_t>(drive_counter(drive_read_, drive).Value());
}

void metrics::requested(const std::string& command, double seconds, bool failed) {
  requests_.Add({{"command", command}}, short_seconds).Observe(seconds);
  if (failed) request_errors_.Add({{"command", command}}).Increment();
}

void metrics::answered(const std::string& route, int status, double first_byte_seconds,
                       double seconds) {
  auto code = std::to_string(status);
  answers_.Add({{"route", route}, {"status", code}}, short_seconds).Observe(seconds);
  first_bytes_.Add({{"route", route}}, short_seconds).Observe(first_byte_seconds);
}

void metrics::mounted(uint32_t drive, double seconds) {
  drive_counter(drive_mounts_, drive).Increment();
  mounts.Observe(seconds);
}

void metrics::alerted(const char* severity, uint64_t count) {
  alerts_.Add({{"severity", severity}}).Increment(static_cast<double>(count));
}

void metrics::delivered(const std::string& target, bool good) {
  deliveries_.Add({{"target", target}, {"result", good ? "ok" : "failed"}}).Increment();
}

}  // namespace et
