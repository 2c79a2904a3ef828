// The live picture of a running service, made of what its actors and its catalogue say when
// somebody asks.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <thread>

#include "actors/monitor/live.hpp"
#include "actors/monitor/throughput.hpp"
#include "actors/protocol.hpp"
#include "storage/catalogue/store.hpp"
#include "storage/os/clock.hpp"

namespace et::monitor {

/// Nobody watches: it takes one sample of the throughput a second and does nothing else.
class live_watch final : public live_source {
 public:
  /// Everything outlives the watch.
  struct options {
    caf::actor_system* system = nullptr;
    actors_ptr actors;
    catalogue_store* store = nullptr;
    std::string node;                    ///< its name
    std::function<uint64_t()> sessions;  ///< clients connected; called by any thread
    const wall_clock* clock = &system_clock();
  };

  explicit live_watch(options opts);
  /// Nobody may be in now() any more.
  ~live_watch() override;

  std::shared_ptr<const live_state> now() override;
  std::vector<throughput_sample> throughput(bool minutes, size_t at_most) override;

 private:
  /// What the actors said last; an actor that does not answer leaves its part as it was.
  struct known {
    scheduler_facts scheduler;  ///< without volumes
    std::map<barcode, volume_facts> volumes;
    keeper_facts keeper;
    director_facts director;
    std::vector<retrieval_status> retrievals;
  };

  void take_samples();
  std::shared_ptr<const live_state> make();
  void ask_actors(std::string& trouble);
  void take(scheduler_facts& facts);
  caf::error read_catalogue(live_state& next);
  caf::error count_alerts(catalogue_view& view);
  caf::error read_alerts(catalogue_view& view, live_state& next);
  void add_library(live_state& next) const;
  void add_queues(live_state& next) const;
  void add_nodes(live_state& next) const;
  int64_t seconds() const { return options_.clock->now_ns() / 1'000'000'000; }

  options options_;
  int64_t started_ns_;
  throughput_history history_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::shared_ptr<const live_state> last_;  ///< never null
  std::chrono::steady_clock::time_point made_;
  bool making_ = false;
  bool stopping_ = false;
  known known_;                  ///< of the one that is making
  uint64_t counted_alerts_ = 0;  ///< the last that the metrics know of

  std::thread sampler_;
};

}  // namespace et::monitor
