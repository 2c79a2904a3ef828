#include <catch2/catch.hpp>

#include <random>

#include "storage/catalogue/records.hpp"
#include "tests/storage/catalogue/fixture.hpp"

using namespace et;
using namespace et::test;

namespace {

std::vector<file_row> some_rows() {
  file_row plain;
  plain.batch = batch_id{300};
  plain.entry = {"/a b\n\xff", 1, -1, 0644, 0xffffffff, 2};
  file_row good = plain;
  good.state = state::synced;
  good.aggregation = 7;
  good.has_checksum = true;
  good.offset_bytes = uint64_t{1} << 50;
  good.checksum = {3, ~uint64_t{0}};
  file_row bad = plain;
  bad.state = state::failed;
  bad.reason = "vanished";
  return {plain, good, bad};
}

/// Every way to shorten, lengthen or miscount `page` is refused by `unpack`.
template <class Unpack>
void check_hostile(const packed_page& page, Unpack unpack) {
  for (size_t size = 0; size < page.data.size(); ++size) {
    packed_page cut{page.count,
                    {page.data.begin(), page.data.begin() + static_cast<ptrdiff_t>(size)}};
    CHECK(errc_of(unpack(cut)) == errc::protocol);
  }
  auto longer = page;
  longer.data.push_back(0);
  CHECK(errc_of(unpack(longer)) == errc::protocol);
  for (uint32_t count : {0u, page.count - 1, page.count + 1, UINT32_MAX}) {
    auto other = page;
    other.count = count;
    CHECK(errc_of(unpack(other)) == errc::protocol);
  }
}

}  // namespace

TEST_CASE("entries travel", "[packing]") {
  std::vector<file_entry> entries = {entry("/a"),
                                     entry("/\xff\x01 x", 0),
                                     {"/c", UINT64_MAX, INT64_MIN, UINT32_MAX, UINT32_MAX, 0}};
  auto page = pack_entries(entries);
  CHECK(page.count == 3);
  CHECK(need(unpack_entries(page)) == entries);
  check_hostile(page, unpack_entries);
  CHECK(need(unpack_entries(pack_entries({}))).empty());
}

TEST_CASE("an entry has exactly these bytes", "[packing]") {
  auto page = pack_entries({{"/a", 4096, 1'700'000'000'000'000'000, 0644, 1000, 100}});
  CHECK(page.data ==
        bytes{2, '/', 'a', 0x80, 0x20, 0x80, 0x88, 0xbf, 0xaa, 0x19, 0xa4, 0x03, 0xe8, 0x07, 0x64});
}

TEST_CASE("paths that are empty or contain a zero byte are refused", "[packing]") {
  CHECK(errc_of(unpack_entries(pack_entries({entry("")}))) == errc::protocol);
  CHECK(errc_of(unpack_entries(pack_entries({entry({"/a\0b", 4})}))) == errc::protocol);
}

TEST_CASE("rows travel", "[packing]") {
  auto rows = some_rows();
  auto page = pack_rows(rows);
  auto out = need(unpack_rows(page));
  REQUIRE(out.size() == rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    CHECK(out[i].batch == rows[i].batch);
    CHECK(out[i].entry == rows[i].entry);
    CHECK(out[i].state == rows[i].state);
    CHECK(out[i].aggregation == rows[i].aggregation);
    CHECK(out[i].has_checksum == rows[i].has_checksum);
    CHECK(out[i].offset_bytes == rows[i].offset_bytes);
    CHECK(out[i].checksum == rows[i].checksum);
    CHECK(out[i].reason == rows[i].reason);
  }
  check_hostile(page, unpack_rows);
}

TEST_CASE("strings travel, whatever they hold", "[packing]") {
  std::vector<std::string> strings = {"/a", "", std::string("\0x", 2), std::string(1000, '\xff')};
  auto page = pack_strings(strings);
  CHECK(need(unpack_strings(page)) == strings);
  check_hostile(page, unpack_strings);
}

TEST_CASE("pages above the limit are refused, whatever they say", "[packing]") {
  packed_page page{1, bytes(4 * max_packed_bytes + 1)};
  CHECK(errc_of(unpack_strings(page)) == errc::protocol);
  CHECK(errc_of(unpack_entries(page)) == errc::protocol);
  page.data.resize(4 * max_packed_bytes);
  page.count = UINT32_MAX;
  CHECK(errc_of(unpack_rows(page)) == errc::protocol);
}

TEST_CASE("random bytes never do more than fail", "[packing]") {
  std::mt19937 random{7};
  for (int i = 0; i < 20'000; ++i) {
    packed_page page{static_cast<uint32_t>(random() % 4), bytes(random() % 60)};
    for (auto& byte : page.data)
      byte = static_cast<uint8_t>(random() % 4 ? random() % 32 : random());
    auto entries = unpack_entries(page);
    // What is accepted is what packing it gives: there is one form only.
    if (entries) CHECK(pack_entries(*entries).data == page.data);
    auto rows = unpack_rows(page);
    if (rows) CHECK(pack_rows(*rows).data == page.data);
  }
}
