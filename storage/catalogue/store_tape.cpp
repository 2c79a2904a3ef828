// From the cache to tape and back: the states behind CACHED.
#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "storage/catalogue/progress.hpp"
#include "storage/catalogue/store_impl.hpp"

namespace et {

namespace {

caf::error wrong_state(const aggregation_record& aggregation, const char* doing) {
  return fail(errc::invalid_argument, "aggregation " + to_string(aggregation.id) + " is " +
                                          to_string(aggregation.state) + ": it cannot be " + doing);
}

/// Whether a record's node is this one: records from before there were nodes name none, and there
/// was one cache then.
bool is_of(const std::string& recorded, const std::string& node) {
  return recorded.empty() || recorded == node;
}

/// Each required copy is on its own volume: a second one on the same volume replaces the first.
void add_copy(aggregation_record& aggregation, const copy_record& copy) {
  auto& copies = aggregation.copies;
  auto same = std::find_if(copies.begin(), copies.end(),
                           [&](const copy_record& c) { return c.volume == copy.volume; });
  if (same != copies.end())
    *same = copy;
  else
    copies.push_back(copy);
}

}  // namespace

caf::expected<std::vector<aggregation_record>> store::record_written(
    const std::vector<written_aggregation>& written, const volume_record& volume) {
  return writing([&]() -> caf::expected<std::vector<aggregation_record>> {
    if (volume.id.value.empty()) return fail(errc::invalid_argument, "the volume has no barcode");
    for (const auto& item : written)
      if (item.copy.volume != volume.id)
        return fail(errc::invalid_argument, "the copy of aggregation " + to_string(item.id) +
                                                " is not on volume " + volume.id.value);
    auto t = begin();
    std::map<batch_id, std::optional<batch_record>> batches;
    std::map<aggregation_id, aggregation_record> changed;
    for (const auto& item : written) {
      auto batch = batches.find(item.id.batch);
      if (batch == batches.end()) {
        auto found = now_.committed_batch(item.id.batch);
        if (!found) return found.error();
        batch = batches.emplace(item.id.batch, std::move(*found)).first;
      }
      if (!batch->second) continue;
      auto aggregation = changed.find(item.id);
      if (aggregation == changed.end()) {
        auto found = now_.aggregation(item.id);
        if (!found) return found.error();
        if (!*found) return fail(errc::not_found, "there is no aggregation " + to_string(item.id));
        aggregation = changed.emplace(item.id, std::move(**found)).first;
      }
      auto& record = aggregation->second;
      // When the cache lost it meanwhile, it will be read and laid out again, or has been: this
      // copy is useless.
      if (record.state == state::registered || record.state == state::failed) continue;
      if (!(item.checksum == record.checksum)) continue;
      add_copy(record, item.copy);
      if (record.state == state::cached && record.copies.size() >= opts_.copies)
        move_to(*batch->second, record, state::cached_synced, now_ns());
    }
    for (const auto& [id, record] : changed) put(t, record);
    for (auto& [id, batch] : batches) {
      if (!batch) continue;
      finish_batch(t, *batch);
      put(t, *batch);
    }
    if (auto error = put(t, volume, {})) return error;
    if (auto error = apply(t, true)) return error;

    std::vector<aggregation_record> result;
    for (const auto& item : written) {
      auto record = changed.extract(item.id);
      if (record) result.push_back(std::move(record.mapped()));
    }
    return result;
  });
}

caf::error store::record_cache_lost(aggregation_id id) {
  return writing([&]() -> caf::error {
    auto found = locate(id);
    if (!found) return found.error();
    auto& [batch, aggregation] = *found;
    if (aggregation.state == state::registered) return {};
    if (aggregation.state != state::cached) return wrong_state(aggregation, "lost by the cache");
    auto t = begin();
    // The next copy may be laid out differently: nothing that depends on the layout is kept.
    aggregation.size_bytes = 0;
    aggregation.checksum = {};
    aggregation.node.clear();
    aggregation.copies.clear();
    auto no_limit = SIZE_MAX;
    if (auto error = erase_all(t, keys::placements_of(id), no_limit)) return error;
    move_to(batch, aggregation, state::registered, now_ns());
    put(t, aggregation);
    put(t, batch);
    return apply(t, true);
  });
}

caf::error store::record_evicted(const std::vector<aggregation_id>& ids, const std::string& node) {
  return writing([&]() -> caf::error {
    auto t = begin();
    std::map<batch_id, std::optional<batch_record>> batches;
    for (const auto& id : std::set<aggregation_id>{ids.begin(), ids.end()}) {
      auto batch = batches.find(id.batch);
      if (batch == batches.end()) {
        auto found = now_.committed_batch(id.batch);
        if (!found) return found.error();
        batch = batches.emplace(id.batch, std::move(*found)).first;
      }
      if (!batch->second) continue;
      auto found = now_.aggregation(id);
      if (!found) return found.error();
      if (!*found || (*found)->state != state::cached_synced) continue;
      if (!is_of((*found)->node, node)) continue;
      (*found)->node.clear();
      move_to(*batch->second, **found, state::synced, now_ns());
      put(t, **found);
    }
    if (t.changes.empty()) return {};
    for (const auto& [id, batch] : batches)
      if (batch) put(t, *batch);
    return apply(t, true);
  });
}

caf::error store::record_recalled(aggregation_id id, const std::string& node) {
  return writing([&]() -> caf::error {
    auto found = locate(id);
    if (!found) return found.error();
    auto& [batch, aggregation] = *found;
    if (aggregation.state == state::cached_synced) {
      if (is_of(aggregation.node, node)) return {};
      return fail(errc::already_exists, "aggregation " + to_string(id) + " is in another cache");
    }
    if (aggregation.state != state::synced) return wrong_state(aggregation, "recalled");
    auto t = begin();
    aggregation.node = node;
    move_to(batch, aggregation, state::cached_synced, now_ns());
    put(t, aggregation);
    put(t, batch);
    return apply(t, true);
  });
}

caf::error store::put_volume(const volume_record& volume, const std::string& why) {
  return writing([&]() -> caf::error {
    if (volume.id.value.empty()) return fail(errc::invalid_argument, "the volume has no barcode");
    auto t = begin();
    if (auto error = put(t, volume, why)) return error;
    return apply(t, true);
  });
}

}  // namespace et
