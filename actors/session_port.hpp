// A session port: the only actor a session can reach. Authorises each command for the identity that
// was bound to it at accept, and does it with the service's actors. Messages: client_actor in
// protocol_client.hpp.
#pragma once

#include <map>

#include "actors/audit.hpp"
#include "actors/protocol.hpp"

namespace et {

/// Refused commands of one session that have a record each, a minute; the rest is counted.
constexpr uint64_t audit_refusals_per_minute = 20;

struct session_port_state {
  static inline const char* name = "session_port";
  actors_ptr actors;
  identity who;  ///< no administrator when it is bound to a workspace
  uint64_t session = 0;
  std::map<uint64_t, batch_id> uploads;
  uint64_t next_upload = 1;
  uint64_t max_file_bytes = 0;
  refusal_meter refusals{audit_refusals_per_minute};  ///< that have a record
  std::map<retrieval_id, retrieval_supervisor_actor> retrievals;

  /// Whether the identity may act on the workspace.
  bool may_use(const workspace_record& workspace) const;
};

client_actor::behavior_type session_port(client_actor::stateful_pointer<session_port_state> self,
                                         actors_ptr actors, identity who, uint64_t session,
                                         uint64_t max_file_bytes);

}  // namespace et
