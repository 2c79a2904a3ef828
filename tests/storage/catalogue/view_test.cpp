// Pages, snapshots, finding, and large aggregations.
#include "storage/catalogue/keys.hpp"
#include "tests/storage/catalogue/fixture.hpp"

using namespace et;
using namespace et::test;

namespace {

bool same(const file_row& a, const file_row& b) {
  return a.batch == b.batch && a.entry == b.entry && a.state == b.state &&
         a.aggregation == b.aggregation && a.offset_bytes == b.offset_bytes &&
         a.has_checksum == b.has_checksum && a.checksum == b.checksum && a.reason == b.reason;
}

}  // namespace

TEST_CASE("pages of every size give the same rows", "[view]") {
  fixture f;
  auto id = f.commit(numbered_entries(40));
  f.commit(numbered_entries(3, "/other"));
  auto ids = f.plan(id, 7);
  f.cache(ids[0]);
  f.cache(ids[1], {0, 6});
  f.cache(ids[3], {0, 1, 2, 3, 4, 5, 6});
  f.cache(ids[4], {2});
  f.write({ids[1], ids[4]});
  need(f->record_evicted({ids[4]}, {}));
  auto all = f.rows(id, 1000);
  REQUIRE(all.size() == 40);
  for (size_t page : {1, 2, 3, 6, 7, 8, 13, 39, 40}) {
    auto rows = f.rows(id, page);
    REQUIRE(rows.size() == all.size());
    for (size_t i = 0; i < rows.size(); ++i) CHECK(same(rows[i], all[i]));
  }
  for (const auto& row : all) {
    auto found = need(f.view()->find_path(f.workspace(), row.entry.path, {}));
    REQUIRE(found);
    CHECK(same(*found, row));
  }
}

TEST_CASE("files of aggregations with several placement runs are found in the middle", "[view]") {
  fixture f;
  auto entries = numbered_entries(5000);
  auto id = f.commit(entries);
  auto ids = f.plan(id, 2500);
  f.cache(ids[0], {1023, 1024, 2499});
  f.cache(ids[1]);
  auto all = f.rows(id);
  REQUIRE(all.size() == 5000);
  for (size_t i = 0; i < all.size(); ++i) {
    auto index = i % 2500;
    bool failed = i < 2500 && (index == 1023 || index == 1024 || index == 2499);
    REQUIRE(all[i].entry == entries[i]);
    REQUIRE(all[i].has_checksum == !failed);
    REQUIRE((all[i].state == state::failed) == failed);
    if (!failed) REQUIRE(all[i].offset_bytes == placed(index).offset_bytes);
  }
  auto view = f.view();
  for (size_t i : {0, 1, 1022, 1023, 1024, 1025, 2047, 2048, 2499, 2500, 2501, 3523, 3524, 4999}) {
    auto found = need(view->find_path(f.workspace(), entries[i].path, {}));
    REQUIRE(found);
    CHECK(same(*found, all[i]));
    auto page = need(view->rows(id, i ? entries[i - 1].path : "", 3, SIZE_MAX));
    REQUIRE(!page.empty());
    CHECK(same(page[0], all[i]));
    CHECK(same(page.back(), all[i + page.size() - 1]));
  }
}

TEST_CASE("a page ends at its limit of bytes, with at least one row", "[view]") {
  fixture f;
  auto id = f.commit(numbered_entries(20));
  CHECK(need(f.view()->rows(id, "", 100, 1)).size() == 1);
  CHECK(need(f.view()->rows(id, "", 100, 36)).size() == 3);
  CHECK(need(f.view()->rows(id, "", 0, 100)).empty());
  CHECK(need(f.view()->rows(id, "/data/f00019", 100, 100)).empty());
  CHECK(need(f.view()->rows(id, "/data/f0001", 2, 100))[0].entry.path == "/data/f00010");
  CHECK(need(f.view()->rows(batch_id{9}, "", 2, 100)).empty());
}

TEST_CASE("entries come in pages and ranges", "[view]") {
  fixture f;
  auto entries = numbered_entries(10);
  auto id = f.commit(entries);
  auto view = f.view();
  CHECK(need(view->entries(id, "", 3)) ==
        std::vector<file_entry>{entries.begin(), entries.begin() + 3});
  CHECK(need(view->entries(id, entries[2].path, 100)) ==
        std::vector<file_entry>{entries.begin() + 3, entries.end()});
  CHECK(need(view->entries(id, entries[9].path, 100)).empty());
  CHECK(need(view->entries_between(id, entries[2].path, entries[4].path, 100)) ==
        std::vector<file_entry>{entries.begin() + 2, entries.begin() + 5});
  CHECK(need(view->entries_between(id, entries[2].path, entries[4].path, 2)).size() == 2);
  CHECK(need(view->entries_between(id, entries[2].path, entries[2].path, 2)).size() == 1);
  CHECK(need(view->entries_between(id, entries[4].path, entries[2].path, 2)).empty());
}

TEST_CASE("a view does not change", "[view]") {
  fixture f;
  auto id = f.commit(numbered_entries(5));
  auto before = f.view();
  auto ids = f.plan(id, 5);
  f.cache(ids[0], {0});
  auto later = f.commit(numbered_entries(5, "/later"));
  need(f->remove_batch(id));
  f.purge(id);
  need(f->compact());
  CHECK(need(before->batch(id))->aggregations == 0);
  CHECK(need(before->rows(id, "", 10, SIZE_MAX)).size() == 5);
  CHECK_FALSE(need(before->batch(later)));
  CHECK(need(before->find_path(workspace_id{1}, "/data/f00003", {}))->batch == id);
  CHECK_FALSE(need(f.view()->find_path(workspace_id{1}, "/data/f00003", {})));
}

TEST_CASE("the newest batch that holds a path is found", "[view]") {
  fixture f;
  auto first = f.commit({entry("/a"), entry("/a/b"), entry("/a\x01")});
  auto ids = f.plan(first, 3);
  f.cache(ids[0], {0});
  auto second = f.commit({entry("/a", 5)});
  auto workspace = f.workspace();
  auto find = [&](const std::string& path, batch_id only = {}) {
    return need(f.view()->find_path(workspace, path, only));
  };
  CHECK(find("/a")->batch == second);
  CHECK(find("/a")->entry.size_bytes == 5);
  CHECK(find("/a", first)->batch == first);
  CHECK(find("/a\x01")->batch == first);
  CHECK_FALSE(find("/a\x01", second));
  CHECK_FALSE(find("/"));
  CHECK_FALSE(find(""));
  CHECK_FALSE(find("/a/"));
  CHECK_FALSE(find({"/a\0", 3}));
  need(f->remove_batch(second));
  CHECK(find("/a")->batch == first);
  CHECK_FALSE(find("/a", second));
}

TEST_CASE("batches are listed by workspace in pages", "[view]") {
  fixture f;
  for (int i = 0; i < 5; ++i) f.commit({entry("/" + std::to_string(i))});
  f.begin();
  need(f->remove_batch(batch_id{2}));
  auto list = [&](uint64_t after, size_t limit) {
    std::vector<uint64_t> ids;
    for (const auto& batch : need(f.view()->batches(f.workspace(), batch_id{after}, limit)))
      ids.push_back(batch.id.value);
    return ids;
  };
  CHECK(list(0, 10) == std::vector<uint64_t>{1, 3, 4, 5});
  CHECK(list(1, 2) == std::vector<uint64_t>{3, 4});
  CHECK(list(5, 2).empty());
  CHECK(list(UINT64_MAX, 2).empty());
  CHECK(need(f.view()->batches(workspace_id{2}, {}, 10)).empty());
  CHECK(need(f.view()->batches_in_motion()).size() == 4);
}

TEST_CASE("aggregations with a cache copy are visited", "[view]") {
  fixture f;
  auto a = f.commit(numbered_entries(6, "/a"));
  auto b = f.commit(numbered_entries(4, "/b"));
  auto in_a = f.plan(a, 2);
  auto in_b = f.plan(b, 2);
  f.cache(in_a[1]);
  f.cache(in_a[2]);
  f.cache(in_b[0]);
  f.cache(in_b[1], {0, 1});
  f.write({in_a[1], in_b[0]});
  need(f->record_evicted({in_b[0]}, {}));
  std::vector<aggregation_id> visited;
  need(f.view()->each_cached([&](const aggregation_record& record) {
    visited.push_back(record.id);
    return true;
  }));
  CHECK(visited == std::vector<aggregation_id>{in_a[1], in_a[2]});
  visited.clear();
  need(f.view()->each_cached([&](const aggregation_record& record) {
    visited.push_back(record.id);
    return false;
  }));
  CHECK(visited.size() == 1);

  CHECK(need(f.view()->aggregations(a, 0, 2)).size() == 2);
  CHECK(need(f.view()->aggregations(a, 2, 2)).at(0).id == in_a[2]);
  CHECK(need(f.view()->aggregations(a, 3, 2)).empty());
  CHECK(need(f.view()->aggregations(a, UINT32_MAX, 2)).empty());
}

TEST_CASE("damaged values are reported, not delivered", "[view]") {
  fixture f;
  auto id = f.commit(numbered_entries(3));
  auto ids = f.plan(id, 3);
  f.cache(ids[0]);
  f.close();

  SECTION("a file") {
    overwrite(f.path(), keys::family::file, keys::file(id, "/data/f00001").bytes(), "\x02zzz");
    f.reopen();
    auto rows = f.view()->rows(id, "", 10, SIZE_MAX);
    CHECK(errc_of(rows) == errc::corrupt);
    CHECK(message_of(rows) ==
          "the catalogue's value of file /data/f00001 has version 2, this service "
          "knows version 1");
    CHECK(errc_of(f.view()->entries(id, "", 10)) == errc::corrupt);
    CHECK(need(f.view()->find_path(f.workspace(), "/data/f00002", {}))->has_checksum);
  }
  SECTION("an aggregation") {
    overwrite(f.path(), keys::family::aggregation, keys::aggregation(ids[0]).bytes(), "\x01");
    f.reopen();
    CHECK(message_of(f.view()->aggregation(ids[0])) ==
          "the catalogue's value of aggregation 1.1 is malformed");
    CHECK(errc_of(f.view()->rows(id, "", 10, SIZE_MAX)) == errc::corrupt);
  }
  SECTION("a placement that is too short") {
    overwrite(f.path(), keys::family::placement, keys::placement(ids[0], "/data/f00000").bytes(),
              std::string("\x01\x01\x00", 3) + std::string(16, 'x'));
    f.reopen();
    CHECK(message_of(f.view()->rows(id, "", 10, SIZE_MAX)) ==
          "the catalogue's placement of aggregation 1.1 does not fit its files");
    CHECK(errc_of(f.view()->find_path(f.workspace(), "/data/f00002", {})) == errc::corrupt);
  }
  SECTION("a batch: opening tells") {
    overwrite(f.path(), keys::family::batch, keys::batch(id).bytes(), "\x01");
    auto opened = catalogue_store::open(f.path(), {});
    CHECK(message_of(opened) == "the catalogue's value of batch 1 is malformed");
  }
}
