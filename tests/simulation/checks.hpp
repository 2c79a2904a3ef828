// What must be true of a site that has come to rest, by its catalogue and its cartridges.
#pragma once

#include "tests/simulation/site.hpp"
#include "tests/simulation/truth.hpp"

namespace et::simulation {

/// Batches that are neither safe nor failed; 0: everything has ended.
size_t unfinished(site& of, const truth& known);

/// Adds to known.violations:
///  - a batch that has not ended, or a file that failed for no reason that a client gave;
///  - a workspace whose use is not the sum of what it holds;
///  - a copy in the catalogue that is not on its cartridge as the catalogue says, byte by byte, or
///    that overlaps another;
///  - a file that was called safe and is not on a cartridge with the bytes that were put.
void check_at_rest(site& of, truth& known);

}  // namespace et::simulation
