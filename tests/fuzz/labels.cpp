// Labels of a volume: what is accepted is just what would be written.
#include "storage/format/labels.hpp"

#include <algorithm>

#include "tests/fuzz/fuzz.hpp"

using namespace et;

namespace {

template <class Parsed, class... Side>
void again(const Parsed& parsed, std::span<const uint8_t> block, Side... side) {
  if (!parsed) return;
  auto written = encode(*parsed, side...);
  fuzz::require(written && std::equal(written->begin(), written->end(), block.begin(), block.end()),
                "an accepted label is written as it was");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::span<const uint8_t> block{data, size};
  again(parse_volume_label(block), block);
  for (auto side : {label_side::header, label_side::trailer}) {
    again(parse_file_label(block, side), block, side);
    if (!parse_format_label(block, side)) {
      auto written = encode_format_label(side);
      fuzz::require(std::equal(written.begin(), written.end(), block.begin(), block.end()),
                    "an accepted format label is the one there is");
    }
  }
  again(parse_user_header_label(block), block);
  again(parse_user_trailer_label(block), block);
  return 0;
}
