// The bytes of an image: they must never change for version 1.
#include "storage/tape/virtual_format.hpp"

#include <catch2/catch.hpp>
#include <cstring>
#include <vector>

#include "storage/os/crc32c.hpp"

using namespace et;
using namespace et::tape;

namespace {

std::span<const uint8_t> as_bytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

std::string hex(std::span<const uint8_t> data) {
  std::string out;
  char digits[3];
  for (auto byte : data) {
    std::snprintf(digits, sizeof digits, "%02x", byte);
    out += digits;
  }
  return out;
}

}  // namespace

TEST_CASE("CRC32C is the standard one and can be continued") {
  REQUIRE(crc32c(0, {}) == 0);
  REQUIRE(crc32c(0, as_bytes("123456789")) == 0xE3069283);
  REQUIRE(crc32c(crc32c(0, as_bytes("1234")), as_bytes("56789")) == 0xE3069283);
  REQUIRE(crc32c(0xE3069283, {}) == 0xE3069283);
  std::vector<uint8_t> zeros(32);
  REQUIRE(crc32c(0, zeros) == 0x8A9136AA);
}

TEST_CASE("image header bytes") {
  auto data = encode(image_header{barcode{"ET0001L8"}, 0x0102030405060708, true});
  REQUIRE(hex(std::span{data}.first(40)) ==
          "45542d544150450a"  // ET-TAPE\n
          "01000000"          // version
          "01000000"          // write protected
          "0807060504030201"  // capacity
          "4554303030314c380000000000000000");
  for (size_t i = 40; i < 508; ++i) REQUIRE(data[i] == 0);
  REQUIRE(hex(std::span{data}.last(4)) == "1d51fe8e");
}

TEST_CASE("record header bytes") {
  auto block = encode(record_header{0x1122334455667788, 262144, 0xE3069283});
  REQUIRE(hex(block) ==
          "45545243"          // ETRC
          "01000000"          // block
          "8877665544332211"  // number
          "00000400"          // length
          "839206e3"          // data CRC
          "00000000"
          "9cc9c2a9");
  auto mark = encode(record_header{3, 0, 0});
  REQUIRE(hex(mark) == "4554524302000000030000000000000000000000000000000000000045e38db3");
}

TEST_CASE("headers come back, and any flipped bit is seen") {
  image_header image{barcode{"A"}, 12345, false};
  auto image_data = encode(image);
  auto decoded = decode_image_header(image_data);
  REQUIRE(decoded);
  REQUIRE(*decoded == image);
  for (size_t bit = 0; bit < image_data.size() * 8; ++bit) {
    auto bad = image_data;
    bad[bit / 8] ^= static_cast<uint8_t>(1 << (bit % 8));
    REQUIRE_FALSE(decode_image_header(bad));
  }
  record_header record{77, 80, 0x12345678};
  auto record_data = encode(record);
  REQUIRE(decode_record_header(record_data) == record);
  for (size_t bit = 0; bit < record_data.size() * 8; ++bit) {
    auto bad = record_data;
    bad[bit / 8] ^= static_cast<uint8_t>(1 << (bit % 8));
    REQUIRE_FALSE(decode_record_header(bad));
  }
}

TEST_CASE("headers of the wrong size or grammar are refused even with a good checksum") {
  auto seal = [](auto& data) {
    auto crc = crc32c(0, std::span{data}.first(data.size() - 4));
    for (size_t i = 0; i < 4; ++i) data[data.size() - 4 + i] = static_cast<uint8_t>(crc >> (8 * i));
  };
  auto good_image = encode(image_header{barcode{"ET0001L8"}, 1, false});
  auto good_block = encode(record_header{0, 10, 5});
  auto good_mark = encode(record_header{0, 0, 0});
  REQUIRE_FALSE(decode_image_header({}));
  REQUIRE_FALSE(decode_image_header(std::span{good_image}.first(511)));
  REQUIRE_FALSE(decode_record_header({}));
  REQUIRE_FALSE(decode_record_header(std::span{good_block}.first(31)));

  auto code_with = [&](size_t at, uint8_t value) {
    auto data = good_image;
    data[at] = value;
    seal(data);
    auto result = decode_image_header(data);
    return result ? errc::none : code_of(result.error());
  };
  REQUIRE(code_with(16, 2) == errc::none);
  REQUIRE(code_with(8, 2) == errc::newer_version);
  REQUIRE(code_with(8, 0) == errc::corrupt);
  REQUIRE(code_with(12, 2) == errc::corrupt);
  REQUIRE(code_with(24, 'e') == errc::corrupt);
  REQUIRE(code_with(24, 0) == errc::corrupt);
  REQUIRE(code_with(33, 'X') == errc::corrupt);
  REQUIRE(code_with(300, 1) == errc::corrupt);

  auto refused = [&](auto data, size_t at, uint8_t value) {
    data[at] = value;
    seal(data);
    return !decode_record_header(data);
  };
  REQUIRE_FALSE(refused(good_block, 8, 9));
  REQUIRE(refused(good_block, 4, 2));
  REQUIRE(refused(good_block, 4, 3));
  REQUIRE(refused(good_block, 16, 0));
  REQUIRE(refused(good_block, 5, 1));
  REQUIRE(refused(good_block, 24, 1));
  REQUIRE(refused(good_mark, 4, 1));
  REQUIRE(refused(good_mark, 16, 1));
  REQUIRE(refused(good_mark, 20, 1));
}

TEST_CASE("barcodes") {
  REQUIRE(valid_barcode(barcode{"A"}));
  REQUIRE(valid_barcode(barcode{"ABCDEFGH01234567"}));
  REQUIRE_FALSE(valid_barcode(barcode{""}));
  REQUIRE_FALSE(valid_barcode(barcode{"ABCDEFGH012345678"}));
  REQUIRE_FALSE(valid_barcode(barcode{"et0001"}));
  REQUIRE_FALSE(valid_barcode(barcode{"A/B"}));
}
