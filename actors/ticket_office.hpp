// The ticket office of a node: which retrieval may read what of its cache without the head between.
// Messages: ticket_office_actor in protocol.hpp.
#pragma once

#include <map>
#include <string>

#include "actors/protocol.hpp"
#include "storage/auth/token.hpp"
#include "storage/os/clock.hpp"

namespace et {

/// A ticket that nobody has used by then is void.
constexpr int64_t ticket_lifetime_ns = 120'000'000'000;
/// Tickets that have not been used.
constexpr size_t max_tickets = 65'536;
constexpr std::string_view ticket_prefix = "ett1_";

struct ticket_office_state {
  static inline const char* name = "ticket_office";

  struct ticket {
    retrieval_id retrieval;
    int64_t expires_ns = 0;
  };

  actors_ptr actors;
  const wall_clock* clock = nullptr;
  random_source* random = nullptr;
  std::map<std::string, ticket> tickets;  ///< by their hash
  /// Of each retrieval, its aggregations with the number of the recall (0: the cache file).
  std::map<retrieval_id, std::map<aggregation_id, uint64_t>> permitted;

  caf::expected<std::string> permit(retrieval_id retrieval, aggregation_id id, uint64_t recall);
  caf::expected<retrieval_id> redeem(const std::string& text);
  void forget(retrieval_id retrieval, aggregation_id id, uint64_t recall);

 private:
  void drop_expired();
};

/// `clock` and `random` outlive the actor.
ticket_office_actor::behavior_type ticket_office(
    ticket_office_actor::stateful_pointer<ticket_office_state> self, actors_ptr actors,
    const wall_clock* clock, random_source* random);

}  // namespace et
