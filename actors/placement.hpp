// Decides which node reads the files of an aggregation and whose cache takes it. A decision,
// without actors.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "storage/catalogue/records.hpp"

namespace et {

/// What is known of a node at the moment.
struct place_facts {
  std::string node;
  bool has_cache = false;
  bool reads_sources = false;
  std::vector<std::string> roots;  ///< beneath which it sees files
  uint64_t free_bytes = 0;         ///< of its cache
  uint64_t jobs = 0;               ///< that wait for its cache or are being filled
};

struct placement {
  std::string cache;   ///< the node whose cache takes it
  std::string reader;  ///< the node that reads the files; empty: the same
};

/// Whether `path` lies beneath one of `roots`.
bool is_beneath(const std::string& path, const std::vector<std::string>& roots);

/// `nodes` are those that are up. A cache on a node that sees the files is best, since its bytes
/// need not travel; of these, and else of all, the one with room for `size_bytes` and the fewest
/// jobs. nullopt: no node sees all the files, or there is no cache; `why` says which.
std::optional<placement> place(const std::vector<place_facts>& nodes,
                               const std::vector<file_entry>& entries, uint64_t size_bytes,
                               std::string& why);

}  // namespace et
