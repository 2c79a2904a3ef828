#include "storage/catalogue/alert_text.hpp"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <ctime>

#include "storage/catalogue/progress.hpp"

using namespace et;
using namespace std::string_literals;

TEST_CASE("printable text keeps UTF-8 and escapes the rest", "[alert_text]") {
  CHECK(printable("plain /path with space") == "plain /path with space");
  CHECK(printable("a\nb\tc\x7f") == "a\\x0ab\\x09c\\x7f");
  CHECK(printable("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80") ==
        "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80");
  CHECK(printable("\xff\xfe") == "\\xff\\xfe");
  CHECK(printable("cut \xe2\x82") == "cut \\xe2\\x82");
  CHECK(printable("\xc0\xaf") == "\\xc0\\xaf");
  CHECK(printable("\xed\xa0\x80") == "\\xed\\xa0\\x80");
  CHECK(printable("\xf4\x90\x80\x80") == "\\xf4\\x90\\x80\\x80");
  CHECK(printable("\xc2\x9b") == "\\xc2\\x9b");
  CHECK(printable("\0"s) == "\\x00");
}

TEST_CASE("the texts of alerts", "[alert_text]") {
  setenv("TZ", "UTC", 1);
  tzset();
  batch_record batch;
  batch.id = batch_id{12};
  batch.files = 3;
  batch.size_bytes = 4096;
  batch.safe_ns = 1'700'000'000'999'999'999;
  CHECK(alert_text::registered(batch) == "Batch 12 registered: 3 files, 4096 bytes");
  CHECK(alert_text::finished(batch) ==
        "Batch 12 successfully sent to storage at 2023-11-14 22:13:20");
  batch.failed_files = 2;
  CHECK(alert_text::finished(batch) ==
        "Batch 12 sent to storage at 2023-11-14 22:13:20 except 2 failed files");
  CHECK(alert_text::failed(batch.id, 2, {"/a\n", errc::source_changed, "size changed"}) ==
        "Batch 12: 2 files failed, the first: /a\\x0a: size changed");
  CHECK(alert_text::removed(batch.id) == "Batch 12 removed");

  retrieval_record retrieval;
  retrieval.id = retrieval_id{5};
  retrieval.requester = "ann";
  retrieval.batch = batch_id{12};
  retrieval.started_ns = retrieval.ended_ns = 1'700'000'000'000'000'000;
  CHECK(alert_text::retrieval_begun(retrieval) ==
        "Retrieval request 5 by ann for batch 12 at 2023-11-14 22:13:20");
  retrieval.batch = {};
  CHECK(alert_text::retrieval_begun(retrieval) ==
        "Retrieval request 5 by ann for a list of files at 2023-11-14 22:13:20");
  retrieval.state = retrieval_state::completed;
  retrieval.bad_files = 4;
  CHECK(alert_text::retrieval_ended(retrieval) ==
        "Retrieval request 5 by ann completed at 2023-11-14 22:13:20 with 4 bad files");
}

TEST_CASE("a batch is as far as its least advanced aggregation", "[progress]") {
  batch_record batch;
  auto with = [&](std::array<uint32_t, 6> counts) {
    batch.in_state = counts;
    return derived_state(batch);
  };
  CHECK(with({0, 0, 0, 0, 3, 0}) == state::registered);  // more may come
  batch.planned = true;
  CHECK(with({0, 1, 1, 1, 1, 0}) == state::registered);
  CHECK(with({0, 0, 1, 1, 1, 0}) == state::cached);
  CHECK(with({0, 0, 0, 1, 1, 0}) == state::cached_synced);
  CHECK(with({0, 0, 0, 0, 1, 0}) == state::synced);
  batch.failed_files = 1;
  CHECK(with({0, 1, 1, 1, 1, 0}) == state::failed);
}

TEST_CASE("history keeps the last sixteen changes", "[progress]") {
  batch_record batch;
  aggregation_record aggregation;
  batch.in_state = {0, 1, 0, 0, 0, 0};
  for (int i = 0; i < 20; ++i)
    move_to(batch, aggregation, i % 2 ? state::cached_synced : state::synced, i);
  CHECK(aggregation.history.size() == 16);
  CHECK(aggregation.history.front().time_ns == 4);
  CHECK(aggregation.history.back().time_ns == 19);
  CHECK(batch.in_state == std::array<uint32_t, 6>{0, 0, 0, 1, 0, 0});
}

TEST_CASE("a batch finishes once", "[progress]") {
  batch_record batch;
  batch.in_state = {0, 0, 0, 2, 0, 1};
  CHECK_FALSE(finish(batch, 9));
  batch.planned = true;
  CHECK(finish(batch, 9));
  CHECK(batch.safe_ns == 9);
  CHECK_FALSE(finish(batch, 10));
  CHECK(batch.safe_ns == 9);
}
