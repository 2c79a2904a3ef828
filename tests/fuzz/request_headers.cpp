// Headers of HTTP requests that say who asks.
#include "actors/monitor/server/access.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace et;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto request = fuzz::text_of_input(data, size);
  for (std::string_view name : {"Authorization", "X-User"}) {
    for (const auto& value : monitor::header_values(request, name)) {
      fuzz::require(request.find(value) != std::string_view::npos, "a value stands in the request");
      // Not a line feed alone: that would make another header for some readers, so it must stay in
      // the value, where no user's name may have it.
      fuzz::require(value.find("\r\n") == std::string::npos, "a value is one line");
    }
  }
  return 0;
}
