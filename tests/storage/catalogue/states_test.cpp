// From committed to safe on tape, with failures, losses and recalls.
#include <ctime>

#include "tests/storage/catalogue/fixture.hpp"

using namespace et;
using namespace et::test;

namespace {

uint64_t used_bytes(fixture& f) {
  return need(f.view()->workspace("w"))->used_bytes;
}

size_t count(const std::vector<std::string>& texts, const std::string& part) {
  size_t n = 0;
  for (const auto& text : texts) n += text.find(part) != std::string::npos;
  return n;
}

}  // namespace

TEST_CASE("a batch goes through its states to safety", "[states]") {
  fixture f;
  auto id = f.commit(numbered_entries(25));
  CHECK(f.batch(id).state == state::registered);
  auto ids = f.plan(id, 10);
  REQUIRE(ids.size() == 3);
  CHECK(f.batch(id).planned);
  CHECK(f.batch(id).aggregations == 3);
  CHECK(f.batch(id).in_state[1] == 3);

  f.clock().advance_ns(5);
  for (const auto& a : ids) f.cache(a);
  CHECK(f.batch(id).state == state::cached);
  auto cached = f.aggregation(ids[2]);
  CHECK(cached.state == state::cached);
  CHECK(cached.size_bytes > 10240);
  CHECK(cached.checksum == aggregation_checksum{3, 4});
  CHECK(cached.history.size() == 2);
  CHECK(cached.history[1].to == state::cached);
  CHECK(cached.history[1].time_ns == f.clock().now_ns());

  auto written = f.write({ids[1], ids[0]});
  REQUIRE(written.size() == 2);
  CHECK(written[0].id == ids[1]);
  CHECK(written[0].state == state::cached_synced);
  CHECK(written[1].copies[0].header == block_address{10});
  CHECK(f.batch(id).state == state::cached);
  CHECK(f.batch(id).safe_ns == 0);
  CHECK(need(f.view()->batches_in_motion()) == std::vector<batch_id>{id});
  CHECK(count(f.alert_texts(), "sent to storage") == 0);

  f.clock().advance_ns(5);
  f.write({ids[2]});
  CHECK(f.batch(id).state == state::cached_synced);
  CHECK(f.batch(id).safe_ns == f.clock().now_ns());
  CHECK(need(f.view()->batches_in_motion()).empty());
  CHECK(count(f.alert_texts(), "Batch 1 successfully sent to storage at 20") == 1);

  need(f->record_evicted({ids[0], ids[1], ids[0], {batch_id{9}, 1}}, {}));
  CHECK(f.batch(id).state == state::cached_synced);
  CHECK(f.batch(id).in_state == std::array<uint32_t, 6>{0, 0, 0, 1, 2, 0});
  need(f->record_evicted({ids[2]}, {}));
  CHECK(f.batch(id).state == state::synced);
  need(f->record_recalled(ids[1], {}));
  CHECK(f.aggregation(ids[1]).state == state::cached_synced);
  CHECK(f.batch(id).state == state::cached_synced);
  need(f->record_recalled(ids[1], {}));
  CHECK(count(f.alert_texts(), "sent to storage") == 1);
}

TEST_CASE("rows join files with their aggregation", "[states]") {
  fixture f;
  auto id = f.commit(numbered_entries(25));
  CHECK(f.rows(id)[0].aggregation == 0);
  CHECK(f.rows(id)[0].state == state::registered);
  auto ids = f.plan(id, 10);
  f.cache(ids[1], {0, 9});
  auto rows = f.rows(id);
  REQUIRE(rows.size() == 25);
  CHECK(rows[9].aggregation == 1);
  CHECK(rows[9].state == state::registered);
  CHECK_FALSE(rows[9].has_checksum);
  CHECK(rows[10].state == state::failed);
  CHECK(rows[10].reason == "size changed");
  CHECK_FALSE(rows[10].has_checksum);
  CHECK(rows[11].state == state::cached);
  CHECK(rows[11].aggregation == 2);
  CHECK(rows[11].offset_bytes == placed(1).offset_bytes);
  CHECK(rows[11].checksum == placed(1).checksum);
  CHECK(rows[11].batch == id);
  CHECK(rows[19].state == state::failed);
  CHECK(rows[20].aggregation == 3);
  CHECK(rows[20].state == state::registered);
}

TEST_CASE("failed files fail the batch, raise one alert, and may be put again", "[states]") {
  fixture f;
  auto entries = numbered_entries(20);
  auto id = f.commit(entries);
  auto total = used_bytes(f);
  auto ids = f.plan(id, 10);
  f.cache(ids[0], {2, 5});
  auto batch = f.batch(id);
  CHECK(batch.state == state::failed);
  CHECK(batch.failed_files == 2);
  CHECK(batch.failed_bytes == 102 + 105);
  CHECK(f.aggregation(ids[0]).state == state::cached);
  CHECK(f.aggregation(ids[0]).failed_files == 2);
  CHECK(used_bytes(f) == total - 207);
  auto alert = need(f.view()->alerts(1, 10)).at(0);
  CHECK(alert.number == 2);
  CHECK(alert.level == severity::error);
  CHECK(alert.batch == id);
  CHECK(alert.workspace == "w");
  CHECK(alert.text == "Batch 1: 2 files failed, the first: /data/f00002: size changed");

  auto failures = need(f.view()->failures(id, "", 10));
  REQUIRE(failures.size() == 2);
  CHECK(failures[1].path == "/data/f00005");
  CHECK(failures[1].code == errc::source_changed);
  CHECK(need(f.view()->failures(id, "/data/f00002", 10)).size() == 1);
  CHECK(need(f.view()->failures(id, "", 1)).size() == 1);

  auto again = f.begin();
  CHECK(need(f->add_files(again, {entries[2], entries[3]})).size() == 1);
  need(f->commit_batch(again));
  CHECK(need(f.view()->find_path(f.workspace(), entries[2].path, {}))->batch == again);
  CHECK(need(f.view()->find_path(f.workspace(), entries[2].path, id))->state == state::failed);
  CHECK(used_bytes(f) == total - 207 + 102);

  f.cache(ids[1]);
  f.write(ids);
  batch = f.batch(id);
  CHECK(batch.state == state::failed);
  CHECK(batch.safe_ns != 0);
  CHECK(count(f.alert_texts(), "Batch 1 sent to storage at ") == 1);
  CHECK(count(f.alert_texts(), " except 2 failed files") == 1);
  need(f->remove_batch(id));
  CHECK(used_bytes(f) == 102);
}

TEST_CASE("an aggregation of which every file failed is finished", "[states]") {
  fixture f;
  auto id = f.commit(numbered_entries(3));
  auto ids = f.plan(id, 3);
  auto record = need(f->record_cached(f.cached(ids[0], {0, 1, 2})));
  CHECK(record.state == state::failed);
  CHECK(record.size_bytes == 0);
  CHECK(f.batch(id).state == state::failed);
  CHECK(f.batch(id).in_state[5] == 1);
  CHECK(f.batch(id).safe_ns != 0);
  CHECK(used_bytes(f) == 0);
  for (const auto& row : f.rows(id)) {
    CHECK(row.state == state::failed);
    CHECK(row.reason == "size changed");
    CHECK_FALSE(row.has_checksum);
  }
  auto texts = f.alert_texts();
  CHECK(count(texts, "Batch 1: 3 files failed, the first: /data/f00000: size changed") == 1);
  CHECK(count(texts, "except 3 failed files") == 1);
  // Nothing was written, so that nothing can be safe.
  CHECK(f.write(ids)[0].copies.empty());
  CHECK(f.aggregation(ids[0]).state == state::failed);
}

TEST_CASE("plans must continue, ascend, and cover the batch", "[states]") {
  fixture f;
  auto id = f.commit(numbered_entries(4));
  auto piece = [&](uint32_t number, int first, int last) {
    aggregation_record record;
    record.id = {id, number};
    record.first_path = "/data/f0000" + std::to_string(first);
    record.last_path = "/data/f0000" + std::to_string(last);
    record.files = static_cast<uint64_t>(last - first + 1);
    return record;
  };
  CHECK(errc_of(f->add_aggregations(id, {piece(2, 0, 1)}, false)) == errc::invalid_argument);
  CHECK(errc_of(f->add_aggregations(id, {piece(1, 0, 1), piece(2, 1, 3)}, false)) ==
        errc::invalid_argument);
  CHECK(errc_of(f->add_aggregations(id, {piece(1, 0, 2)}, true)) == errc::invalid_argument);
  CHECK(errc_of(f->add_aggregations(batch_id{5}, {piece(1, 0, 2)}, true)) == errc::not_found);
  CHECK(f.batch(id).aggregations == 0);
  need(f->add_aggregations(id, {piece(1, 0, 1)}, false));
  CHECK_FALSE(f.batch(id).planned);
  CHECK(errc_of(f->add_aggregations(id, {piece(2, 1, 3)}, true)) == errc::invalid_argument);
  f.cache({id, 1});
  f.write({{id, 1}});
  CHECK(f.batch(id).state == state::registered);
  CHECK(f.batch(id).safe_ns == 0);
  CHECK(f.rows(id)[3].aggregation == 0);
  CHECK(f.rows(id)[1].aggregation == 1);
  need(f->add_aggregations(id, {piece(0, 2, 3)}, false));
  CHECK(f.aggregation({id, 2}).first_path == "/data/f00002");
  need(f->add_aggregations(id, {}, true));
  CHECK(f.batch(id).planned);
  CHECK(errc_of(f->add_aggregations(id, {piece(3, 4, 5)}, true)) == errc::invalid_argument);
}

TEST_CASE("what a cache writer reports must fit", "[states]") {
  fixture f;
  auto id = f.commit(numbered_entries(10));
  auto ids = f.plan(id, 5);
  auto good = f.cached(ids[0], {1});
  auto refused = [&](auto change) {
    auto item = good;
    change(item);
    return errc_of(f->record_cached(item)) == errc::invalid_argument;
  };
  CHECK(refused([](auto& c) { c.placed.pop_back(); }));
  CHECK(refused([](auto& c) { c.placed.push_back(placed(9)); }));
  CHECK(refused([](auto& c) { c.failures.clear(); }));
  CHECK(refused([](auto& c) { c.failures[0].path = "/data/f00002"; }));
  CHECK(refused([](auto& c) { c.failures[0].path = "/data/f00009"; }));
  CHECK(refused([](auto& c) { c.failures.push_back(c.failures[0]); }));
  CHECK(refused([](auto& c) { c.placed[1].failed = false; }));
  CHECK(refused([](auto& c) { c.placed[0].offset_bytes = UINT64_MAX; }));
  CHECK(f.batch(id).failed_files == 0);
  CHECK(need(f.view()->failures(id, "", 10)).empty());
  need(f->record_cached(good));
  // The same again is harmless, something else is not.
  need(f->record_cached(good));
  CHECK(f.batch(id).failed_files == 1);
  CHECK(refused([](auto& c) { c.checksum.crc32c ^= 1; }));
  auto unknown = good;
  unknown.id.number = 9;
  CHECK(errc_of(f->record_cached(unknown)) == errc::not_found);
  need(f->remove_batch(id));
  CHECK(errc_of(f->record_cached(good)) == errc::not_found);
}

TEST_CASE("a lost cache copy is made again, and what failed stays failed", "[states]") {
  fixture f;
  auto id = f.commit(numbered_entries(5));
  auto ids = f.plan(id, 5);
  f.cache(ids[0], {1});
  auto charged = used_bytes(f);
  need(f->record_cache_lost(ids[0]));
  need(f->record_cache_lost(ids[0]));
  auto record = f.aggregation(ids[0]);
  CHECK(record.state == state::registered);
  CHECK(record.size_bytes == 0);
  CHECK(record.failed_files == 1);
  CHECK(f.batch(id).state == state::failed);
  CHECK(f.rows(id)[0].state == state::registered);
  CHECK_FALSE(f.rows(id)[0].has_checksum);
  CHECK(f.rows(id)[1].state == state::failed);
  // A session that was writing it at the time comes too late.
  CHECK(f.write(ids)[0].copies.empty());
  CHECK(f.aggregation(ids[0]).state == state::registered);

  f.cache(ids[0], {3});
  CHECK(f.aggregation(ids[0]).failed_files == 2);
  CHECK(f.batch(id).failed_files == 2);
  CHECK(used_bytes(f) == charged - 103);
  auto rows = f.rows(id);
  CHECK(rows[1].state == state::failed);
  CHECK(rows[2].state == state::cached);
  CHECK(rows[2].offset_bytes == placed(2).offset_bytes);
  CHECK(rows[3].state == state::failed);
  CHECK(count(f.alert_texts(), "Batch 1: 1 files failed, the first: /data/f00003") == 1);
  f.write(ids);
  CHECK(errc_of(f->record_cache_lost(ids[0])) == errc::invalid_argument);
  CHECK(errc_of(f->record_cache_lost({id, 2})) == errc::not_found);
}

TEST_CASE("recalls concern what is on tape only", "[states]") {
  fixture f;
  auto id = f.commit(numbered_entries(5));
  auto ids = f.plan(id, 5);
  CHECK(errc_of(f->record_recalled(ids[0], {})) == errc::invalid_argument);
  f.cache(ids[0]);
  CHECK(errc_of(f->record_recalled(ids[0], {})) == errc::invalid_argument);
  CHECK(errc_of(f->record_recalled({batch_id{8}, 1}, {})) == errc::not_found);
  need(f->record_evicted(ids, {}));
  CHECK(f.aggregation(ids[0]).state == state::cached);
}

TEST_CASE("safety needs every required copy, each on its own volume", "[states]") {
  catalogue_store::options opts;
  opts.copies = 2;
  fixture f{opts};
  auto id = f.commit(numbered_entries(5));
  auto ids = f.plan(id, 5);
  f.cache(ids[0]);
  CHECK(f.write(ids, "VOL001L8")[0].state == state::cached);
  CHECK(f.write(ids, "VOL001L8")[0].copies.size() == 1);
  CHECK(f.aggregation(ids[0]).state == state::cached);
  CHECK(f.batch(id).safe_ns == 0);
  auto record = f.write(ids, "VOL002L8").at(0);
  CHECK(record.state == state::cached_synced);
  CHECK(record.copies.size() == 2);
  CHECK(f.batch(id).safe_ns != 0);
}

TEST_CASE("a session updates its volume, also for removed batches", "[states]") {
  fixture f;
  auto kept = f.commit(numbered_entries(2, "/kept"));
  auto gone = f.commit(numbered_entries(2, "/gone"));
  auto kept_ids = f.plan(kept, 2);
  auto gone_ids = f.plan(gone, 2);
  f.cache(kept_ids[0]);
  f.cache(gone_ids[0]);
  need(f->remove_batch(gone));
  auto records = f.write({gone_ids[0], kept_ids[0]});
  REQUIRE(records.size() == 1);
  CHECK(records[0].id == kept_ids[0]);
  auto volumes = need(f.view()->volumes());
  REQUIRE(volumes.size() == 1);
  CHECK(volumes[0].id == barcode{"VOL001L8"});
  CHECK(volumes[0].next_header == block_address{200});
  CHECK(volumes[0].status == volume_status::appendable);
  CHECK_FALSE(need(f.view()->batch(gone)));

  volumes[0].status = volume_status::suspect;
  need(f->put_volume(volumes[0]));
  CHECK(need(f.view()->volumes())[0].status == volume_status::suspect);
  CHECK(errc_of(f->put_volume({})) == errc::invalid_argument);
  CHECK(errc_of(f->record_written({{kept_ids[0], {barcode{"OTHER1L8"}, {}, {}, 1}}}, volumes[0])) ==
        errc::invalid_argument);
}

TEST_CASE("alerts and retrievals are numbered without gaps", "[alerts]") {
  fixture f;
  alert_record draft;
  draft.text = "drive 1 is dirty";
  draft.level = severity::warning;
  CHECK(need(f->add_alert(draft)).number == 1);
  retrieval_record retrieval;
  retrieval.workspace = f.workspace();
  retrieval.workspace_name = "w";
  retrieval.batch = batch_id{4};
  retrieval.requester = "bob";
  retrieval = need(f->begin_retrieval(retrieval));
  CHECK(retrieval.id == retrieval_id{1});
  CHECK(need(f.view()->retrieval(retrieval.id))->state == retrieval_state::running);
  CHECK(errc_of(f->end_retrieval(retrieval)) == errc::invalid_argument);
  f.clock().advance_ns(1'000'000'000);
  retrieval.state = retrieval_state::completed;
  retrieval.files = 10;
  retrieval.bad_files = 3;
  need(f->end_retrieval(retrieval));
  need(f->end_retrieval(retrieval));
  f.crash();
  auto ended = need(f.view()->retrieval(retrieval.id)).value();
  CHECK(ended.state == retrieval_state::completed);
  CHECK(ended.ended_ns == f.clock().now_ns());
  CHECK(ended.files == 10);
  CHECK(ended.requester == "bob");
  CHECK_FALSE(need(f.view()->retrieval(retrieval_id{2})));
  retrieval.id = retrieval_id{2};
  CHECK(errc_of(f->end_retrieval(retrieval)) == errc::not_found);

  auto alerts = need(f.view()->alerts(0, 10));
  REQUIRE(alerts.size() == 3);
  for (size_t i = 0; i < alerts.size(); ++i) CHECK(alerts[i].number == i + 1);
  CHECK(alerts[0].text == draft.text);
  CHECK(alerts[0].time_ns != 0);
  CHECK(alerts[1].text.starts_with("Retrieval request 1 by bob for batch 4 at 20"));
  CHECK(alerts[2].text.starts_with("Retrieval request 1 by bob completed at 20"));
  CHECK(alerts[2].text.ends_with(" with 3 bad files"));
  CHECK(need(f.view()->alerts(2, 10)).size() == 1);
  CHECK(need(f.view()->alerts(0, 2)).size() == 2);
  CHECK(need(f.view()->alerts(UINT64_MAX, 2)).empty());
  CHECK(need(f->add_alert(draft)).number == 4);
}

TEST_CASE("alerts are paged backwards from the newest", "[alerts]") {
  fixture f;
  CHECK(need(f.view()->alerts_before(UINT64_MAX, 10)).empty());
  alert_record draft;
  for (int i = 1; i <= 5; ++i) {
    draft.text = "number " + std::to_string(i);
    need(f->add_alert(draft));
  }
  auto numbers = [&](uint64_t before, size_t limit) {
    std::vector<uint64_t> result;
    for (const auto& alert : need(f.view()->alerts_before(before, limit))) {
      CHECK(alert.text == "number " + std::to_string(alert.number));
      result.push_back(alert.number);
    }
    return result;
  };
  CHECK(numbers(UINT64_MAX, 2) == std::vector<uint64_t>{5, 4});
  CHECK(numbers(4, 2) == std::vector<uint64_t>{3, 2});
  CHECK(numbers(2, 2) == std::vector<uint64_t>{1});
  CHECK(numbers(6, 10) == std::vector<uint64_t>{5, 4, 3, 2, 1});
  CHECK(numbers(1, 2).empty());
  CHECK(numbers(0, 2).empty());
  CHECK(numbers(UINT64_MAX, 0).empty());
}

TEST_CASE("a copy of a layout that is not the aggregation's any more does not count", "[states]") {
  fixture f;
  auto ids = f.plan(f.commit(numbered_entries(2)), 2);
  f.cache(ids[0]);
  auto written = f.aggregation(ids[0]);
  need(f->record_cache_lost(ids[0]));
  auto again = f.cached(ids[0]);
  again.checksum.crc32c ^= 1;
  need(f->record_cached(again));
  volume_record volume;
  volume.id = barcode{"VOL001L8"};
  volume.status = volume_status::appendable;
  copy_record copy;
  copy.volume = volume.id;
  need(f->record_written({{ids[0], copy, written.checksum}}, volume));
  CHECK(f.aggregation(ids[0]).state == state::cached);
  CHECK(f.aggregation(ids[0]).copies.empty());
  need(f->record_written({{ids[0], copy, again.checksum}}, volume));
  CHECK(f.aggregation(ids[0]).state == state::cached_synced);
}

TEST_CASE("the catalogue knows whose cache has an aggregation", "[states]") {
  fixture f;
  auto ids = f.plan(f.commit(numbered_entries(2)), 2);
  auto cached = f.cached(ids[0]);
  cached.node = "n1";
  need(f->record_cached(cached));
  CHECK(f.aggregation(ids[0]).node == "n1");
  f.write(ids);
  need(f->record_evicted(ids, "n2"));
  CHECK(f.aggregation(ids[0]).state == state::cached_synced);
  need(f->record_evicted(ids, "n1"));
  CHECK(f.aggregation(ids[0]).state == state::synced);
  CHECK(f.aggregation(ids[0]).node.empty());
  need(f->record_recalled(ids[0], "n2"));
  CHECK(f.aggregation(ids[0]).node == "n2");
  CHECK(errc_of(f->record_recalled(ids[0], "n1")) == errc::already_exists);
  f.reopen();
  CHECK(f.aggregation(ids[0]).node == "n2");
}

TEST_CASE("aggregations from before there were nodes belong to the one cache there was",
          "[states]") {
  fixture f;
  auto ids = f.plan(f.commit(numbered_entries(2)), 2);
  f.cache(ids[0]);
  f.write(ids);
  REQUIRE(f.aggregation(ids[0]).node.empty());
  need(f->record_recalled(ids[0], "n1"));
  need(f->record_evicted(ids, "n1"));
  CHECK(f.aggregation(ids[0]).state == state::synced);
}
