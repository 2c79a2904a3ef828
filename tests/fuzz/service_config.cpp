// The configuration of a service: TOML, and what its keys may be.
#include "cli/service_config.hpp"

#include "tests/fuzz/fuzz.hpp"

using namespace et;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto text = fuzz::text_of_input(data, size);
  auto parsed = parse_service_config(text, "FILE");
  if (!parsed)
    fuzz::require(text_of(parsed.error()).find("FILE") != std::string::npos,
                  "an error names the file");
  [[maybe_unused]] auto bytes = parse_size(text);
  return 0;
}
