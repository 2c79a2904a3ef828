// The image of a cartridge: whatever lies there can be read up to where it ends, and written
// behind.
#include "storage/tape/virtual_cartridge.hpp"

#include <algorithm>

#include "storage/tape/virtual_format.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace et;
using namespace et::tape;

namespace {

constexpr size_t most_buffer_bytes = 1 << 20;

void headers(std::span<const uint8_t> bytes) {
  if (auto header = decode_image_header(bytes)) {
    auto written = encode(*header);
    fuzz::require(std::equal(written.begin(), written.end(), bytes.begin()),
                  "an accepted image header is written as it was");
  }
  if (auto record = decode_record_header(bytes)) {
    auto written = encode(*record);
    fuzz::require(std::equal(written.begin(), written.end(), bytes.begin()),
                  "an accepted record header is written as it was");
  }
}

/// Reads every record, and returns how many there are.
uint64_t read_all(const open_image& image, uint64_t most) {
  auto records = image.index().records();
  for (uint64_t number = 0; number < std::min(records, most); ++number) {
    auto place = image.index().find(number);
    fuzz::require(place.has_value(), "every record has a place");
    if (place->data_bytes == 0) {
      [[maybe_unused]] auto ignored = image.check_filemark(number);
      continue;
    }
    if (place->data_bytes > most_buffer_bytes) continue;
    std::vector<uint8_t> buffer(place->data_bytes);
    [[maybe_unused]] auto ignored = image.read_block(number, buffer);
  }
  return records;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::choices input{data, size};
  auto number = input.byte();
  auto bytes = input.rest();
  headers(bytes);
  fuzz::input_file file{bytes.data(), bytes.size()};
  auto image = open_image::open(file.path(), false);
  if (!image) return 0;
  auto records = read_all(**image, 64);
  if ((*image)->header().write_protected) return 0;
  auto from = std::min<uint64_t>(number, records);
  if ((*image)->truncate(from)) return 0;
  const std::vector<uint8_t> block(17, 0x5a);
  fuzz::require(!(*image)->append_block(block), "a block can be appended behind what was kept");
  std::vector<uint8_t> back(block.size());
  fuzz::require(!(*image)->read_block(from, back) && back == block, "what was appended is read");
  fuzz::require((*image)->index().records() == from + 1, "nothing is behind what was appended");
  return 0;
}
