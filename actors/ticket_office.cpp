#include "actors/ticket_office.hpp"

#include "actors/actor_base.hpp"

namespace et {

void ticket_office_state::drop_expired() {
  auto now_ns = clock->now_ns();
  std::erase_if(tickets, [&](const auto& one) { return one.second.expires_ns <= now_ns; });
}

caf::expected<std::string> ticket_office_state::permit(retrieval_id retrieval, aggregation_id id,
                                                       uint64_t recall) {
  if (tickets.size() >= max_tickets) drop_expired();
  if (tickets.size() >= max_tickets)
    return fail(errc::limit_reached, "too many tickets of this node have not been used");
  auto made = make_token(*random);
  if (!made) return made.error();
  permitted[retrieval][id] = recall;
  auto text = std::string{ticket_prefix} + made->text.substr(token_prefix.size());
  tickets[token_hash(text)] = {retrieval, clock->now_ns() + ticket_lifetime_ns};
  return text;
}

caf::expected<retrieval_id> ticket_office_state::redeem(const std::string& text) {
  auto found = tickets.find(token_hash(text));
  if (found == tickets.end() || found->second.expires_ns <= clock->now_ns())
    return fail(errc::not_authorised, "this ticket is not known, or has been used, or has expired");
  auto retrieval = found->second.retrieval;
  tickets.erase(found);
  return retrieval;
}

void ticket_office_state::forget(retrieval_id retrieval, aggregation_id id, uint64_t recall) {
  auto found = permitted.find(retrieval);
  if (found == permitted.end()) return;
  auto one = found->second.find(id);
  if (one != found->second.end() && one->second == recall) found->second.erase(one);
}

ticket_office_actor::behavior_type ticket_office(
    ticket_office_actor::stateful_pointer<ticket_office_state> self, actors_ptr actors,
    const wall_clock* clock, random_source* random) {
  guard(self);
  auto& state = self->state;
  state.actors = std::move(actors);
  state.clock = clock;
  state.random = random;
  return {
      [=](report_atom) -> caf::result<std::vector<report>> {
        return std::vector<report>{
            report_of(self, "ticket_office",
                      {{"tickets", std::to_string(self->state.tickets.size())},
                       {"retrievals", std::to_string(self->state.permitted.size())}})};
      },
      [=](permit_atom, retrieval_id retrieval, aggregation_id id, uint64_t recall)
          -> caf::result<std::string> { return self->state.permit(retrieval, id, recall); },
      [=](forget_atom, retrieval_id retrieval, aggregation_id id, uint64_t recall) {
        self->state.forget(retrieval, id, recall);
      },
      [=](get_end_atom, retrieval_id retrieval) {
        self->state.permitted.erase(retrieval);
        std::erase_if(self->state.tickets,
                      [&](const auto& one) { return one.second.retrieval == retrieval; });
      },
      [=](redeem_atom, const std::string& ticket) -> caf::result<retrieval_id> {
        return self->state.redeem(ticket);
      },
      [=](get_data_atom, retrieval_id retrieval, aggregation_id id, uint64_t offset_bytes,
          uint32_t length_bytes) -> caf::result<bytes> {
        auto& all = self->state.permitted;
        auto found = all.find(retrieval);
        if (found == all.end() || !found->second.count(id))
          return fail(errc::not_authorised, "that range is not ready, or not of this retrieval");
        auto& readers = self->state.actors->cache_readers;
        return self->delegate(readers[id.number % readers.size()], read_atom_v, id,
                              found->second.at(id), offset_bytes, length_bytes);
      },
      [=](abandon_atom) {
        self->state.tickets.clear();
        self->state.permitted.clear();
      },
  };
}

}  // namespace et
