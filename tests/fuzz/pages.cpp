// Packed pages, as they come from a client or a service.
#include "storage/catalogue/records.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace et;

namespace {

template <class Values>
void again(const Values& values, packed_page (*pack)(const Values&),
           caf::expected<Values> (*unpack)(const packed_page&)) {
  auto packed = pack(values);
  auto second = unpack(packed);
  fuzz::require(static_cast<bool>(second), "what was unpacked can be packed and unpacked");
  auto third = pack(*second);
  fuzz::require(third.count == packed.count && third.data == packed.data,
                "packed twice it is the same");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::choices input{data, size};
  packed_page page;
  for (int i = 0; i < 4; ++i) page.count = page.count << 8 | input.byte();
  auto rest = input.rest();
  page.data.assign(rest.begin(), rest.end());
  if (auto entries = unpack_entries(page)) again(*entries, &pack_entries, &unpack_entries);
  if (auto rows = unpack_rows(page)) again(*rows, &pack_rows, &unpack_rows);
  if (auto strings = unpack_strings(page)) again(*strings, &pack_strings, &unpack_strings);
  return 0;
}
