// The alerts that the catalogue raises with what they tell of, and how far they have been
// delivered.
#include <limits>

#include "storage/catalogue/alert_text.hpp"
#include "storage/catalogue/progress.hpp"
#include "tests/storage/catalogue/fixture.hpp"

using namespace et;
using namespace et::test;

namespace {

std::vector<alert_record> alerts_of(fixture& f) {
  return need(f.view()->alerts(0, SIZE_MAX));
}

/// Those of `texts` that begin with `begin`.
size_t count(const std::vector<std::string>& texts, const std::string& begin) {
  size_t sum = 0;
  for (const auto& text : texts) sum += text.starts_with(begin);
  return sum;
}

}  // namespace

TEST_CASE("the texts of cached batches, quota and volumes", "[alerts]") {
  batch_record batch;
  batch.id = batch_id{12};
  batch.files = 30;
  CHECK(alert_text::cached(batch) == "Batch 12 cached: 30 files");
  batch.failed_files = 2;
  CHECK(alert_text::cached(batch) == "Batch 12 cached: 28 files, 2 failed");
  workspace_record workspace;
  workspace.name = "climate";
  workspace.quota_bytes = 1000;
  workspace.used_bytes = 951;
  CHECK(alert_text::quota(workspace, 95) ==
        "Workspace climate has reached 95 % of its quota: 951 of 1000 bytes used");
  volume_record volume;
  volume.id = barcode{"ET0001L8"};
  volume.status = volume_status::full;
  volume.aggregations = 7;
  volume.written_bytes = 4096;
  CHECK(alert_text::volume(volume, "") ==
        "Volume ET0001L8 is full: 7 aggregations, 4096 bytes written");
  volume.status = volume_status::suspect;
  CHECK(alert_text::volume(volume, "cannot read\nblock 5") ==
        "Volume ET0001L8 is suspect: cannot read\\x0ablock 5");
}

TEST_CASE("a quota is crossed by what reaches the mark from below it", "[progress]") {
  CHECK(crossed_percent(1000, 0, 799) == 0);
  CHECK(crossed_percent(1000, 799, 800) == 80);
  CHECK(crossed_percent(1000, 800, 949) == 0);
  CHECK(crossed_percent(1000, 0, 950) == 95);
  CHECK(crossed_percent(1000, 0, 1000) == 100);
  CHECK(crossed_percent(1000, 950, 1000) == 100);
  CHECK(crossed_percent(1000, 1000, 1000) == 0);
  CHECK(crossed_percent(7, 5, 6) == 80);  // 5.6
  CHECK(crossed_percent(0, 0, 0) == 0);
  auto most = std::numeric_limits<uint64_t>::max();
  CHECK(crossed_percent(most, most / 5, most / 5 * 4 - 1) == 0);
  CHECK(crossed_percent(most, most / 5, most / 5 * 4) == 80);
  CHECK(crossed_percent(most, 0, most) == 100);
}

TEST_CASE("a batch is told to be cached once, when the last of it is", "[alerts]") {
  fixture f;
  auto id = f.commit(numbered_entries(30));
  auto ids = f.plan(id, 10);
  f.cache(ids[0]);
  f.cache(ids[2], {1});
  CHECK(count(f.alert_texts(), "Batch 1 cached") == 0);
  f.crash();
  f.cache(ids[1]);
  CHECK(f.alert_texts().back() == "Batch 1 cached: 29 files, 1 failed");
  CHECK(alerts_of(f).back().workspace == "w");
  CHECK(alerts_of(f).back().batch == id);
  f.crash();
  need(f->record_cache_lost(ids[1]));
  f.cache(ids[1]);
  f.cache(ids[1]);
  CHECK(count(f.alert_texts(), "Batch 1 cached") == 1);
}

TEST_CASE("a batch of which nothing could be read is not told to be cached", "[alerts]") {
  fixture f;
  auto id = f.commit(numbered_entries(2));
  auto ids = f.plan(id, 2);
  f.cache(ids[0], {0, 1});
  CHECK(count(f.alert_texts(), "Batch 1 cached") == 0);
}

TEST_CASE("a batch that is cached before its planning ends is told with the end", "[alerts]") {
  fixture f;
  auto id = f.commit(numbered_entries(2));
  aggregation_record one;
  one.first_path = "/data/f00000";
  one.last_path = "/data/f00001";
  one.files = 2;
  need(f->add_aggregations(id, {one}, false));
  f.cache({id, 1});
  CHECK(count(f.alert_texts(), "Batch 1 cached") == 0);
  need(f->add_aggregations(id, {}, true));
  CHECK(count(f.alert_texts(), "Batch 1 cached") == 1);
}

TEST_CASE("the commit that crosses a part of the quota tells of it once", "[alerts]") {
  fixture f;
  auto workspace = need(f.view()->workspace("w")).value();
  workspace.quota_bytes = 1000;
  need(f->set_workspace(workspace));
  auto put = [&](const char* path, uint64_t size_bytes) {
    return f.commit({entry(path, size_bytes)});
  };
  auto quota = [&] { return count(f.alert_texts(), "Workspace w has reached"); };
  put("/a", 790);
  CHECK(quota() == 0);
  put("/b", 20);
  auto alerts = alerts_of(f);
  CHECK(alerts.back().text == "Workspace w has reached 80 % of its quota: 810 of 1000 bytes used");
  CHECK(alerts.back().level == severity::info);
  CHECK(alerts.back().workspace == "w");
  f.crash();
  put("/c", 20);
  CHECK(quota() == 1);
  auto big = put("/d", 130);
  CHECK(alerts_of(f).back().level == severity::warning);
  put("/e", 40);
  CHECK(alerts_of(f).back().level == severity::error);
  CHECK(quota() == 3);
  need(f->remove_batch(big));
  CHECK(quota() == 3);
  put("/f", 130);
  CHECK(quota() == 4);
  CHECK(alerts_of(f).back().text ==
        "Workspace w has reached 100 % of its quota: 1000 of 1000 bytes used");
  // A refused batch tells nothing.
  auto refused = f.begin();
  need(f->add_files(refused, {entry("/g", 1)}));
  CHECK(errc_of(f->commit_batch(refused)) == errc::over_quota);
  CHECK(quota() == 4);
}

TEST_CASE("a volume that becomes full or suspect is told once, with the reason", "[alerts]") {
  fixture f;
  volume_record volume;
  volume.id = barcode{"VOL001L8"};
  volume.status = volume_status::appendable;
  need(f->put_volume(volume));
  CHECK(alerts_of(f).empty());
  volume.status = volume_status::full;
  need(f->record_written({}, volume));
  need(f->record_written({}, volume));
  auto alerts = alerts_of(f);
  REQUIRE(alerts.size() == 1);
  CHECK(alerts[0].level == severity::info);
  CHECK(alerts[0].workspace.empty());
  f.crash();
  volume.status = volume_status::suspect;
  need(f->put_volume(volume, "it sticks"));
  need(f->put_volume(volume, "it sticks"));
  need(f->record_written({}, volume));
  alerts = alerts_of(f);
  REQUIRE(alerts.size() == 2);
  CHECK(alerts[1].level == severity::error);
  CHECK(alerts[1].text == "Volume VOL001L8 is suspect: it sticks");
}

TEST_CASE("after a kill every alert is there once, in numbers without gaps", "[alerts]") {
  fixture f;
  std::vector<std::string> before;
  for (int i = 0; i < 3; ++i) {
    auto id = f.commit(numbered_entries(4, "/" + std::to_string(i)));
    auto ids = f.plan(id, 2);
    f.cache(ids[0], {0});
    f.crash();
    f.cache(ids[1]);
    f.write(ids);
    f.crash();
    f.write(ids);  // what was written is told again when the answer was lost
    auto texts = f.alert_texts();
    auto name = "Batch " + std::to_string(id.value);
    CHECK(texts.size() == before.size() + 4);
    CHECK(count(texts, name + " registered") == 1);
    CHECK(count(texts, name + ": 1 files failed") == 1);
    CHECK(count(texts, name + " cached: 3 files, 1 failed") == 1);
    CHECK(count(texts, name + " sent to storage") == 1);
    before = texts;
  }
  uint64_t last = 0;
  for (const auto& alert : alerts_of(f)) CHECK(alert.number == ++last);
}

TEST_CASE("how far a target has come is kept, and never goes back", "[alerts]") {
  fixture f;
  f.commit({entry("/a")});
  f.commit({entry("/b")});
  // What was before a target is not for it.
  CHECK(need(f->begin_delivery("mail ops")) == 2);
  f.commit({entry("/c")});
  f.commit({entry("/d")});
  CHECK(need(f->begin_delivery("mail ops")) == 2);
  need(f->record_delivered("mail ops", 3));
  need(f->record_delivered("mail ops", 2));
  f.crash();
  CHECK(need(f->begin_delivery("mail ops")) == 3);
  CHECK(need(f->begin_delivery("another")) == 4);
  // Alerts that there are not cannot have been delivered.
  need(f->record_delivered("mail ops", std::numeric_limits<uint64_t>::max()));
  need(f->record_delivered("mail ops", 99));
  CHECK(need(f->begin_delivery("mail ops")) == 4);
}

TEST_CASE("the store tells of new alerts after they are durable", "[alerts]") {
  fixture f;
  std::vector<uint64_t> told;
  f->on_alert([&](uint64_t last) { told.push_back(last); });
  auto id = f.commit({entry("/a")});
  f.plan(id, 1);
  f.cache({id, 1});
  need(f->add_alert({}));
  CHECK(told == std::vector<uint64_t>{1, 2, 3});
}

TEST_CASE("retrievals that a crash cut are ended as failed, and told of once", "[alerts]") {
  fixture f;
  retrieval_record draft;
  draft.workspace_name = "w";
  draft.requester = "ann";
  auto cut = need(f->begin_retrieval(draft));
  auto done = need(f->begin_retrieval(draft));
  done.state = retrieval_state::completed;
  need(f->end_retrieval(done));
  f.crash();
  CHECK(need(f->end_lost_retrievals()) == 1);
  CHECK(need(f.view()->retrieval(cut.id))->state == retrieval_state::failed);
  CHECK(need(f.view()->retrieval(done.id))->state == retrieval_state::completed);
  CHECK(count(f.alert_texts(), "Retrieval request 1 by ann failed") == 1);
  CHECK(alerts_of(f).back().level == severity::warning);
  f.crash();
  CHECK(need(f->end_lost_retrievals()) == 0);
  CHECK(alerts_of(f).size() == 4);
}
