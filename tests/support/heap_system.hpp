// An actor system that is not on a stack.
#pragma once

#include <caf/all.hpp>
#include <memory>

namespace et::test {

/// The framework's threads use a mutex of their system at their very end, which ThreadSanitizer
/// takes for locked then. It forgets that with memory that is given back, but not with a stack,
/// where the next mutex at that address would look locked. docs/sanitizers.md
using heap_system = std::unique_ptr<caf::actor_system>;

inline heap_system make_system(caf::actor_system_config& config) {
  return std::make_unique<caf::actor_system>(config);
}

}  // namespace et::test
