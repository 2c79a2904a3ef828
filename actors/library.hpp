// The library: inventory and moves. Messages: library_actor in protocol.hpp.
#pragma once

#include "actors/protocol.hpp"
#include "storage/tape/changer.hpp"

namespace et {

struct library_state {
  static inline const char* name = "library";
  tape::changer* changer = nullptr;
  uint64_t moves = 0;

  caf::expected<library_inventory> inventory();
  caf::error mount(const barcode& volume, uint32_t drive);
  caf::error dismount(uint32_t drive);
};

/// `changer` outlives the actor. Detached.
library_actor::behavior_type library(library_actor::stateful_pointer<library_state> self,
                                     tape::changer* changer);

}  // namespace et
