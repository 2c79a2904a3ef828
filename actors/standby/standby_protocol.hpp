// The warm standby of the head: the catalogue_shipper on the head, the catalogue_follower on the
// standby, and what the registrar hears of them. Values and messages of both.
//
//   follower                     shipper                      registrar
//      | follow(position) ----------> |                           |
//      | <---------- grant (session)  |                           |
//      | <---------- chunk 1, 2, ...  | <------------- wake ----- |   after each write, coalesced
//      |  apply, fsync                |                           |
//      | ack(chunk, sequence) ------> | -- acknowledged --------> |   answers that waited leave
//
// At most `window` chunks are not acknowledged. A session sends a checkpoint or the log: behind the
// last chunk of a checkpoint the follower puts it into place and follows again.
#pragma once

#include <string>
#include <vector>

#include "actors/defaults.hpp"
#include "actors/protocol.hpp"
#include "storage/catalogue/catalogue_log.hpp"

namespace et {

namespace defaults {

/// Of a checkpoint or the log in one message, and messages that are not acknowledged.
constexpr size_t standby_chunk_bytes = 1024 * 1024;
constexpr uint64_t standby_window = 8;
/// The head waits so long for its standby before it goes on alone, or says that it waits.
constexpr auto standby_timeout = 10s;
/// Making a checkpoint, checksums included.
constexpr auto checkpoint_timeout = 30min;
/// The first and the longest wait of a standby before it looks for the head again.
constexpr auto standby_first_retry = 200ms;
constexpr auto standby_last_retry = 5s;
/// Of the catalogue's log, for a standby that was away.
constexpr uint64_t standby_log_bytes = uint64_t{2} << 30;

}  // namespace defaults

/// Who wants to follow, and where its copy is.
struct standby_position {
  std::string node;
  copy_position copy;
  epoch_record epoch;  ///< the highest that the node knows

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, standby_position& x) {
    return f(caf::meta::type_name("standby_position"), x.node, x.copy, x.epoch);
  }
};

/// How it is going to follow.
struct standby_grant {
  uint64_t session = 0;
  std::string head;  ///< the node's name
  bool anew = false;
  std::string why;                     ///< with a checkpoint: why not with the log
  std::vector<checkpoint_file> files;  ///< with a checkpoint: in the order of their bytes

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, standby_grant& x) {
    return f(caf::meta::type_name("standby_grant"), x.session, x.head, x.anew, x.why, x.files);
  }
};

/// The next bytes of a session's stream: files of a checkpoint one behind the other, or frames.
struct standby_chunk {
  uint64_t session = 0;
  uint64_t number = 0;  ///< from 1 without gaps
  bytes data;

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, standby_chunk& x) {
    return f(caf::meta::type_name("standby_chunk"), x.session, x.number, x.data);
  }
};

/// Everything up to a chunk is with the standby.
struct standby_ack {
  uint64_t session = 0;
  uint64_t number = 0;    ///< of the chunk
  uint64_t sequence = 0;  ///< durable up to this write; 0: of a checkpoint

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, standby_ack& x) {
    return f(caf::meta::type_name("standby_ack"), x.session, x.number, x.sequence);
  }
};

/// From the shipper to the registrar.
struct standby_report {
  enum class kind_type : uint8_t {
    acknowledged,  ///< the standby has everything up to `sequence`
    hold,          ///< from now on nothing is answered or shown that it does not have
    let_go,        ///< the head goes on alone
    told,          ///< nothing changes, there is only the alert
  };
  kind_type kind = kind_type::told;
  uint64_t sequence = 0;
  severity level = severity::info;
  std::string text;  ///< of the alert; empty: none

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, standby_report& x) {
    return f(caf::meta::type_name("standby_report"), x.kind, x.sequence, x.level, x.text);
  }
};

}  // namespace et

CAF_BEGIN_TYPE_ID_BLOCK(standby, caf::first_custom_type_id + 500)

CAF_ADD_TYPE_ID(standby, (et::copy_position))
CAF_ADD_TYPE_ID(standby, (et::epoch_record))
CAF_ADD_TYPE_ID(standby, (et::checkpoint_file))
CAF_ADD_TYPE_ID(standby, (std::vector<et::checkpoint_file>))
CAF_ADD_TYPE_ID(standby, (et::standby_position))
CAF_ADD_TYPE_ID(standby, (et::standby_grant))
CAF_ADD_TYPE_ID(standby, (et::standby_chunk))
CAF_ADD_TYPE_ID(standby, (et::standby_ack))
CAF_ADD_TYPE_ID(standby, (et::standby_report))
CAF_ADD_TYPE_ID(standby, (et::standby_report::kind_type))

CAF_ADD_ATOM(standby, et, follow_atom, "follow")
CAF_ADD_ATOM(standby, et, chunk_atom, "chunk")
CAF_ADD_ATOM(standby, et, ack_atom, "ack")
CAF_ADD_ATOM(standby, et, counted_atom, "counted")
CAF_ADD_ATOM(standby, et, anew_atom, "anew")
CAF_ADD_ATOM(standby, et, wake_atom, "wake")
CAF_ADD_ATOM(standby, et, gate_atom, "gate")
CAF_ADD_ATOM(standby, et, attach_atom, "attach")
CAF_ADD_ATOM(standby, et, sync_atom, "sync")
CAF_ADD_ATOM(standby, et, fence_atom, "fence")
CAF_ADD_ATOM(standby, et, checkpoint_atom, "checkpoint")

CAF_END_TYPE_ID_BLOCK(standby)

namespace et {

/// The registrar as the shipper knows it: both on the head.
using gated_registrar_actor = registrar_actor::extend<
    // What the standby has.
    handles<void(gate_atom, standby_report)>,
    // A shipper, which from now on gets `wake` after writes.
    handles<void(attach_atom, caf::strong_actor_ptr)>>;

/// Sends the catalogue to its standby. On the head, detached.
using catalogue_shipper_actor = reporting_actor::extend<
    // From a catalogue_follower, which gets the chunks. A new session ends the one before. Errors:
    // not_authorised when the node is not the standby; unavailable when the position knows a
    // higher epoch: this head stops.
    handles<standby_grant(follow_atom, standby_position)>,
    // From the follower of the session; others are ignored.
    handles<void(ack_atom, standby_ack)>,
    // There are new writes (from the registrar); time has passed (to itself).
    handles<void(wake_atom)>, handles<void(tick_atom)>,
    // Another node is the head since this epoch: stops at once.
    handles<void(fence_atom, epoch_record)>>;

/// Keeps the copy on the standby. Detached.
using catalogue_follower_actor = reporting_actor::extend<
    // From the shipper, of a session.
    handles<void(chunk_atom, standby_chunk)>,
    // Of a session: whether the head waits for this standby before it answers.
    handles<void(counted_atom, uint64_t, bool)>,
    // Of a session: it cannot go on, a new one is to begin; and why.
    handles<void(anew_atom, uint64_t, std::string)>,
    // The head's catalogue_shipper, over a link that the head has; null: that link has ended.
    handles<void(attach_atom, caf::strong_actor_ptr)>,
    // Makes what was applied durable, and looks for the head (to itself).
    handles<void(sync_atom)>, handles<void(tick_atom)>,
    // Makes the copy the catalogue of a head, in a new epoch, durably, and follows no more; with
    // true also when the head is connected or the copy may lack something. Errors: unavailable,
    // not_found when there is no copy yet.
    handles<epoch_record(promote_atom, bool)>,
    // The head that it follows or last followed (empty: none yet), and the epoch it knows.
    handles<std::string(nodes_atom)>, handles<epoch_record(fence_atom)>>;

}  // namespace et
