#include "storage/types.hpp"

#include <cstdio>

namespace et {

std::string to_string(const aggregation_id& id) {
  return std::to_string(id.batch.value) + "." + std::to_string(id.number);
}

const char* to_string(state s) {
  switch (s) {
    case state::registered:
      return "REGISTERED";
    case state::cached:
      return "CACHED";
    case state::cached_synced:
      return "CACHED_SYNCED";
    case state::synced:
      return "SYNCED";
    case state::failed:
      return "FAILED";
  }
  return "UNKNOWN";
}

std::string to_string(const file_checksum& sum) {
  char text[33];
  std::snprintf(text, sizeof text, "%016llx%016llx", static_cast<unsigned long long>(sum.high),
                static_cast<unsigned long long>(sum.low));
  return text;
}

}  // namespace et
