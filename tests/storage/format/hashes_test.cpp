#include "storage/format/hashes.hpp"

#include "format_support.hpp"

using namespace et;
using namespace et::test;

namespace {

// By the definition, one byte at a time.
uint32_t plain_adler32(std::span<const uint8_t> data) {
  uint32_t a = 1, b = 0;
  for (auto byte : data) {
    a = (a + byte) % 65521;
    b = (b + a) % 65521;
  }
  return b << 16 | a;
}

uint32_t plain_crc32c(std::span<const uint8_t> data) {
  uint32_t crc = ~0u;
  for (auto byte : data) {
    crc ^= byte;
    for (int i = 0; i < 8; ++i) crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
  }
  return ~crc;
}

}  // namespace

TEST_CASE("checksums have their known values", "[hashes]") {
  // Published test values: XXH3-128 of nothing, CRC32C of the nine digits, adler32 of a word.
  CHECK(to_string(hash_file_content({})) == "99aa06d3014798d86001c324468d497f");
  aggregation_hasher digits;
  digits.update(to_bytes("123456789"));
  CHECK(digits.checksum().crc32c == 0xe3069283);
  aggregation_hasher word;
  word.update(to_bytes("Wikipedia"));
  CHECK(word.checksum().adler32 == 0x11e60398);
  CHECK(aggregation_hasher{}.checksum() == aggregation_checksum{1, 0});
}

TEST_CASE("the cut into pieces does not matter", "[hashes]") {
  auto data = noise(100'003, 1);
  std::fill(data.begin() + 20'000, data.begin() + 60'000, 0xff);  // the largest sums
  auto whole = hash_file_content(data);
  for (size_t piece_bytes : {1u, 7u, 239u, 256u, 4096u, 65521u, 200'000u}) {
    file_hasher file;
    aggregation_hasher aggregation;
    for (size_t at = 0; at < data.size(); at += piece_bytes) {
      auto piece = std::span{data}.subspan(at, std::min(piece_bytes, data.size() - at));
      file.update(piece);
      aggregation.update(piece);
    }
    CHECK(file.checksum() == whole);
    CHECK(aggregation.checksum().adler32 == plain_adler32(data));
    CHECK(aggregation.checksum().crc32c == plain_crc32c(data));
    file.reset();
    CHECK(file.checksum() == hash_file_content({}));
  }
}
