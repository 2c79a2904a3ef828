// What RocksDB does in the background, done by the one thread when it is told to: with threads of
// its own, what is on the disk at a power loss would not follow from the seed.
#pragma once

#include <cstddef>

namespace et::simulation {

/// Jobs that wait.
size_t engine_work();
/// Does the first of them; outside of every call of RocksDB.
void do_engine_work();

}  // namespace et::simulation
