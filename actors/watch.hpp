// Watching an actor whose address may be older than its end, and which may live longer.
#pragma once

#include <caf/default_attachable.hpp>

#include "actors/caf_compat.hpp"

namespace et {

/// Monitors `whom` until one of the two has ended; false: `whom` has, and no down message comes.
/// The framework's own monitor() takes an address for the actor, also where nothing is left of that
/// but the address, and ends the process with a call of a virtual function that is no more. And it
/// keeps the memory of `self` for as long as `whom` lives, however early `self` ends.
template <class Self>
[[nodiscard]] bool watch(Self* self, const caf::actor_addr& whom) {
  auto held = caf::actor_cast<caf::strong_actor_ptr>(whom);
  if (!held) return false;
  self->monitor(held);
  self->attach_functor([whom, own = self->address()] {
    auto still = caf::actor_cast<caf::strong_actor_ptr>(whom);
    if (!still) return;
    caf::default_attachable::observe_token mine{own, caf::default_attachable::monitor};
    still->get()->detach(mine);
  });
  return true;
}

}  // namespace et
