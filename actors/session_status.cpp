// What a batch waits for that only the nodes tell. Part of the session port.
#include <map>

#include "actors/node_roster.hpp"
#include "actors/session_rights.hpp"

namespace et {

void add_lost_nodes(session_port_pointer self, batch_status& answer) {
  std::map<std::string, size_t> held;
  for (auto& one : answer.aggregations) {
    if (one.state != state::cached || one.node.empty()) continue;
    auto node = self->state.actors->nodes->find(one.node);
    if (node && !node->up) ++held[one.node];
  }
  for (auto& [node, count] : held)
    answer.waits.push_back(std::to_string(count) + " aggregations are only in the cache of node " +
                           node + ", which is lost");
}

}  // namespace et
