// The actor that a client speaks with: passes requests on to the session's port in the service and
// the answers back. It has no authority and keeps nothing but a count.
#pragma once

#include "actors/protocol_client.hpp"

namespace et {

struct gateway_state {
  client_actor port;
  size_t under_way = 0;
};

/// Answers like `port`, with the port's errors; limit_reached when max_requests_per_session are
/// under way, timeout after client_timeout. Ends when `port` does.
client_actor::behavior_type gateway(client_actor::stateful_pointer<gateway_state> self,
                                    client_actor port);

}  // namespace et
