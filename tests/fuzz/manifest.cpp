// The manifest at the end of an aggregation, in pieces of any size.
#include "storage/format/manifest.hpp"

#include "tests/fuzz/fuzz.hpp"

using namespace et;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::choices input{data, size};
  size_t step = 1 + input.byte();
  auto text = input.text();
  auto whole = parse_manifest(text);

  std::vector<manifest_entry> pieces;
  manifest_parser parser{[&](manifest_entry&& entry) {
    pieces.push_back(std::move(entry));
    return true;
  }};
  caf::error error;
  for (size_t at = 0; at < text.size() && !error; at += step)
    error = parser.feed(text.substr(at, step));
  if (!error) error = parser.finish();
  fuzz::require(!error == static_cast<bool>(whole), "pieces give what the whole gives");
  if (!whole) return 0;
  fuzz::require(pieces == *whole, "pieces give the entries of the whole");
  std::string written{manifest_header};
  for (const auto& entry : *whole)
    append_manifest_line(written, entry.file, entry.offset_bytes, entry.checksum);
  fuzz::require(written == text, "an accepted manifest is written as it was");
  return 0;
}
