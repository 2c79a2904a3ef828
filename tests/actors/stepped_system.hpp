// An actor system in which nothing happens by itself.
#pragma once

#include <caf/scheduler/test_coordinator.hpp>

#include "actors/node_config.hpp"

namespace et::test {

/// Actors have their turns, and time passes, when `turns` is told so.
class stepped_system {
  struct config_type : node_config {
    config_type() : node_config(service_node(1)) {
      set("scheduler.policy", caf::atom("testing"));
    }
  };
  config_type config_;

 public:
  caf::actor_system system{config_};
  caf::scheduler::test_coordinator& turns =
      dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler());

  /// Ends `one`, which may be the last that holds it.
  void end(caf::actor& one) {
    caf::anon_send_exit(one, caf::exit_reason::user_shutdown);
    one = nullptr;
    turns.run();
  }
};

}  // namespace et::test
