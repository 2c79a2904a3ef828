#include "actors/retrieval_director.hpp"

#include "actors/actor_base.hpp"
#include "actors/defaults.hpp"

namespace et {

namespace {

using self_pointer = retrieval_director_actor::stateful_pointer<retrieval_director_state>;
using statuses = std::vector<retrieval_status>;

/// Supervisors that do not answer by then are left out.
constexpr auto patience = std::chrono::milliseconds{400};

/// Asks the supervisors that `wanted` names and gives all answers to `done`.
void gather(self_pointer self, const std::function<bool(const retrieval_record&)>& wanted,
            std::function<void(statuses&)> done) {
  auto all = std::make_shared<statuses>();
  auto open = std::make_shared<size_t>(1);
  auto finish = [all, open, done = std::move(done)] {
    if (--*open == 0) done(*all);
  };
  for (auto& [id, one] : self->state.retrievals) {
    if (!wanted(one.record)) continue;
    ++*open;
    self->request(one.supervisor, patience, status_atom_v)
        .then(
            [all, finish](retrieval_status& status) {
              all->push_back(std::move(status));
              finish();
            },
            [finish](const caf::error&) { finish(); });
  }
  finish();
}

report report_about(const retrieval_status& status) {
  return {"retrieval",
          std::to_string(status.record.id.value),
          {{"user", status.record.requester},
           {"workspace", status.record.workspace_name},
           {"ranges", std::to_string(status.wanted_ranges)},
           {"ranges finished", std::to_string(status.finished_ranges)},
           {"bytes", std::to_string(status.wanted_bytes)},
           {"bytes finished", std::to_string(status.finished_bytes)},
           {"waits", status.wait.empty() ? "for nothing" : status.wait}}};
}

/// Passes a message on to the supervisor of a running retrieval.
template <class R, class... Words>
caf::result<R> to_supervisor(self_pointer self, retrieval_id id, Words... words) {
  auto found = self->state.retrievals.find(id);
  if (found == self->state.retrievals.end())
    return fail(errc::not_found, "retrieval " + std::to_string(id.value) + " is not running");
  return self->delegate(found->second.supervisor, std::move(words)...);
}

}  // namespace

retrieval_director_actor::behavior_type retrieval_director(self_pointer self) {
  guard(self);
  self->set_down_handler([=](const caf::down_msg& down) {
    std::erase_if(self->state.retrievals, [&](const auto& entry) {
      return caf::actor_cast<caf::actor_addr>(entry.second.supervisor) == down.source;
    });
  });
  return {
      [=](report_atom) -> caf::result<std::vector<report>> {
        auto promise = self->make_response_promise<std::vector<report>>();
        auto running = std::to_string(self->state.retrievals.size());
        gather(
            self, [](const auto&) { return true; },
            [=](statuses& all) mutable {
              std::vector<report> reports{
                  report_of(self, "retrieval_director", {{"running", running}})};
              for (auto& one : all) reports.push_back(report_about(one));
              promise.deliver(std::move(reports));
            });
        return promise;
      },
      [=](enter_atom, retrieval_record& record, const caf::strong_actor_ptr& supervisor) {
        auto id = record.id;
        self->monitor(supervisor);
        self->state.retrievals[id] = {std::move(record),
                                      caf::actor_cast<retrieval_supervisor_actor>(supervisor)};
      },
      [=](status_atom, retrieval_id id) {
        return to_supervisor<retrieval_status>(self, id, status_atom_v);
      },
      [=](list_retrievals_atom, workspace_id workspace) -> caf::result<statuses> {
        auto promise = self->make_response_promise<statuses>();
        gather(
            self,
            [=](const auto& record) {
              return workspace.value == 0 || record.workspace == workspace;
            },
            [=](statuses& all) mutable { promise.deliver(std::move(all)); });
        return promise;
      },
      [=](cancel_atom, retrieval_id id, const std::string& by) {
        return to_supervisor<retrieval_record>(self, id, cancel_atom_v, by);
      },
  };
}

}  // namespace et
