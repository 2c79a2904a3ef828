// Watching an actor whose address may be older than its end.
#pragma once

#include "actors/caf_compat.hpp"

namespace et {

/// Monitors `whom`; false: it has ended, and no down message comes. The framework's own monitor()
/// takes an address for the actor, also where nothing is left of that but the address, and ends the
/// process with a call of a virtual function that is no more.
template <class Self>
[[nodiscard]] bool watch(Self* self, const caf::actor_addr& whom) {
  auto held = caf::actor_cast<caf::strong_actor_ptr>(whom);
  if (!held) return false;
  self->monitor(held);
  return true;
}

}  // namespace et
