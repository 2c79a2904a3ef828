// What clients have been told, and so what has to hold whatever crashed since.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace et::crash {

struct told_batch {
  size_t tree = 0;
  bool safe = false;          ///< a client was told so
  bool remove_asked = false;  ///< from then on it may be gone
  bool removed = false;       ///< a client was told so
};

/// Made of marks, one for each thing that happened at a client, in their order:
///   put TREE              about to be asked
///   printed TREE BATCH    its id was printed
///   safe BATCH            told to be safe
///   remove BATCH          about to be asked
///   removed BATCH         told to be removed
class ledger {
 public:
  void note(const std::string& mark);
  void note(const std::vector<std::string>& marks) {
    for (const auto& mark : marks) note(mark);
  }

  const std::map<uint64_t, told_batch>& batches() const { return batches_; }
  /// Whether a put of this tree was begun.
  bool asked(size_t tree) const { return asked_.contains(tree); }

 private:
  std::map<uint64_t, told_batch> batches_;
  std::set<size_t> asked_;
};

}  // namespace et::crash
