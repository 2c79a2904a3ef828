// The framework's configuration of our three kinds of process.
#pragma once

#include <chrono>
#include <cstddef>

#include "actors/caf_compat.hpp"

namespace et {

/// Version of the messages between client, session and service. A client of another version is
/// refused while it connects.
constexpr int protocol_version = 5;

/// What differs between service, session and client.
struct node_options {
  /// Threads that run actors.
  size_t threads = 1;
  /// Tasks that decode messages of peers; 0 decodes in the one thread that also moves the bytes.
  size_t decoders = 1;
  /// How often peers are told that we live, and after which silence they count as lost; 0: never.
  /// Needed for peers on other hosts. Over UNIX sockets the kernel tells when a peer has gone, and
  /// a client stopped by ^Z must not lose its session.
  std::chrono::milliseconds heartbeat{0};
  std::chrono::milliseconds silence{0};
};

/// A configuration for an actor_system that speaks with peers over basp_link: knows our messages
/// and errors, reads no file, logs nothing, has no idle wake-ups.
class node_config : public caf::actor_system_config {
 public:
  explicit node_config(const node_options& options);
};

/// Options of a service with this many actor threads.
node_options service_node(size_t threads);
/// Options of a session process or a client: the fewest threads.
node_options short_lived_node();

}  // namespace et
