#include "actors/cache_writer.hpp"

#include "actors/actor_base.hpp"
#include "actors/metrics.hpp"
#include "actors/remote_pieces.hpp"

namespace et {

caf::expected<cached_aggregation> cache_writer_state::write(const cache_job& job,
                                                            aggregation_destination* to) {
  auto credentials = look_up_credentials(job.batch.uid, job.batch.gid);
  if (!credentials) return credentials.error();
  build_job build{job.aggregation, job.batch, job.roots, job.entries, std::move(*credentials)};
  stopwatch watch;
  auto cached =
      to ? builder->build(build, *to, control->cancel) : builder->build(build, control->cancel);
  if (!cached) return cached.error();
  measures->cache_writes.Observe(watch.seconds());
  for (auto& failure : cached->failures)
    spdlog::warn("batch {}: a file failed: {}", job.batch.id.value, failure.reason);
  ++aggregations;
  written_bytes += cached->size_bytes;
  return cached;
}

cache_writer_actor::behavior_type cache_writer(
    cache_writer_actor::stateful_pointer<cache_writer_state> self, cache_store* store,
    std::shared_ptr<writer_control> control, uint32_t number, std::shared_ptr<metrics> measures) {
  guard(self);
  aggregation_builder::options options;
  options.on_packed = [measures](uint64_t size_bytes) { measures->put_moved(size_bytes); };
  self->state.builder = std::make_unique<aggregation_builder>(*store, std::move(options));
  self->state.measures = std::move(measures);
  self->state.control = std::move(control);
  return {
      [=](report_atom) -> caf::result<std::vector<report>> {
        auto& state = self->state;
        return std::vector<report>{
            report_of(self, "cache_writer " + std::to_string(number),
                      {{"aggregations", std::to_string(state.aggregations)},
                       {"written bytes", std::to_string(state.written_bytes)}})};
      },
      [=](write_atom, const cache_job& job) -> caf::result<cached_aggregation> {
        return self->state.write(job, nullptr);
      },
      [=](write_atom, const cache_job& job,
          const caf::strong_actor_ptr& to) -> caf::result<cached_aggregation> {
        self->state.control->cancel = false;
        remote_destination destination{self->system(), caf::actor_cast<cache_receiver_actor>(to),
                                       job.aggregation.id};
        if (auto error = destination.open()) return error;
        return self->state.write(job, &destination);
      },
  };
}

}  // namespace et
