// What the service has done since its start, as counters and histograms for /metrics and for the
// throughput in the live picture. Names and units follow Prometheus' conventions; every name and
// what it counts: docs/metrics.md. Thread-safe; nothing here waits for anything but a short lock.
//
// Labels have few values: users, workspaces, batches and files are never labels here.
#pragma once

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace et {

/// Seconds since it was made.
class stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
  }

 private:
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

/// Bytes moved since the start.
struct moved_bytes {
  uint64_t put = 0;
  uint64_t tape_write = 0;
  uint64_t tape_read = 0;
  uint64_t get = 0;
};

class metrics {
 public:
  using counter = prometheus::Counter;
  using histogram = prometheus::Histogram;
  using counters = prometheus::Family<counter>;
  using histograms = prometheus::Family<histogram>;

  metrics();

  /// Bytes that moved, while they move.
  void put_moved(uint64_t size_bytes);
  void get_moved(uint64_t size_bytes);
  void tape_written(uint32_t drive, uint64_t size_bytes);
  void tape_read(uint32_t drive, uint64_t size_bytes);
  moved_bytes moved() const;
  uint64_t written_bytes_of(uint32_t drive);
  uint64_t read_bytes_of(uint32_t drive);

  /// A request of a session has been answered.
  void requested(const std::string& command, double seconds, bool failed);
  /// The monitor has sent an answer; `route` is one of its table.
  void answered(const std::string& route, int status, double first_byte_seconds, double seconds);

  void batch_event(const char* event) { batches_.Add({{"event", event}}).Increment(); }
  void mounted(uint32_t drive, double seconds);
  void drive_failed(uint32_t drive) { drive_counter(drive_errors_, drive).Increment(); }
  void recalled(bool good) { recalls_.Add({{"result", good ? "ok" : "failed"}}).Increment(); }
  void alerted(const char* severity, uint64_t count);
  void delivered(const std::string& target, bool good);

  /// Everything as it is now.
  std::vector<prometheus::MetricFamily> collect() const { return registry_.Collect(); }

 private:
  counter& drive_counter(counters& family, uint32_t drive) {
    return family.Add({{"drive", std::to_string(drive)}});
  }

  prometheus::Registry registry_;
  std::atomic<uint64_t> put_bytes_{0};
  std::atomic<uint64_t> tape_write_bytes_{0};
  std::atomic<uint64_t> tape_read_bytes_{0};
  std::atomic<uint64_t> get_bytes_{0};
  counter& put_;
  counter& get_;
  counters& batches_;
  counters& drive_written_;
  counters& drive_read_;
  counters& drive_mounts_;
  counters& drive_errors_;
  counters& recalls_;
  counters& request_errors_;
  counters& alerts_;
  counters& deliveries_;
  histograms& requests_;
  histograms& answers_;
  histograms& first_bytes_;

 public:
  counter& registered_files;
  counter& registered_bytes;
  counter& retrievals;
  counter& sessions;
  histogram& commits;       ///< seconds of the registrar for each
  histogram& cache_writes;  ///< seconds for an aggregation
  histogram& flushes;
  histogram& mounts;
};

}  // namespace et
