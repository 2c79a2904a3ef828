// The tar of an aggregation, as it comes from a cache file or a tape, in blocks of any size.
#include "storage/format/aggregation_reader.hpp"

#include <algorithm>

#include "tests/fuzz/fuzz.hpp"

using namespace et;

namespace {

byte_source in_blocks(std::span<const uint8_t> all, size_t block_bytes) {
  return [all, block_bytes, at = size_t{0}]() mutable -> caf::expected<std::span<const uint8_t>> {
    auto piece = all.subspan(at, std::min(block_bytes, all.size() - at));
    at += piece.size();
    return piece;
  };
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::choices input{data, size};
  size_t block_bytes = 512 * (1 + input.byte() % 20);
  auto all = input.rest();

  uint64_t listed = 0;
  auto checked = verify_aggregation(in_blocks(all, block_bytes), [&](manifest_entry&& entry) {
    fuzz::require(entry.offset_bytes + entry.file.size_bytes <= all.size(),
                  "a listed file lies in the aggregation");
    ++listed;
    return caf::error{};
  });
  if (checked) {
    fuzz::require(checked->files == listed, "every listed file is told");
    auto about = read_about(in_blocks(all, block_bytes));
    fuzz::require(about && *about == checked->about, "the description is the one in front");
  }

  aggregation_reader reader{in_blocks(all, block_bytes)};
  for (;;) {
    auto member = reader.next();
    if (!member || !*member) break;
    uint64_t content = 0;
    for (;;) {
      auto piece = reader.read();
      if (!piece) return 0;
      if (piece->empty()) break;
      content += piece->size();
    }
    fuzz::require(content == (*member)->size_bytes, "a member has the size that its header says");
  }
  return 0;
}
