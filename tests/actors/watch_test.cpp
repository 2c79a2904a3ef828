// Watching actors, in the framework's scheduler for tests.

#include "actors/watch.hpp"

#include <catch2/catch.hpp>

#include "actors/atoms.hpp"
#include "tests/actors/stepped_system.hpp"

using namespace et;

namespace {

struct setting : test::stepped_system {
  caf::actor spawn_idle() {
    return system.spawn(
        [](caf::event_based_actor*) -> caf::behavior { return {[](tick_atom) {}}; });
  }
  /// One that watches `whom`: counts in `downs`, or sets `refused`.
  caf::actor spawn_watcher(const caf::actor_addr& whom) {
    auto made = system.spawn([=, this](caf::event_based_actor* self) -> caf::behavior {
      self->set_down_handler([this](caf::down_msg&) { ++downs; });
      refused = !watch(self, whom);
      return {[](tick_atom) {}};
    });
    turns.run();
    return made;
  }

  size_t downs = 0;
  bool refused = false;
};

/// How many hold the memory of `one`, which has ended.
size_t holders(const caf::weak_actor_ptr& one) { return one.get()->weak_refs; }

}  // namespace

TEST_CASE("watch: nothing of an actor that has ended is kept by those it watched") {
  setting s;
  auto long_lived = s.spawn_idle();
  auto watcher = s.spawn_watcher(long_lived.address());
  auto kept = caf::actor_cast<caf::weak_actor_ptr>(watcher);
  s.end(watcher);
  CHECK(holders(kept) == 1);  // `kept` itself
  s.end(long_lived);
  CHECK(s.downs == 0);
}

TEST_CASE("watch: the end of the one that is watched is heard, also when that has been") {
  setting s;
  auto first = s.spawn_idle();
  auto address = first.address();
  auto watcher = s.spawn_watcher(address);
  CHECK(!s.refused);
  s.end(first);
  CHECK(s.downs == 1);
  auto late = s.spawn_watcher(address);
  CHECK(s.refused);
  for (auto one : {&watcher, &late}) s.end(*one);
  CHECK(s.downs == 1);
}
