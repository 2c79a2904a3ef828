#include "actors/restart.hpp"

#include <fcntl.h>

#include <catch2/catch.hpp>
#include <filesystem>

using namespace et;
namespace fs = std::filesystem;

namespace {

struct state_folder {
  fs::path path;
  std::unique_ptr<catalogue_store> store;
  std::unique_ptr<cache_store> cache;

  state_folder() {
    std::string pattern = "/tmp/elastictape-restart.XXXXXX";
    REQUIRE(mkdtemp(pattern.data()));
    path = pattern;
    auto opened = catalogue_store::open((path / "catalogue").string(), {});
    REQUIRE(opened);
    store = std::move(*opened);
    auto folder = cache_store::open(path / "cache");
    REQUIRE(folder);
    cache = std::make_unique<cache_store>(std::move(*folder));
    workspace_record workspace;
    workspace.name = "w";
    workspace.roots = {"/"};
    workspace.quota_bytes = 1 << 20;
    REQUIRE(store->add_workspace(workspace));
  }
  ~state_folder() {
    store.reset();
    fs::remove_all(path);
  }

  /// A batch of one file in one CACHED aggregation, with `size_bytes` in the cache (0: no file).
  aggregation_id cached(const std::string& file, size_t size_bytes, const std::string& node = {}) {
    batch_record draft;
    draft.workspace_name = "w";
    draft.workspace = workspace_id{1};
    auto batch = store->begin_batch(draft);
    REQUIRE(batch);
    file_entry entry;
    entry.path = file;
    entry.size_bytes = 10;
    REQUIRE(store->add_files(*batch, {entry}));
    REQUIRE(store->commit_batch(*batch));
    aggregation_record planned;
    planned.id = {*batch, 1};
    planned.first_path = planned.last_path = file;
    planned.files = 1;
    planned.content_bytes = 10;
    REQUIRE_FALSE(store->add_aggregations(*batch, {planned}, true));
    cached_aggregation written;
    written.id = planned.id;
    written.size_bytes = 4096;
    written.node = node;
    written.placed.resize(1);
    REQUIRE(store->record_cached(written));
    if (size_bytes > 0) put_file(planned.id, size_bytes);
    return planned.id;
  }

  void put_file(aggregation_id id, size_t size_bytes) {
    auto sink = cache->create_temporary(id);
    REQUIRE(sink);
    std::vector<uint8_t> data(size_bytes, 'x');
    REQUIRE_FALSE(sink->write(data));
    REQUIRE_FALSE(cache->publish(*sink));
  }

  void make_safe(aggregation_id id) {
    volume_record volume;
    volume.id = barcode{"VOL001"};
    volume.status = volume_status::appendable;
    copy_record copy;
    copy.volume = volume.id;
    REQUIRE(
        store->record_written({{id, copy, (*store->view()->aggregation(id))->checksum}}, volume));
  }

  state state_of(aggregation_id id) { return (*store->view()->aggregation(id))->state; }
};

}  // namespace

TEST_CASE("restart: good cache files are kept, with whether they are safe") {
  state_folder folder;
  auto plain = folder.cached("/a", 4096);
  auto safe = folder.cached("/b", 4096);
  folder.make_safe(safe);
  auto kept = reconcile_cache(*folder.store, *folder.cache, {});
  REQUIRE(kept);
  REQUIRE(kept->size() == 2);
  CHECK((*kept)[0].id == plain);
  CHECK_FALSE((*kept)[0].safe);
  CHECK((*kept)[1].safe);
}

TEST_CASE("restart: a CACHED aggregation without its file, or a torn one, is made again") {
  state_folder folder;
  auto gone = folder.cached("/a", 0);
  auto torn = folder.cached("/b", 4095);
  auto kept = reconcile_cache(*folder.store, *folder.cache, {});
  REQUIRE(kept);
  CHECK(kept->empty());
  CHECK(folder.state_of(gone) == state::registered);
  CHECK(folder.state_of(torn) == state::registered);
  // The torn file is nobody's now.
  CHECK_FALSE(folder.cache->open_read(torn));
}

TEST_CASE("restart: a safe aggregation whose cache file is gone is on tape only") {
  state_folder folder;
  auto safe = folder.cached("/a", 0);
  folder.make_safe(safe);
  REQUIRE(reconcile_cache(*folder.store, *folder.cache, {}));
  CHECK(folder.state_of(safe) == state::synced);
}

TEST_CASE("restart: files that no aggregation owns, and temporaries, are deleted") {
  state_folder folder;
  aggregation_id nobody{batch_id{77}, 3};
  folder.put_file(nobody, 100);
  REQUIRE(folder.cache->create_recall(nobody, 5));
  REQUIRE(reconcile_cache(*folder.store, *folder.cache, {}));
  CHECK_FALSE(folder.cache->open_read(nobody));
  CHECK_FALSE(folder.cache->open_recall(nobody, 5));
  // Once more gives the same.
  auto again = reconcile_cache(*folder.store, *folder.cache, {});
  REQUIRE(again);
  CHECK(again->empty());
}

TEST_CASE("restart: what other nodes have cached is theirs, a head that starts does not touch it") {
  state_folder folder;
  auto here = folder.cached("/a", 4096, "n1");
  auto there = folder.cached("/b", 0, "n2");
  auto kept = reconcile_cache(*folder.store, *folder.cache, "n1");
  REQUIRE(kept);
  REQUIRE(kept->size() == 1);
  CHECK((*kept)[0].id == here);
  CHECK(folder.state_of(there) == state::cached);
}
