// An alert courier: brings alerts to one target, in order, at least once each. It reads them from
// the catalogue behind the number that has been delivered, which is moved on after a delivery only.
// Nobody waits for it. Messages: alert_courier_actor in protocol.hpp.
#pragma once

#include <atomic>
#include <deque>

#include "actors/alert_transport.hpp"
#include "actors/protocol.hpp"
#include "storage/os/clock.hpp"

namespace et {

struct courier_options {
  alert_target target;
  uint64_t delivered = 0;  ///< the last alert that need not be brought any more
  transport_limits limits;
  std::chrono::milliseconds first_retry = defaults::alert_first_retry;
  std::chrono::milliseconds last_retry = defaults::alert_last_retry;
  std::function<double()> random;  ///< numbers from 0 to below 1
  const wall_clock* clock = &system_clock();
  std::shared_ptr<std::atomic<bool>> rung;  ///< see courier_entry
};

struct alert_courier_state {
  static inline const char* name = "alert_courier";

  courier_options options;
  actors_ptr actors;
  std::unique_ptr<alert_transport> transport;
  std::unique_ptr<retry_schedule> schedule;
  std::deque<alert_record> queue;  ///< one page at most
  uint64_t read_to = 0;            ///< the last alert looked at
  bool reading = false;
  bool again = false;    ///< new alerts came while reading
  bool waiting = false;  ///< for a tick
  bool gone = false;     ///< the target wants nothing any more
  uint64_t delivered = 0;
  uint64_t given_up = 0;
  std::string trouble;  ///< why the last delivery failed
};

/// Detached: a delivery blocks.
alert_courier_actor::behavior_type alert_courier(
    alert_courier_actor::stateful_pointer<alert_courier_state> self, actors_ptr actors,
    courier_options options);

}  // namespace et
