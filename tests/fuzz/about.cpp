// The description of an aggregation, its first member.
#include "storage/format/about.hpp"

#include "tests/fuzz/fuzz.hpp"

using namespace et;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto parsed = parse_about(fuzz::text_of_input(data, size));
  if (!parsed) return 0;
  auto written = encode_about(*parsed);
  auto again = parse_about(written);
  fuzz::require(again && *again == *parsed, "what is accepted is written and read as the same");
  fuzz::require(encode_about(*again) == written, "the same value gives the same bytes");
  return 0;
}
