// Addresses of a monitor, and the targets of requests that come from them.
#include "cli/monitor_url.hpp"

#include "actors/monitor/query.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace et;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto given = fuzz::text_of_input(data, size);
  [[maybe_unused]] bool named = names_workspace(given);
  holdings_query wanted{"a b&c", "user", batch_id{7}, "file"};
  auto url = holdings_url(given, wanted);
  if (!url) return 0;
  fuzz::require(url->origin.starts_with("http"), "an origin has its scheme");
  fuzz::require(url->target.starts_with("/"), "a target is a path");
  for (char c : url->target)
    fuzz::require(static_cast<unsigned char>(c) > 0x20 && c != 0x7f,
                  "a target fits into a request");
  // The monitor understands what is asked of it.
  if (auto asked = monitor::query::parse(url->target)) {
    std::string parameters;
    for (const auto& [name, value] : asked->parameters()) parameters += name + "=" + value + ";";
    fuzz::require(parameters.find("=a b&c;") != std::string::npos, "the workspace arrives");
  }
  return 0;
}
