// A session port: the only actor a session can reach. Authorises each command for the identity that
// was bound to it at accept, and does it with the service's actors. Messages: client_actor in
// protocol_client.hpp.
#pragma once

#include <functional>
#include <map>

#include "actors/audit.hpp"
#include "actors/protocol.hpp"

namespace et {

/// Refused commands of one session that have a record each, a minute; the rest is counted.
constexpr uint64_t audit_refusals_per_minute = 20;

/// Keeps the hash of a join token until it expires. Any thread; may wait for the disk.
using join_token_keeper = std::function<caf::error(const std::string& hash, int64_t expires_ns)>;

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

  join_token_keeper keep_join_token;  ///< null: this service is not the head of a cluster
  bool keeps_join_token = false;      ///< one is on its way to the disk

  /// Whether the identity may act on the workspace.
  bool may_use(const workspace_record& workspace) const;
};

client_actor::behavior_type session_port(client_actor::stateful_pointer<session_port_state> self,
                                         actors_ptr actors, identity who, uint64_t session,
                                         uint64_t max_file_bytes,
                                         join_token_keeper keep_join_token);

}  // namespace et
