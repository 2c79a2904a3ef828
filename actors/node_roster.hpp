// The nodes that hold or read data, as the actors of this node know them: where handles of other
// nodes' actors are found. A handle stays the same for as long as this process lives, also while
// its node is lost: requests fail with `node_lost` then.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "actors/protocol.hpp"

namespace et {

/// What a node says of itself with every sign of life.
struct node_load {
  uint64_t free_bytes = 0;  ///< of its cache
  uint64_t jobs = 0;        ///< that wait for its cache or are being filled

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, node_load& x) {
    return f(caf::meta::type_name("node_load"), x.free_bytes, x.jobs);
  }
};

struct storage_node {
  std::string name;
  std::string version;             ///< of its program
  std::vector<std::string> roles;  ///< head, io, source, standby
  std::vector<std::string> roots;  ///< beneath which it sees files
  std::string clients;      ///< HOST:PORT where it listens for clients with tickets; empty: not
  std::string fingerprint;  ///< SHA-256 of the public key that it shows there
  bool up = false;
  int64_t since_ns = 0;       ///< that it is up or lost
  cache_keeper_actor keeper;  ///< null: it has no cache
  std::vector<cache_reader_actor> cache_readers;
  std::vector<cache_writer_actor> writers;  ///< none: it reads no sources
  std::vector<tape_drive_actor> drives;
  library_actor library;        ///< null: it has none
  ticket_office_actor tickets;  ///< null: it has no cache
  inspector_actor inspector;    ///< null: this node
};

/// Any thread.
class node_roster {
 public:
  using entry = std::shared_ptr<const storage_node>;

  void put(storage_node node);
  /// Null: there is none of that name.
  entry find(const std::string& name) const;
  /// By name.
  std::vector<entry> all() const;

  void set_load(const std::string& name, const node_load& load);
  node_load load(const std::string& name) const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, entry> nodes_;
  std::map<std::string, node_load> loads_;
};

}  // namespace et
