// What a client of a standby can ask: to promote it, and how it is. Everything else is answered
// with where the head is.
#pragma once

#include "actors/messages.hpp"
#include "actors/protocol_client.hpp"
#include "actors/standby/standby_protocol.hpp"

namespace et {

struct standby_port_options {
  std::string node;
  catalogue_follower_actor follower;
  inspector_actor inspector;         ///< of the node; may be null
  caf::strong_actor_ptr membership;  ///< of the node; null: none
  /// The copy was promoted: the process is to go on as the head. Called when the client has heard
  /// so and left, or a moment later, from another actor's thread; again if it is asked for again.
  std::function<void()> on_promoted;
};

/// One for each session; `who` is bound to it.
client_actor::behavior_type standby_port(client_actor::pointer self, const identity& who,
                                         const standby_port_options& options);

}  // namespace et
