// What the catalogue has written, in its order, for a copy of it elsewhere.
#pragma once

#include <cstdint>

#include "storage/catalogue/database.hpp"

namespace et {

class catalogue_log {
 public:
  explicit catalogue_log(database& db) : db_(db) {}

  /// The number of the last write; it grows with each. Any thread.
  uint64_t sequence() const { return db_.raw().GetLatestSequenceNumber(); }

 private:
  database& db_;
};

}  // namespace et
