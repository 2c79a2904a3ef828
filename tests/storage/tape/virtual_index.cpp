// The index against a model that remembers every record.
#include "storage/tape/virtual_index.hpp"

#include <catch2/catch.hpp>
#include <random>
#include <vector>

using namespace et::tape;

namespace {

/// One entry a record, everything computed anew.
struct model {
  std::vector<uint32_t> sizes;

  uint64_t offset_of(size_t number) const {
    uint64_t offset = image_header_bytes;
    for (size_t i = 0; i < number; ++i) offset += record_header_bytes + sizes[i];
    return offset;
  }
  uint64_t data_before(size_t number) const {
    uint64_t sum = 0;
    for (size_t i = 0; i < number && i < sizes.size(); ++i) sum += sizes[i];
    return sum;
  }
};

void compare(const record_index& index, const model& truth) {
  REQUIRE(index.records() == truth.sizes.size());
  REQUIRE(index.end_offset() == truth.offset_of(truth.sizes.size()));
  REQUIRE_FALSE(index.find(truth.sizes.size()));
  REQUIRE(index.data_bytes_before(truth.sizes.size() + 5) == truth.data_before(~size_t{0}));
  uint64_t offset = image_header_bytes;
  uint64_t data = 0;
  for (size_t i = 0; i < truth.sizes.size(); ++i) {
    auto place = index.find(i);
    REQUIRE(place);
    REQUIRE((*place == record_place{offset, truth.sizes[i]}));
    REQUIRE(index.data_bytes_before(i) == data);
    offset += record_header_bytes + truth.sizes[i];
    data += truth.sizes[i];
  }
}

}  // namespace

TEST_CASE("an empty index") {
  record_index index;
  REQUIRE(index.records() == 0);
  REQUIRE(index.end_offset() == image_header_bytes);
  REQUIRE_FALSE(index.find(0));
  REQUIRE(index.data_bytes_before(0) == 0);
  index.truncate(0);
  REQUIRE(index.records() == 0);
}

TEST_CASE("equal records share a run") {
  record_index index;
  index.append(262144, 1'000'000);
  index.append(0, 2);
  index.append(0);
  index.append(262144);
  REQUIRE(index.runs() == 3);
  REQUIRE(index.find(999'999)->offset == image_header_bytes + 999'999 * (262144ull + 32));
  REQUIRE(index.data_bytes_before(1'000'004) == 1'000'001 * 262144ull);
  index.truncate(500'000);
  REQUIRE(index.runs() == 1);
  REQUIRE(index.records() == 500'000);
}

TEST_CASE("random appends and truncations of mixed sizes match the model") {
  std::mt19937 random{20240611};
  const uint32_t sizes[] = {0, 1, 80, 4096, 262144};
  for (int round = 0; round < 40; ++round) {
    record_index index;
    model truth;
    for (int step = 0; step < 60; ++step) {
      if (random() % 5 == 0) {
        auto number = random() % (truth.sizes.size() + 3);
        index.truncate(number);
        if (number < truth.sizes.size()) truth.sizes.resize(number);
      } else {
        auto size = sizes[random() % 5];
        auto count = random() % 4;
        index.append(size, count);
        truth.sizes.insert(truth.sizes.end(), count, size);
      }
    }
    compare(index, truth);
  }
}
