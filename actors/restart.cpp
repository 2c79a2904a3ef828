#include "actors/restart.hpp"

#include <spdlog/spdlog.h>

#include <map>

namespace et {

namespace {

struct differences {
  std::vector<kept_file> kept;
  std::vector<aggregation_id> lost;     ///< CACHED without a good file
  std::vector<aggregation_id> evicted;  ///< CACHED_SYNCED without a good file
};

caf::expected<differences> compare(catalogue_store& store, const std::string& node,
                                   std::map<aggregation_id, uint64_t>& files) {
  differences found;
  auto error = store.view()->each_cached([&](const aggregation_record& record) {
    // What other nodes hold is judged when they join.
    if (!record.node.empty() && record.node != node) return true;
    auto file = files.find(record.id);
    bool good = file != files.end() && file->second == record.size_bytes;
    bool safe = record.state == state::cached_synced;
    if (good) {
      found.kept.push_back({record.id, record.size_bytes, safe});
      files.erase(file);
    } else {
      (safe ? found.evicted : found.lost).push_back(record.id);
    }
    return true;
  });
  if (error) return error;
  return found;
}

}  // namespace

caf::expected<std::vector<kept_file>> reconcile_cache(catalogue_store& store, cache_store& cache,
                                                      const std::string& node) {
  if (auto error = cache.remove_leftovers()) return error;
  auto contents = cache.scan();
  if (!contents) return contents.error();
  std::map<aggregation_id, uint64_t> files;
  for (auto& file : contents->files) files[file.id] = file.size_bytes;
  auto found = compare(store, node, files);
  if (!found) return found.error();
  for (auto id : found->lost) {
    spdlog::warn(
        "restart: aggregation {} is CACHED but has no good cache file, it is read from "
        "the sources again",
        to_string(id));
    if (auto error = store.record_cache_lost(id)) return error;
  }
  if (!found->evicted.empty()) {
    spdlog::warn("restart: {} aggregations on tape have no good cache file, they are SYNCED now",
                 found->evicted.size());
    if (auto error = store.record_evicted(found->evicted, node)) return error;
  }
  for (auto& [id, size_bytes] : files) {
    spdlog::info("restart: cache file of aggregation {} is nobody's, deleted", to_string(id));
    if (auto error = cache.remove(id)) return error;
  }
  return found->kept;
}

}  // namespace et
