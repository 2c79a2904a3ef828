#include "actors/inspector.hpp"

#include "actors/actor_base.hpp"
#include "actors/cluster/cluster_protocol.hpp"

namespace et {

namespace {

/// An actor that does blocking work answers later; the inspector does not wait for it.
constexpr auto patience = std::chrono::milliseconds{500};

using self_pointer = inspector_actor::stateful_pointer<inspector_state>;

struct gathering {
  std::vector<std::vector<report>> parts;
  size_t open = 0;
  caf::typed_response_promise<std::vector<report>> promise;

  void finish() {
    if (--open > 0) return;
    std::vector<report> all;
    for (auto& part : parts) std::move(part.begin(), part.end(), std::back_inserter(all));
    promise.deliver(std::move(all));
  }
};

template <class Handle>
void ask(self_pointer self, const std::shared_ptr<gathering>& all, const Handle& whom,
         std::string name) {
  auto index = all->parts.size();
  all->parts.emplace_back();
  ++all->open;
  self->request(whom, patience, report_atom_v)
      .then(
          [=](std::vector<report>& some) {
            all->parts[index] = std::move(some);
            all->finish();
          },
          [=](const caf::error& error) {
            auto state = code_of(error) == errc::timeout ? "at work" : text_of(error);
            all->parts[index].push_back({"actor", name, {{"state", state}}});
            all->finish();
          });
}

template <class Handle>
void ask_all(self_pointer self, const std::shared_ptr<gathering>& all,
             const std::vector<Handle>& whom, const std::string& name) {
  for (size_t i = 0; i < whom.size(); ++i) ask(self, all, whom[i], name + " " + std::to_string(i));
}

/// The reports of another node, marked with its name.
void ask_node(self_pointer self, const std::shared_ptr<gathering>& all, const storage_node& node) {
  auto index = all->parts.size();
  all->parts.emplace_back();
  ++all->open;
  auto name = node.name;
  self->request(node.inspector, 2 * patience, admin_inspect_atom_v)
      .then(
          [=](std::vector<report>& some) {
            for (auto& one : some) one.facts.insert(one.facts.begin(), {"node", name});
            all->parts[index] = std::move(some);
            all->finish();
          },
          [=](const caf::error& error) {
            all->parts[index].push_back({"node", name, {{"state", text_of(error)}}});
            all->finish();
          });
}

}  // namespace

inspector_actor::behavior_type inspector(self_pointer self, actors_ptr actors) {
  guard(self);
  self->state.actors = std::move(actors);
  return {
      [=](admin_inspect_atom) -> caf::result<std::vector<report>> {
        auto& all = *self->state.actors;
        auto gathered = std::make_shared<gathering>();
        gathered->promise = self->make_response_promise<std::vector<report>>();
        gathered->open = 1;
        if (all.registrar) ask(self, gathered, all.registrar, "registrar");
        ask_all(self, gathered, all.readers, "catalogue_reader");
        if (all.director) ask(self, gathered, all.director, "batch_director");
        if (all.retrievals) ask(self, gathered, all.retrievals, "retrieval_director");
        if (all.keeper) ask(self, gathered, all.keeper, "cache_keeper");
        ask_all(self, gathered, all.writers, "cache_writer");
        ask_all(self, gathered, all.receivers, "cache_receiver");
        ask_all(self, gathered, all.cache_readers, "cache_reader");
        if (all.tickets) ask(self, gathered, all.tickets, "ticket_office");
        if (all.library) ask(self, gathered, all.library, "library");
        ask_all(self, gathered, all.drives, "tape_drive");
        if (all.scheduler) ask(self, gathered, all.scheduler, "mount_scheduler");
        if (all.alerts) ask(self, gathered, all.alerts, "alert_publisher");
        for (auto& entry : all.couriers) ask(self, gathered, entry.courier, "alert_courier");
        if (all.membership)
          ask(self, gathered, caf::actor_cast<membership_actor>(all.membership), "membership");
        // Only the head asks the others: if they asked each other as well, there would be no end.
        if (all.registrar)
          for (auto& node : all.nodes->all())
            if (node->up && node->inspector && node->name != all.node)
              ask_node(self, gathered, *node);
        gathered->finish();
        return gathered->promise;
      },
  };
}

}  // namespace et
