#include "storage/catalogue/values.hpp"

#include <catch2/catch.hpp>

#include <limits>

#include "storage/catalogue/codec.hpp"

using namespace et;
using namespace std::string_literals;

namespace {

std::string hex(std::string_view data) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (char c : data) {
    auto byte = static_cast<uint8_t>(c);
    out.append(1, digits[byte >> 4]).append(1, digits[byte & 15]);
  }
  return out;
}

workspace_record some_workspace() {
  workspace_record record;
  record.id = workspace_id{5};
  record.roots = {"/gws/a", "/b"};
  record.managers = {"ann"};
  record.quota_bytes = 300;
  record.used_bytes = 2;
  record.used_files = 1;
  record.batches = 1;
  return record;
}

batch_record some_batch() {
  batch_record record;
  record.workspace = workspace_id{5};
  record.workspace_name = "w";
  record.tag = "t";
  record.requester = "ann";
  record.uid = 1000;
  record.gid = 100;
  record.phase = batch_phase::committed;
  record.state = state::cached;
  record.created_ns = 1;
  record.safe_ns = -1;
  record.files = 3;
  record.size_bytes = 4;
  record.failed_files = 5;
  record.failed_bytes = 6;
  record.planned = true;
  record.aggregations = 15;
  record.in_state = {0, 1, 2, 3, 4, 5};
  return record;
}

aggregation_record some_aggregation() {
  aggregation_record record;
  record.state = state::synced;
  record.first_path = "/a";
  record.last_path = "/b";
  record.files = 2;
  record.content_bytes = 3;
  record.failed_files = 1;
  record.size_bytes = 4;
  record.checksum = {0x01020304, 0xa0b0c0d0};
  record.copies = {{barcode{"V1"}, block_address{1}, block_address{4}, 9, 262144, 2}};
  record.history = {{state::registered, 1}, {state::synced, 2}};
  return record;
}

template <class Record>
void check_strict(const Record& record, const std::string& golden) {
  auto value = values::encode(record);
  CHECK(hex(value) == golden);
  Record out;
  CHECK(values::decode(value, out));
  CHECK(values::encode(out) == value);
  for (size_t size = 0; size < value.size(); ++size) {
    Record cut;
    CHECK_FALSE(values::decode(std::string_view{value}.substr(0, size), cut));
  }
  Record other;
  CHECK_FALSE(values::decode(value + "\0"s, other));
  auto newer = value;
  newer[0] = 2;
  CHECK_FALSE(values::decode(newer, other));
}

}  // namespace

TEST_CASE("records have exactly these bytes and decode strictly", "[values]") {
  check_strict(some_workspace(),
               "0105"
               "02"
               "062f6777732f61"
               "022f62"
               "01"
               "03616e6e"
               "ac02"
               "02"
               "01"
               "01");
  check_strict(some_batch(),
               "0105"
               "0177"
               "0174"
               "03616e6e"
               "e807"
               "64"
               "02"
               "02"
               "02"
               "01"
               "03"
               "04"
               "05"
               "06"
               "01"
               "0f"
               "0102030405");
  check_strict(some_aggregation(),
               "0104"
               "022f61"
               "022f62"
               "02"
               "03"
               "01"
               "04"
               "01020304"
               "a0b0c0d0"
               "01"
               "025631"
               "01"
               "04"
               "09"
               "808010"
               "04"
               "02"
               "0102"
               "0404");

  volume_record volume;
  volume.pool = "p";
  volume.status = volume_status::full;
  volume.next_header = block_address{1};
  volume.next_sequence = 2;
  volume.written_bytes = 3;
  volume.aggregations = 4;
  volume.capacity_bytes = 5;
  check_strict(volume, "010170030102030405");

  check_strict(alert_record{0, 1, severity::error, "w", batch_id{3}, "x"}, "0102030177030178");

  retrieval_record retrieval;
  retrieval.workspace = workspace_id{1};
  retrieval.workspace_name = "w";
  retrieval.batch = batch_id{2};
  retrieval.requester = "u";
  retrieval.state = retrieval_state::completed;
  retrieval.started_ns = 3;
  retrieval.ended_ns = 4;
  retrieval.files = 5;
  retrieval.size_bytes = 6;
  retrieval.bad_files = 7;
  check_strict(retrieval, "01010177020175020608050607");

  check_strict(token_record{{}, 300, "u", "lap", 1, 2, "h8_-"},
               "01ac02017503"
               "6c61700204"
               "0468385f2d");

  check_strict(file_failure{{}, errc::corrupt, "bad"}, "010903626164");
}

TEST_CASE("a file takes few bytes", "[values]") {
  check_strict(file_entry{{}, 4096, 1'700'000'000'000'000'000, 0644, 1000, 100},
               "01"
               "8020"
               "8088bfaa19"
               "a403"
               "e807"
               "64");
  check_strict(file_entry{{}, 0, 1'700'000'000'000'000'001, 0, 0, 0},
               "01"
               "00"
               "8188bfaa1901"
               "00"
               "00"
               "00");
}

TEST_CASE("every time survives", "[values]") {
  using limits = std::numeric_limits<int64_t>;
  for (int64_t time_ns :
       {int64_t{0}, int64_t{1}, int64_t{-1}, int64_t{999'999'999}, int64_t{1'000'000'000},
        int64_t{-1'000'000'000}, int64_t{-1'000'000'001}, limits::max(), limits::min()}) {
    file_entry in{{}, 0, time_ns, 0, 0, 0};
    file_entry out;
    REQUIRE(values::decode(values::encode(in), out));
    CHECK(out.mtime_ns == time_ns);
  }
}

TEST_CASE("a time has one form only", "[values]") {
  auto time_of = [](std::string_view data) {
    decoder in{data};
    read_time(in);
    return in.complete();
  };
  CHECK(time_of("\x04"));
  CHECK(time_of("\x05\x01"));
  CHECK_FALSE(time_of("\x05\0"s));
  CHECK_FALSE(time_of("\x05\x80\x94\xeb\xdc\x03"));
  CHECK_FALSE(time_of("\xfc\xff\xff\xff\xff\xff\xff\xff\x7f"));
}

TEST_CASE("varints have one form only", "[values]") {
  auto decodes = [](std::string_view data) {
    decoder in{data};
    in.varint();
    return in.complete();
  };
  CHECK(decodes("\x7f"));
  CHECK(decodes("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"));
  CHECK_FALSE(decodes("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"));
  CHECK_FALSE(decodes("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x81\x01"));
  CHECK_FALSE(decodes("\x80\0"s));
  CHECK_FALSE(decodes("\x80"));
  CHECK_FALSE(decodes(""));
}

TEST_CASE("a run of placed files", "[values]") {
  std::vector<placed_file> run = {
      {1536, {0x0102030405060708, 0x1112131415161718}, false}, {0, {}, true}, {512, {1, 2}, false}};
  auto value = values::encode(run);
  CHECK(hex(value) ==
        "01"
        "03"
        "8030"
        "01020304050607081112131415161718"
        "01"
        "fe1f"
        "00000000000000010000000000000002");
  std::vector<placed_file> out;
  REQUIRE(values::decode(value, out));
  REQUIRE(out.size() == 3);
  CHECK(out[0].offset_bytes == 1536);
  CHECK(out[0].checksum == run[0].checksum);
  CHECK(out[1].failed);
  CHECK(out[2].offset_bytes == 512);
  CHECK_FALSE(out[2].failed);

  for (size_t size = 0; size < value.size(); ++size)
    CHECK_FALSE(values::decode(std::string_view{value}.substr(0, size), out));
  CHECK_FALSE(values::decode(value + "x", out));
  CHECK_FALSE(values::decode("\x01\0"s, out));
  CHECK_FALSE(values::decode("\x01\x01\x03"s, out));
  CHECK_FALSE(values::decode("\x01\xff\xff\xff\xff\x0f"s, out));
}

TEST_CASE("counts are checked before memory is taken", "[values]") {
  workspace_record workspace;
  CHECK_FALSE(values::decode("\x01\x05\xff\xff\xff\xff\xff\xff\xff\xff\x7f"s, workspace));
  auto value = values::encode(some_aggregation());
  aggregation_record aggregation;
  // The count of copies.
  auto at = value.find("\xa0\xb0\xc0\xd0") + 4;
  value.replace(at, 1, "\xff\xff\xff\xff\x0f");
  CHECK_FALSE(values::decode(value, aggregation));
}

TEST_CASE("enumerations outside their range do not decode", "[values]") {
  for (char bad : {'\0', '\6'}) {
    auto value = values::encode(some_aggregation());
    value[1] = bad;
    aggregation_record out;
    CHECK_FALSE(values::decode(value, out));
  }
}

TEST_CASE("an undecodable value says what it is and why", "[values]") {
  auto newer = values::undecodable("\x07x", "batch 12");
  CHECK(code_of(newer) == errc::corrupt);
  CHECK(text_of(newer) ==
        "the catalogue's value of batch 12 has version 7, this service knows version 1");
  CHECK(text_of(values::undecodable("\x01x", "batch 12")) ==
        "the catalogue's value of batch 12 is malformed");
  CHECK(text_of(values::undecodable("", "batch 12")) ==
        "the catalogue's value of batch 12 is empty");
}
