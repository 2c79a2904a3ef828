// The payload of a client's message: accepted is only what the framework reads to its end.
#include "actors/payload_check.hpp"

#include <caf/binary_deserializer.hpp>

#include "actors/node_config.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace et;

namespace {

/// As the framework does it once a payload has passed.
bool is_read(std::span<const uint8_t> payload) {
  // They stay: at exit the framework's own globals would go first.
  static auto& config = *new node_config{short_lived_node()};
  static auto& system = *new caf::actor_system{config};
  caf::binary_deserializer source{system, reinterpret_cast<const char*>(payload.data()),
                                  payload.size()};
  std::vector<caf::strong_actor_ptr> stages;
  caf::message message;
  return !source(stages, message) && source.remaining() == 0 && !message.empty();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::span<const uint8_t> payload{data, size};
  if (!is_message_of(client_shapes(), payload)) return 0;
  fuzz::require(is_read(payload), "what passes can be read");
  // A byte less, or one more, is not that message.
  fuzz::require(!is_message_of(client_shapes(), payload.first(size - 1)), "nothing is missing");
  std::vector<uint8_t> longer{payload.begin(), payload.end()};
  longer.push_back(0);
  fuzz::require(!is_message_of(client_shapes(), longer), "nothing is behind it");
  return 0;
}
