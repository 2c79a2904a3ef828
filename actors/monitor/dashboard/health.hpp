// Whether the service is well, in words: decided from the live picture alone.
#pragma once

#include <string>
#include <vector>

#include "actors/monitor/live.hpp"

namespace et::monitor {

/// Whether a cartridge is in the library, in a slot or a drive.
inline bool is_here(const live_volume& volume) {
  return volume.present || volume.drive >= 0;
}

/// Something that an operator should look at.
struct finding {
  severity level = severity::warning;
  std::string text;
  std::string address;  ///< of the page that tells more
};

/// What is wrong, worst first; empty: all is well. Speaks of nothing that is not in the picture.
std::vector<finding> findings(const live_state& state);

/// What becomes of the aggregations of a batch now, in words; empty when nothing of it is in
/// motion.
std::string what_happens(const batch_record& batch, const live_state& state);

}  // namespace et::monitor
