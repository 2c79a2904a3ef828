// What clients know: the files that they put, what the service has told them, and so what it must
// keep.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "storage/catalogue/records.hpp"
#include "tests/simulation/dice.hpp"

namespace et::simulation {

/// A file as its owner made it. Its content follows from `content`.
struct true_file {
  file_entry entry;
  uint64_t content = 0;
  bool safe = false;      ///< the service has said so
  bool tampered = false;  ///< its source was changed after it was put
};

struct true_batch {
  batch_id id;
  std::string workspace;
  std::map<std::string, true_file> files;
  bool cancelled = false;  ///< or it may be
  bool removed = false;    ///< or it may be
};

/// Bytes [begin, begin + size) of a content.
bytes content_of(uint64_t content, uint64_t begin, uint64_t size);

struct truth {
  std::map<batch_id, true_batch> batches;
  std::map<std::string, uint64_t> quotas;
  std::set<barcode> damaged;            ///< a byte of it has changed
  std::set<aggregation_id> spoilt;      ///< a byte of it has changed in a cache
  std::vector<std::string> violations;  ///< of what the service promises
  uint64_t puts = 0;
  uint64_t gets = 0;
  uint64_t removes = 0;
  uint64_t cancels = 0;
  uint64_t read_files = 0;  ///< whose bytes were compared

  void violated(std::string what) { violations.push_back(std::move(what)); }
};

}  // namespace et::simulation
