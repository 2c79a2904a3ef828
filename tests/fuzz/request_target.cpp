// Targets of requests to the monitor.
#include "actors/monitor/query.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace et;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto asked = monitor::query::parse(fuzz::text_of_input(data, size));
  if (!asked) return 0;
  fuzz::require(asked->path().size() <= size, "a path is not longer than its target");
  for (const auto& [name, value] : asked->parameters()) {
    fuzz::require(asked->text(name) == value, "a parameter is found by its name");
    auto number = asked->number(name);
    if (number && *number && !value.empty())
      fuzz::require(value.find_first_not_of("0123456789") == std::string::npos,
                    "a number has digits only");
    auto id = asked->aggregation(name);
    if (id) fuzz::require(value.find('.') != std::string::npos, "an aggregation has a point");
  }
  return 0;
}
