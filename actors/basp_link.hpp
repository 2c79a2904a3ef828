// Joins two nodes of the actor framework over a descriptor that we have accepted and vetted
// ourselves. The framework's own ports are never opened.
#pragma once

#include <caf/io/all.hpp>
#include <chrono>
#include <set>
#include <string>

#include "actors/caf_compat.hpp"
#include "actors/link_check.hpp"
#include "storage/os/file.hpp"

namespace et {

/// The interface of a typed actor, as peers compare it.
template <class Handle>
std::set<std::string> interface_of(caf::actor_system& system) {
  return system.message_types<Handle>();
}

/// The name of a node as it stands in frames.
node_bytes wire_node(const caf::node_id& node);

/// Gives the peer behind the stream socket `fd` the actor `whom`. The peer can reach every other
/// actor of this process as well unless something in front of `fd` (link_pump) keeps it from that.
/// When the link ends the framework closes `fd`; nobody is told. Error: io_error, `fd` is closed.
caf::error publish_over(caf::actor_system& system, unique_fd fd, caf::strong_actor_ptr whom,
                        std::set<std::string> interface);

/// The actor that the peer behind the stream socket `fd` published, untyped, and its interface.
/// Blocks at most `timeout`. Errors: io_error; timeout; unavailable when the peer closes the link;
/// protocol when it speaks another version. `fd` is closed then.
struct remote_actor_info {
  caf::node_id node;
  caf::strong_actor_ptr actor;
  std::set<std::string> interface;
};
caf::expected<remote_actor_info> connect_untyped(caf::actor_system& system, unique_fd fd,
                                                 std::chrono::milliseconds timeout);

/// connect_untyped() for a typed handle. Errors besides: protocol when the published actor does not
/// have the interface of `Handle`.
template <class Handle>
caf::expected<Handle> connect_over(caf::actor_system& system, unique_fd fd,
                                   std::chrono::milliseconds timeout) {
  auto found = connect_untyped(system, std::move(fd), timeout);
  if (!found) return found.error();
  for (const auto& message : interface_of<Handle>(system))
    if (found->interface.count(message) == 0)
      return fail(errc::protocol,
                  "the other side is of another version: it does not know " + message);
  return caf::actor_cast<Handle>(found->actor);
}

/// To be called when our end of a link's inner descriptor has been closed, and before the same node
/// may greet over another link: waits, for a bounded time, until the framework has noticed. A node
/// that it meets again before that is lost to it when it notices the end of the first link.
void settle_closed_link(caf::actor_system& system);

/// The framework makes a helper actor for each node that it meets, and keeps it for ever (0.17:
/// over a kilobyte for each process that was ever connected). Those of nodes without a link are
/// ended and forgotten, soon. publish_over() does this too, so they are bounded by the links.
void forget_ended_nodes(caf::actor_system& system);

/// To be called between the end of actors that peers know and that of the system: waits, for a
/// bounded time, until the framework has taken note that they ended. A note that it does not get to
/// keeps a detached actor in memory, for whose thread the end of the system waits for ever.
void settle_links(caf::actor_system& system);

}  // namespace et
