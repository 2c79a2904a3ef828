// From files to aggregations in the cache: planning, and what the cache writer found.
#include <algorithm>

#include "storage/catalogue/alert_text.hpp"
#include "storage/catalogue/placing.hpp"
#include "storage/catalogue/progress.hpp"
#include "storage/catalogue/store_impl.hpp"

namespace et {

using keys::family;

namespace {

caf::error check_planned(const aggregation_record& planned, uint32_t number,
                         const std::string& behind) {
  auto name = to_string(planned.id);
  if (planned.id.number != number)
    return fail(errc::invalid_argument,
                "aggregation " + name + " is not the next one: that is " + std::to_string(number));
  if (planned.files == 0 || planned.first_path > planned.last_path)
    return fail(errc::invalid_argument, "aggregation " + name + " has no files");
  if (planned.first_path <= behind)
    return fail(errc::invalid_argument,
                "aggregation " + name + " begins before the end of the one before it");
  return {};
}

}  // namespace

caf::expected<store::amount> store::planned_files(batch_id id) const {
  amount sum;
  cursor<family::aggregation> all{*db_, nullptr, keys::aggregations_of(id)};
  for (all.seek_first(); all.valid(); all.next()) {
    aggregation_record record;
    if (!values::decode(all.value(), record))
      return values::undecodable(all.value(),
                                 "an aggregation of batch " + std::to_string(id.value));
    sum.files += record.files;
    sum.size_bytes += record.content_bytes;
  }
  if (auto error = all.error()) return error;
  return sum;
}

caf::error store::add_aggregations(batch_id id, const std::vector<aggregation_record>& planned,
                                   bool last) {
  return writing([&]() -> caf::error {
    auto found = committed_batch(id);
    if (!found) return found.error();
    auto batch = std::move(*found);
    if (batch.planned)
      return fail(errc::invalid_argument, "batch " + std::to_string(id.value) + " is planned");
    std::string behind;
    if (batch.aggregations > 0) {
      auto previous = now_.aggregation({id, batch.aggregations});
      if (!previous) return previous.error();
      if (*previous) behind = (*previous)->last_path;
    }
    auto t = begin();
    uint64_t files = 0;
    for (auto record : planned) {
      record.id.batch = id;
      if (record.id.number == 0) record.id.number = batch.aggregations + 1;
      if (auto error = check_planned(record, batch.aggregations + 1, behind)) return error;
      behind = record.last_path;
      files += record.files;
      record.state = state::registered;
      record.failed_files = record.size_bytes = 0;
      record.copies.clear();
      record.history = {{state::registered, now_ns()}};
      ++batch.aggregations;
      ++batch.in_state[static_cast<size_t>(state::registered)];
      put(t, record);
    }
    if (last) {
      // A file that no aggregation covers would be called safe with the batch.
      auto before = planned_files(id);
      if (!before) return before.error();
      if (before->files + files != batch.files)
        return fail(errc::invalid_argument, "the aggregations of batch " +
                                                std::to_string(id.value) + " cover " +
                                                std::to_string(before->files + files) + " of its " +
                                                std::to_string(batch.files) + " files");
      batch.planned = true;
    }
    batch.state = derived_state(batch);
    finish_caching(t, batch);
    finish_batch(t, batch);
    put(t, batch);
    return apply(t, false);
  });
}

caf::expected<aggregation_record> store::record_cached(const cached_aggregation& cached) {
  return writing([&]() -> caf::expected<aggregation_record> {
    auto found = locate(cached.id);
    if (!found) return found.error();
    auto& [batch, aggregation] = *found;
    if (aggregation.state != state::registered) {
      bool same =
          aggregation.state == state::failed ||
          (aggregation.size_bytes == cached.size_bytes && aggregation.checksum == cached.checksum);
      if (same) return std::move(aggregation);
      return cached_mismatch(cached.id,
                             std::string{"it is "} + to_string(aggregation.state) + " already");
    }
    auto t = begin();
    auto placed = place_files(*db_, t.changes, aggregation, cached);
    if (!placed) return placed.error();
    const auto& result = *placed;

    bool nothing_left = result.failures == aggregation.files;
    aggregation.size_bytes = nothing_left ? 0 : cached.size_bytes;
    aggregation.checksum = nothing_left ? aggregation_checksum{} : cached.checksum;
    aggregation.failed_files = result.failures;
    aggregation.node = nothing_left ? std::string{} : cached.node;
    batch.failed_files += result.new_failures;
    batch.failed_bytes += result.new_failed_bytes;
    move_to(batch, aggregation, nothing_left ? state::failed : state::cached, now_ns());
    if (result.new_failures > 0) {
      auto workspace = workspace_of(batch);
      if (!workspace) return workspace.error();
      workspace->used_bytes -= std::min(workspace->used_bytes, result.new_failed_bytes);
      workspace->used_files -= std::min(workspace->used_files, result.new_failures);
      put(t, *workspace);
      raise(t, batch, severity::error,
            alert_text::failed(batch.id, result.new_failures, result.first));
    }
    finish_caching(t, batch);
    finish_batch(t, batch);
    put(t, aggregation);
    put(t, batch);
    if (auto error = apply(t, true)) return error;
    return std::move(aggregation);
  });
}

}  // namespace et
