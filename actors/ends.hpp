// How a stop waits until actors have ended, with threads and without (actors/blocking.hpp).
#pragma once

#include <memory>
#include <vector>

#include "actors/blocking.hpp"

namespace et {

/// Waits until all of them have ended; they have been told to.
inline void wait_for_ends(caf::scoped_actor& self, const std::vector<caf::actor>& list) {
  auto* thread = one_thread_of(self->system());
  if (!thread) return self->wait_for(list);
  auto left = std::make_shared<size_t>(list.size());
  for (auto& one : list)
    caf::actor_cast<caf::abstract_actor*>(one)->attach_functor([left] { --*left; });
  while (*left > 0) thread->turn();
}

}  // namespace et
