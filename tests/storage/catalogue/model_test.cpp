// Random calls on the store and on a simple model; both must always show the same.
#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "storage/catalogue/glob.hpp"
#include "tests/storage/catalogue/fixture.hpp"

using namespace et;
using namespace et::test;

namespace {

struct model_file {
  file_entry entry;
  bool failed = false;
  std::string reason;
};

struct model_aggregation {
  std::set<std::string> paths;
  et::state state = et::state::registered;
  size_t copies = 0;
};

struct model_batch {
  std::map<std::string, model_file> files;
  std::vector<model_aggregation> aggregations;
};

class model {
 public:
  explicit model(uint32_t seed) : random_(seed) {}

  void step() {
    switch (random_() % 13) {
      case 0:
      case 1:
      case 2:
        return put();
      case 3:
        return plan();
      case 4:
      case 5:
        return cache();
      case 6:
      case 7:
        return write();
      case 8:
        return evict_or_recall();
      case 9:
        return lose();
      case 10:
        return remove();
      case 11:
        return random_() % 3 == 0 ? cancel() : put();
      default:
        return random_() % 8 == 0 ? restart() : purge();
    }
  }

  void check() {
    auto view = f_.view();
    auto listed = need(view->batches(workspace_id{1}, {}, SIZE_MAX));
    REQUIRE(listed.size() == batches_.size());
    uint64_t used_bytes = 0;
    uint64_t used_files = 0;
    auto expected = batches_.begin();
    for (const auto& record : listed) {
      REQUIRE(record.id.value == expected->first);
      check_batch(record, expected->second);
      for (const auto& [path, file] : expected->second.files) {
        if (file.failed) continue;
        used_bytes += file.entry.size_bytes;
        ++used_files;
      }
      ++expected;
    }
    auto workspace = need(view->workspace("w")).value();
    REQUIRE(workspace.used_bytes == used_bytes);
    REQUIRE(workspace.used_files == used_files);
    REQUIRE(workspace.batches == batches_.size());
    check_find();
  }

 private:
  void put() {
    std::map<std::string, file_entry> chosen;
    for (auto n = 1 + random_() % 12; n > 0; --n) {
      auto path = random_path();
      // Two sizes, so that some are as they are held and some are not.
      chosen[path] = entry(path, random_() % 2 ? 500 : 1 + path.size());
    }
    auto rule = random_() % 2 ? held_rule::refuse : held_rule::changed;
    auto id = f_.begin();
    std::vector<file_entry> entries;
    for (const auto& [path, e] : chosen) entries.push_back(e);
    std::shuffle(entries.begin(), entries.end(), random_);
    auto errors = need(f_->add_files(id, entries, rule));
    size_t expected_errors = 0;
    for (const auto& [path, e] : chosen) expected_errors += is_refused(e, rule);
    REQUIRE(errors.size() == expected_errors);
    std::set<std::string> refused;
    for (const auto& error : errors) {
      refused.insert(entries[error.index].path);
      REQUIRE((error.code == errc::unchanged) == (rule == held_rule::changed));
      if (rule == held_rule::refuse)
        REQUIRE(error.reason ==
                "already held by batch " + std::to_string(*holder(entries[error.index].path)));
    }
    for (const auto& path : refused) REQUIRE(is_refused(chosen[path], rule));
    if (refused.size() == chosen.size() || random_() % 6 == 0) {
      dead_.insert(id.value);
      if (refused.size() == chosen.size()) REQUIRE(errc_of(f_->commit_batch(id)) == errc::rejected);
      // Given up, as when the client dies; its paths must be free before the next step.
      f_.purge(id);
      dead_.erase(id.value);
      return;
    }
    need(f_->commit_batch(id));
    auto& batch = batches_[id.value];
    for (const auto& [path, e] : chosen)
      if (!refused.count(path)) batch.files[path] = {e, false, {}};
  }

  void plan() {
    auto* batch = any_batch();
    if (!batch || !batch->second.aggregations.empty()) return;
    auto size = 1 + random_() % 5;
    f_.plan(batch_id{batch->first}, size);
    size_t count = size;
    for (const auto& [path, file] : batch->second.files) {
      if (count == size) {
        batch->second.aggregations.emplace_back();
        count = 0;
      }
      batch->second.aggregations.back().paths.insert(path);
      ++count;
    }
  }

  void cache() {
    with_aggregation(state::registered, [&](aggregation_id id, model_batch& batch,
                                            model_aggregation& aggregation) {
      std::vector<size_t> failed;
      size_t index = 0;
      size_t failures = 0;
      for (const auto& path : aggregation.paths) {
        auto& file = batch.files[path];
        if (random_() % 8 == 0) {
          failed.push_back(index);
          // Somebody else's batch may hold it by now, so that it stays failed or is failed here
          // only.
          if (!file.failed) file.reason = "size changed";
          file.failed = true;
        }
        failures += file.failed;
        ++index;
      }
      f_.cache(id, failed);
      aggregation.state = failures == aggregation.paths.size() ? state::failed : state::cached;
    });
  }

  void write() {
    with_aggregation(state::cached, [&](aggregation_id id, model_batch&, model_aggregation& a) {
      f_.write({id});
      a.copies = 1;
      a.state = state::cached_synced;
    });
  }

  void evict_or_recall() {
    if (random_() % 2) {
      with_aggregation(state::cached_synced, [&](aggregation_id id, model_batch&, auto& a) {
        need(f_->record_evicted({id}, {}));
        a.state = state::synced;
      });
    } else {
      with_aggregation(state::synced, [&](aggregation_id id, model_batch&, auto& a) {
        need(f_->record_recalled(id, {}));
        a.state = state::cached_synced;
      });
    }
  }

  void lose() {
    with_aggregation(state::cached, [&](aggregation_id id, model_batch&, auto& a) {
      need(f_->record_cache_lost(id));
      a.state = state::registered;
    });
  }

  void remove() {
    auto* batch = any_batch();
    if (!batch) return;
    auto id = batch->first;
    need(f_->remove_batch(batch_id{id}));
    batches_.erase(id);
    dead_.insert(id);
  }

  void cancel() {
    auto* batch = any_batch();
    if (!batch) return;
    auto& [id, held] = *batch;
    bool in_motion = held.aggregations.empty();
    for (auto& a : held.aggregations)
      in_motion = in_motion || a.state == state::registered || a.state == state::cached;
    auto cancelled = f_->cancel_batch(batch_id{id}, "ann");
    REQUIRE(cancelled.engaged() == in_motion);
    if (!in_motion) return;
    if (held.aggregations.empty()) {
      held.aggregations.emplace_back();
      for (const auto& [path, file] : held.files) held.aggregations[0].paths.insert(path);
    }
    for (auto& a : held.aggregations) {
      if (a.state != state::registered && a.state != state::cached) continue;
      a.state = state::failed;
      for (const auto& path : a.paths) {
        auto& file = held.files[path];
        if (!file.failed) file.reason = "cancelled before it was safe";
        file.failed = true;
      }
    }
  }

  void purge() {
    if (dead_.empty()) return;
    auto id = *dead_.begin();
    if (need(f_->purge_batch(batch_id{id}, 1 + random_() % 5))) dead_.erase(id);
  }

  void restart() {
    if (random_() % 2)
      f_.crash();
    else
      f_.reopen();
    std::set<uint64_t> unfinished;
    for (const auto& batch : need(f_.view()->unfinished_removals()))
      unfinished.insert(batch.id.value);
    REQUIRE(unfinished == dead_);
  }

  void check_batch(const batch_record& record, const model_batch& expected) {
    REQUIRE(record.files == expected.files.size());
    std::array<uint32_t, 6> in_state{};
    for (const auto& a : expected.aggregations) ++in_state[static_cast<size_t>(a.state)];
    REQUIRE(record.in_state == in_state);
    auto rows = f_.rows(record.id, 1 + random_() % 7);
    REQUIRE(rows.size() == expected.files.size());
    size_t failed = 0;
    auto row = rows.begin();
    for (const auto& [path, file] : expected.files) {
      REQUIRE(row->entry == file.entry);
      REQUIRE(row->state == expected_state(expected, path, file));
      REQUIRE(row->reason == file.reason);
      REQUIRE(row->has_checksum == (row->state != state::registered && !file.failed));
      failed += file.failed;
      ++row;
    }
    REQUIRE(record.failed_files == failed);
    REQUIRE((record.state == state::failed) == (failed > 0));
    bool finished = !expected.aggregations.empty() && in_state[1] == 0 && in_state[2] == 0;
    REQUIRE((record.safe_ns != 0) == finished);
  }

  static state expected_state(const model_batch& batch, const std::string& path,
                              const model_file& file) {
    if (file.failed) return state::failed;
    for (const auto& a : batch.aggregations)
      if (a.paths.count(path)) return a.state;
    return state::registered;
  }

  void check_find() {
    auto path = random_path();
    std::optional<uint64_t> newest = holder(path);
    for (const auto& [id, batch] : batches_)
      if (!holder(path) && batch.files.count(path)) newest = id;
    auto found = need(f_.view()->find_path(workspace_id{1}, path, {}));
    REQUIRE(found.has_value() == newest.has_value());
    if (found) REQUIRE(found->batch.value == *newest);
    check_pattern();
  }

  /// All rows that match, in pages of a few, are those of the listings that match.
  void check_pattern() {
    static const char* const patterns[] = {"", "*", "/a/*", "*/1?", "/a b/[0-4]", "/a/b/7", "x*"};
    find_query query;
    query.pattern = patterns[random_() % 7];
    query.failed_only = random_() % 2;
    if (random_() % 3 == 0 && !batches_.empty()) query.batch = batch_id{any_batch()->first};
    std::vector<std::string> expected;
    auto pattern = need(glob::parse(query.pattern));
    uint64_t steps = 0;
    for (const auto& [id, batch] : batches_) {
      if (query.batch.value != 0 && query.batch.value != id) continue;
      for (const auto& [path, file] : batch.files)
        if (pattern.matches(path, steps) && (file.failed || !query.failed_only))
          expected.push_back(std::to_string(id) + path);
    }
    std::vector<std::string> seen;
    for (bool end = false; !end;) {
      auto page = need(f_.view()->find(workspace_id{1}, query, 1 + random_() % 5, SIZE_MAX));
      for (const auto& row : page.rows)
        seen.push_back(std::to_string(row.batch.value) + row.entry.path);
      end = page.end;
      query.from = page.from;
      query.after = page.after;
    }
    REQUIRE(seen == expected);
  }

  /// The newest batch that holds `path` safely or is going to.
  std::optional<uint64_t> holder(const std::string& path) {
    std::optional<uint64_t> newest;
    for (const auto& [id, batch] : batches_) {
      auto file = batch.files.find(path);
      if (file != batch.files.end() && !file->second.failed) newest = id;
    }
    return newest;
  }

  bool is_refused(const file_entry& e, held_rule rule) {
    auto held = holder(e.path);
    if (!held || rule == held_rule::refuse) return held.has_value();
    return batches_[*held].files[e.path].entry.size_bytes == e.size_bytes;
  }

  std::string random_path() {
    static const char* const roots[] = {"/a", "/a/b", "/a b", "/\xff", "/a\x01"};
    return roots[random_() % 5] + ("/" + std::to_string(random_() % 30));
  }

  std::pair<const uint64_t, model_batch>* any_batch() {
    if (batches_.empty()) return nullptr;
    auto it = batches_.begin();
    std::advance(it, static_cast<long>(random_() % batches_.size()));
    return &*it;
  }

  template <class F>
  void with_aggregation(state wanted, F f) {
    for (auto& [id, batch] : batches_)
      for (size_t i = 0; i < batch.aggregations.size(); ++i)
        if (batch.aggregations[i].state == wanted && random_() % 3 == 0)
          return f(aggregation_id{batch_id{id}, static_cast<uint32_t>(i + 1)}, batch,
                   batch.aggregations[i]);
  }

  std::mt19937 random_;
  fixture f_;
  std::map<uint64_t, model_batch> batches_;
  std::set<uint64_t> dead_;  ///< removed, not wholly purged
};

}  // namespace

TEST_CASE("the store does what a simple model does", "[model]") {
  for (uint32_t seed : {1u, 20u}) {
    INFO("seed " << seed);
    model m{seed};
    for (int i = 0; i < 250; ++i) {
      INFO("step " << i);
      m.step();
      m.check();
    }
  }
}
