// A session_port that holds no data: answers every message of client_actor in the simplest way.
#pragma once

#include "actors/protocol_client.hpp"

namespace et {

/// hello answers with the identity; put_begin in workspace `wait` never, in others with not_found;
/// put_chunk with one error whose index is the number of bytes that came; get_data with that many
/// bytes of the value of its offset; everything else with an empty value.
client_actor::behavior_type dummy_port(client_actor::pointer self, identity who);

}  // namespace et
