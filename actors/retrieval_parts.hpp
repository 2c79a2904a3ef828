// What the two files of a retrieval supervisor share: retrieval_supervisor.cpp speaks with the
// client, retrieval_recall.cpp brings parts to where they can be read.
#pragma once

#include "actors/retrieval_supervisor.hpp"

namespace et::retrieving {

using self_pointer = retrieval_supervisor_actor::stateful_pointer<retrieval_supervisor_state>;
using part = retrieval_supervisor_state::part;
using part_state = retrieval_supervisor_state::part_state;

/// Null: it has ended.
part* find_part(self_pointer self, uint64_t number);
void part_failed(self_pointer self, uint64_t number, errc code, const std::string& text);
void part_ready(self_pointer self, uint64_t number);
/// Its node is lost: it is looked for again until that is back, or the client has had enough.
void wait_for_node(self_pointer self, uint64_t number, const std::string& text);
/// Begins whatever may be begun.
void go_on(self_pointer self);

/// Begins with a queued part: out of the cache that has it, else from tape.
void resolve(self_pointer self, uint64_t number);

}  // namespace et::retrieving
