// Cancelling a batch, and putting changed files again.
#include "tests/storage/catalogue/fixture.hpp"

using namespace et;
using namespace et::test;

namespace {

uint64_t bytes_of(const std::vector<file_entry>& entries, size_t from, size_t to) {
  uint64_t sum = 0;
  for (size_t i = from; i < to; ++i) sum += entries[i].size_bytes;
  return sum;
}

workspace_record workspace_of(fixture& f) {
  return need(f.view()->workspace("w")).value();
}

}  // namespace

TEST_CASE("a cancelled batch keeps what is safe and gives the rest back", "[cancel]") {
  fixture f;
  auto entries = numbered_entries(40);
  auto id = f.commit(entries);
  auto ids = f.plan(id, 10);
  f.cache(ids[0]);
  f.cache(ids[1], {3});
  f.cache(ids[2], {0, 1});
  f.write({ids[0], ids[1]});
  auto cancelled = need(f->cancel_batch(id, "bob"));
  CHECK(cancelled.state == state::failed);
  CHECK(cancelled.failed_files == 21);
  CHECK(cancelled.safe_ns != 0);
  CHECK(cancelled.in_state == std::array<uint32_t, 6>{0, 0, 0, 2, 0, 2});
  CHECK(workspace_of(f).used_files == 19);
  CHECK(workspace_of(f).used_bytes == bytes_of(entries, 0, 20) - entries[13].size_bytes);
  CHECK(f.alert_texts().back() ==
        "Batch 1 cancelled by bob: 18 files were not safe and are given up");
  CHECK(need(f.view()->batches_in_motion()).empty());

  f.crash();
  auto rows = f.rows(id);
  REQUIRE(rows.size() == 40);
  CHECK(rows[0].state == state::cached_synced);
  CHECK(rows[13].reason == "size changed");
  CHECK(rows[20].reason == "size changed");
  CHECK(rows[22].reason == "cancelled before it was safe");
  CHECK(rows[39].state == state::failed);
  CHECK_FALSE(rows[39].has_checksum);

  SECTION("what comes late from writers and drives changes nothing") {
    CHECK(need(f->record_cached(f.cached(ids[3]))).state == state::failed);
    CHECK(f.write({ids[2]})[0].state == state::failed);
    CHECK(f.batch(id).failed_files == 21);
  }
  SECTION("given-up files can be put again, safe ones are held") {
    auto again = f.begin();
    auto errors = need(f->add_files(again, entries));
    CHECK(errors.size() == 19);
    CHECK(need(f->commit_batch(again)).files == 21);
  }
  SECTION("twice is an error that says why") {
    CHECK(errc_of(f->cancel_batch(id, "bob")) == errc::invalid_argument);
    CHECK(errc_of(f->cancel_batch(batch_id{9}, "bob")) == errc::not_found);
  }
  SECTION("removed, its quota is back and its keys go") {
    need(f->remove_batch(id));
    CHECK(workspace_of(f).used_bytes == 0);
    f.purge(id);
    CHECK(need(f.view()->unfinished_removals()).empty());
  }
}

TEST_CASE("a batch that is not planned, or half, can be cancelled", "[cancel]") {
  fixture f;
  auto entries = numbered_entries(30);
  auto id = f.commit(entries);
  uint64_t planned_files = GENERATE(0, 10);
  if (planned_files > 0) {
    aggregation_record first;
    first.id = {id, 1};
    first.first_path = entries[0].path;
    first.last_path = entries[9].path;
    first.files = 10;
    first.content_bytes = bytes_of(entries, 0, 10);
    need(f->add_aggregations(id, {first}, false));
    f.cache({id, 1});
    f.write({{id, 1}});
  }
  auto cancelled = need(f->cancel_batch(id, "bob"));
  CHECK(cancelled.planned);
  CHECK(cancelled.failed_files == 30 - planned_files);
  CHECK(cancelled.failed_bytes == bytes_of(entries, planned_files, 30));
  CHECK(workspace_of(f).used_files == planned_files);
  auto rows = f.rows(id, 7);
  REQUIRE(rows.size() == 30);
  for (size_t i = 0; i < 30; ++i) CHECK((rows[i].state == state::failed) == (i >= planned_files));
  CHECK(errc_of(f->add_aggregations(id, {}, true)) == errc::invalid_argument);
}

TEST_CASE("changed and new files are taken, others are said to be unchanged", "[update]") {
  fixture f;
  f.commit({entry("/a"), entry("/b"), entry("/c")});
  auto newer = f.begin();
  auto changed = entry("/b");
  ++changed.mtime_ns;
  need(f->add_files(newer, {changed}, held_rule::changed));
  need(f->commit_batch(newer));

  auto id = f.begin();
  auto larger = entry("/c", 5000);
  auto errors =
      need(f->add_files(id, {entry("/a"), entry("/b"), larger, entry("/d")}, held_rule::changed));
  REQUIRE(errors.size() == 1);
  CHECK(errors[0].index == 0);
  CHECK(errors[0].code == errc::unchanged);
  CHECK(need(f->commit_batch(id)).files == 3);
  CHECK(need(f.view()->find_path(f.workspace(), "/b", {}))->batch == id);

  auto refused = f.begin();
  CHECK(need(f->add_files(refused, {entry("/b")}))[0].reason == "already held by batch 3");
  // What another upload is about to register is in the way, changed or not.
  need(f->add_files(refused, {entry("/new")}));
  auto rival = f.begin();
  auto held = need(f->add_files(rival, {entry("/new")}, held_rule::changed));
  REQUIRE(held.size() == 1);
  CHECK(held[0].code == errc::already_exists);
}

TEST_CASE("a file that failed in the newest batch is found where it is held", "[update]") {
  fixture f;
  auto first = f.commit({entry("/a")});
  f.plan(first, 1);
  f.cache({first, 1});
  auto id = f.begin();
  need(f->add_files(id, {entry("/a", 10)}, held_rule::changed));
  need(f->commit_batch(id));
  f.plan(id, 1);
  f.cache({id, 1}, {0});
  CHECK(need(f.view()->find_path(f.workspace(), "/a", {}))->batch == first);
  CHECK(need(f.view()->find_path(f.workspace(), "/a", id))->state == state::failed);
}
