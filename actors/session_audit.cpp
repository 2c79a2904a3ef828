// What the audit learns of a session. Part of the session port.
#include "actors/session_rights.hpp"

namespace et {

void record(session_port_pointer self, const audit_draft& draft, const caf::error& outcome) {
  auto made = concluded(draft, outcome);
  if (!made) return;
  auto& state = self->state;
  auto send = [&](audit_record one) {
    self->send(state.actors->registrar, audit_atom_v, std::move(one));
  };
  auto now = std::chrono::steady_clock::now();
  // What succeeds is bounded by what the catalogue can do; saying no costs nothing.
  for (auto& [action, count] : state.refusals.take_untold(now)) {
    audit_record more;
    more.user = state.who.user;
    more.from = state.who.from;
    more.action = action;
    more.outcome = errc::limit_reached;
    more.text = std::to_string(count) + " more commands failed in that minute";
    send(std::move(more));
  }
  if (made->outcome == errc::none || state.refusals.count(made->action, now))
    send(std::move(*made));
}

}  // namespace et
