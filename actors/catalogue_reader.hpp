// A catalogue reader: pages from snapshots. Messages: catalogue_reader_actor in protocol.hpp.
#pragma once

#include "actors/protocol.hpp"

namespace et {

struct catalogue_reader_state {
  static inline const char* name = "catalogue_reader";
  catalogue_store* store = nullptr;
  uint64_t pages = 0;

  caf::expected<packed_page> list_files(batch_id id, const std::string& after);
  caf::expected<packed_page> find_files(workspace_id workspace, batch_id only,
                                        const packed_page& paths);
  caf::expected<found_page> find(workspace_id workspace, const find_query& query);
};

/// `store` outlives the actor. Detached; any number of them.
catalogue_reader_actor::behavior_type catalogue_reader(
    catalogue_reader_actor::stateful_pointer<catalogue_reader_state> self, catalogue_store* store,
    uint32_t number);

}  // namespace et
