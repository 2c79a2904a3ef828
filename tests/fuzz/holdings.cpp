// The XML of holdings, in pieces of any size.
#include "cli/holdings_xml.hpp"

#include "tests/fuzz/fuzz.hpp"

using namespace et;

namespace {

/// What comes of it, in words.
std::string read(std::string_view text, size_t step) {
  std::string found;
  holdings_sink sink;
  sink.workspace = [&](const listed_workspace&) {
    found += 'w';
    return true;
  };
  sink.batch = [&](const listed_batch&) {
    found += 'b';
    return true;
  };
  sink.file = [&](const listed_file&) {
    found += 'f';
    return true;
  };
  holdings_parser parser{std::move(sink)};
  caf::error error;
  for (size_t at = 0; at < text.size() && !error; at += step)
    error = parser.feed(text.substr(at, step));
  if (!error) error = parser.finish();
  return error ? found + '!' : found;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::choices input{data, size};
  size_t step = 1 + input.byte();
  auto text = input.text();
  fuzz::require(read(text, step) == read(text, text.size() + 1),
                "pieces give what the whole gives");
  [[maybe_unused]] auto time = local_time_ns(text);
  return 0;
}
