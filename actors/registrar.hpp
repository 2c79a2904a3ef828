// The registrar: the only writer of the catalogue. Messages: registrar_actor in protocol.hpp and
// gated_registrar_actor in standby/standby_protocol.hpp.
#pragma once

#include <chrono>
#include <map>
#include <set>

#include "actors/standby/answer_gate.hpp"

namespace et {

struct registrar_state {
  static inline const char* name = "registrar";

  struct upload {
    caf::actor_addr owner;
    std::vector<std::string> roots;
    held_rule rule = held_rule::refuse;
    std::string requester;
    std::string request;  ///< what the client calls this put; may be empty
  };

  catalogue_store* store = nullptr;
  actors_ptr actors;
  uint64_t max_file_bytes = 0;
  int64_t audit_age_ns = 0;  ///< older audit records are forgotten
  std::chrono::steady_clock::time_point next_forget;
  std::map<batch_id, upload> uploads;
  std::set<batch_id> purging;     ///< removed and dropped batches whose keys are still there
  std::vector<batch_id> revived;  ///< found to be batches when they were to be purged
  bool purge_running = false;
  answer_gate gate;          ///< open while no standby counts
  bool alerts_held = false;  ///< alerts were raised that views do not show yet
  std::shared_ptr<standby_status> standby;

  /// Checks roots and maximum size, then adds what is left; errors carry the chunk's indexes.
  caf::expected<std::vector<entry_error>> add_chunk(batch_id id, const packed_page& page);
  /// Forgets a pending batch; its keys go in the background. False: it is a batch all the same,
  /// since its commit is in the catalogue although the service was told that it failed.
  bool drop(batch_id id);
  /// Deletes some keys; true when there is more to do.
  bool purge_some();
  /// Forgets some audit records that are too old at `now_ns`; true when there is more to do.
  bool forget_some(int64_t now_ns);
  /// Drops the uploads of a put that its client begins anew, in another session.
  void drop_earlier(const batch_record& draft);
  /// Uploads whose owner has gone are dropped.
  void owner_down(const caf::actor_addr& owner);
};

using registrar_pointer = gated_registrar_actor::stateful_pointer<registrar_state>;

/// `store` outlives the actor. Detached.
gated_registrar_actor::behavior_type registrar(registrar_pointer self, catalogue_store* store,
                                               actors_ptr actors, uint64_t max_file_bytes,
                                               uint32_t audit_days);
/// The same with a standby: `status` is told how things stand.
gated_registrar_actor::behavior_type registrar_with_standby(
    registrar_pointer self, catalogue_store* store, actors_ptr actors, uint64_t max_file_bytes,
    uint32_t audit_days, std::shared_ptr<standby_status> status);

/// True when `path` lies beneath `root`, both absolute and without `.` or `..` parts.
bool beneath(const std::string& path, const std::string& root);

/// Why a registered path cannot be taken, or an empty string: not absolute, `.`, `..` or empty
/// parts.
std::string path_fault(const std::string& path);

}  // namespace et
