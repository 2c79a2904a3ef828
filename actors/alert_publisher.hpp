// The alert publisher: makes alerts durable and tells the log. Messages: alert_publisher_actor in
// protocol.hpp.
#pragma once

#include "actors/protocol.hpp"

namespace et {

struct alert_publisher_state {
  static inline const char* name = "alert_publisher";
  actors_ptr actors;
  uint64_t published = 0;
  uint64_t lost = 0;  ///< could not be recorded; the log has them
};

alert_publisher_actor::behavior_type alert_publisher(
    alert_publisher_actor::stateful_pointer<alert_publisher_state> self, actors_ptr actors);

}  // namespace et
