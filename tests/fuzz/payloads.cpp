// The payload of a client's message: accepted is only what the framework reads to its end.
#include "actors/payload_check.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace et;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::span<const uint8_t> payload{data, size};
  if (!is_message_of(client_shapes(), payload)) return 0;
  // A byte less, or one more, is not that message.
  fuzz::require(!is_message_of(client_shapes(), payload.first(size - 1)), "nothing is missing");
  std::vector<uint8_t> longer{payload.begin(), payload.end()};
  longer.push_back(0);
  fuzz::require(!is_message_of(client_shapes(), longer), "nothing is behind it");
  return 0;
}
