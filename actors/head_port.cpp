#include "actors/head_port.hpp"

#include "actors/actor_base.hpp"

namespace et {

head_actor::behavior_type head_port(head_actor::stateful_pointer<head_port_state> self,
                                    actors_ptr actors) {
  guard(self);
  self->state.actors = std::move(actors);
  return {
      [=](report_atom) -> caf::result<std::vector<report>> {
        return std::vector<report>{report_of(self, "head_port")};
      },
      [=](evicted_atom, const std::vector<aggregation_id>& ids,
          const std::string& node) -> caf::result<bool> {
        return self->delegate(self->state.actors->registrar, evicted_atom_v, ids, node);
      },
      [=](alert_atom, const alert_record& draft) {
        self->send(self->state.actors->alerts, alert_atom_v, draft);
      },
  };
}

}  // namespace et
