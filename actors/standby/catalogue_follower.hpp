// Keeps the copy of the catalogue on the standby. Messages: catalogue_follower_actor in
// standby_protocol.hpp.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>

#include "actors/standby/node_role.hpp"
#include "actors/standby/standby_protocol.hpp"
#include "storage/catalogue/catalogue_copy.hpp"

namespace et {

struct follower_options {
  std::string node;             ///< this one's name
  std::filesystem::path state;  ///< the copy is STATE/catalogue
  catalogue_store::options catalogue;
  /// The head's catalogue_shipper, over a link made now when there is none. May block for a while:
  /// the follower has a thread of its own. Error: why not. Empty: the head attaches its shipper.
  std::function<caf::expected<catalogue_shipper_actor>()> connect;
  std::chrono::milliseconds first_retry = defaults::standby_first_retry;
  std::chrono::milliseconds last_retry = defaults::standby_last_retry;
};

struct follower_state {
  static inline const char* name = "catalogue_follower";

  follower_options options;
  std::optional<epoch_file> epochs;
  std::unique_ptr<catalogue_copy> copy;  ///< null: none yet, or promoted

  caf::strong_actor_ptr attached;   ///< the shipper, as the head said; null: it did not
  catalogue_shipper_actor shipper;  ///< null: no link
  std::string head;
  std::optional<uint64_t> session;
  std::unique_ptr<checkpoint_receiver> receiver;  ///< not null: a checkpoint comes
  uint64_t received = 0;                          ///< chunks of the session
  bool unsynced = false;                          ///< a sync is on its way through the mailbox
  bool following = false;                         ///< a request to follow is under way
  bool ticking = false;
  bool promoted = false;
  /// The head waited for this standby when it was heard last: nothing that it acknowledged can be
  /// missing here, unless it went on alone later.
  bool counted = false;
  int64_t heard_ns = 0;  ///< when anything came from the head last; 0: never
  std::chrono::milliseconds retry{0};
  std::string trouble;  ///< why there is no link, as logged last
  uint64_t received_bytes = 0;
};

/// Detached. Opens the copy, when there is one, and looks for the head at once. The state folder
/// exists, and nobody else uses it.
catalogue_follower_actor::behavior_type catalogue_follower(
    catalogue_follower_actor::stateful_pointer<follower_state> self, follower_options options);

}  // namespace et
