// Where clients come in: listens on a UNIX socket, and on a TCP port for clients of other machines
// (remote_door.hpp), learns who connects, and starts a session
// process for each, which alone speaks with the client. Nothing that a client sends reaches the
// service's actors but checked requests of its session to its session_port.
//
// Before the framework's protocol, one line each way:
//   client: ELASTICTAPE 1        the version of this opening
//   door:   ok                   a session has been started; it speaks from here on. With this
//                                line comes a descriptor: the client's end of its descriptor
//                                channel
//        or no REASON            and the connection is closed
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "actors/administrators.hpp"
#include "actors/atoms.hpp"
#include "actors/audit.hpp"
#include "actors/credentials.hpp"
#include "actors/defaults.hpp"
#include "actors/descriptor_channel.hpp"

namespace et {

constexpr std::string_view door_greeting = "ELASTICTAPE 1\n";
/// Longest answer of the door, in bytes.
constexpr size_t max_door_answer_bytes = 256;
/// Under which a session with a ticket is counted: nobody.
constexpr uint32_t ticket_uid = 65'534;

class front_door {
 public:
  /// Clients of other machines. Limits are those of connections, before a session begins.
  struct remote_options {
    std::string listen;       ///< HOST:PORT
    std::string certificate;  ///< PEM file with its chain
    std::string key;          ///< PEM file, mode 0600
    std::shared_ptr<credential_checker> checker;
    /// The actor behind a ticket, or nullptr when it is not good; may be empty. Called on the
    /// door's thread; must not block.
    std::function<caf::strong_actor_ptr(const std::string& ticket, uint64_t session_number)>
        ticket_port;
    size_t max_waiting = 256;  ///< have said nothing, or wait for a process; the oldest goes
    size_t max_waiting_per_address = 96;
    size_t max_unknown = 32;  ///< have a process and are not known yet
    size_t max_unknown_per_address = 16;
    size_t max_sessions_per_address = 64;
    /// How often is looked whether a session's token is still there.
    std::chrono::milliseconds recheck_period = std::chrono::seconds{30};
  };

  struct options {
    std::string socket;                         ///< path; at most 107 bytes
    std::string executable = "/proc/self/exe";  ///< started as `EXECUTABLE session`
    administrator_list administrators;
    size_t max_sessions = defaults::max_sessions;
    size_t max_sessions_per_user = defaults::max_sessions_per_user;
    size_t max_waiting = 256;  ///< connections that have not said their line; the oldest goes
    std::chrono::milliseconds handshake_timeout = defaults::handshake_timeout;
    std::chrono::milliseconds session_idle_timeout = defaults::session_idle_timeout;
    /// Opened and closed with each session; null: clients get no descriptors.
    std::shared_ptr<descriptor_channels> channels;
    /// Gets a record of every login, with a bounded number of those refused. On the door's thread;
    /// must not block. May be empty.
    std::function<void(audit_record)> audit;
    std::optional<remote_options> remote;  ///< nothing: clients of this machine only
  };

  /// Makes the one actor that a session may speak to (interface client_actor), or nullptr to
  /// refuse. Called on the door's thread; must not block. The actor is ended with user_shutdown
  /// when the session ends.
  using port_factory =
      std::function<caf::strong_actor_ptr(const identity& who, uint64_t session_number)>;

  /// One session, for the inspector.
  struct session_facts {
    uint64_t number = 0;
    std::string user;
    uint32_t uid = 0;
    int process = 0;
    std::chrono::steady_clock::time_point since;
  };

  /// Begins to listen; every user may connect. A socket left by a dead service is replaced. Errors:
  /// locked when another service listens there; invalid_argument (path, address, certificate, key);
  /// io_error; unavailable (the port).
  static caf::expected<std::unique_ptr<front_door>> open(caf::actor_system& system, options opts,
                                                         port_factory factory);
  ~front_door();

  /// Ends listening and every session, collects their processes, removes the socket. The actor
  /// system must still be there.
  void stop();

  /// HOST:PORT where clients of other machines connect; empty: nowhere. Any thread.
  std::string remote_address() const;

  /// The sessions of now. Any thread.
  std::vector<session_facts> sessions() const;

 private:
  class door;
  explicit front_door(std::unique_ptr<door> inner);
  std::unique_ptr<door> door_;
};

}  // namespace et
