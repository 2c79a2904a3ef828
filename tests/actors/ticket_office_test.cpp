#include "actors/ticket_office.hpp"

#include <catch2/catch.hpp>

using namespace et;

namespace {

struct counting_random final : random_source {
  uint8_t next = 1;
  caf::error fill(std::span<uint8_t> to) override {
    for (auto& byte : to) byte = next++;
    return {};
  }
};

struct office {
  counting_random random;
  manual_clock clock;
  ticket_office_state state;
  office() {
    state.clock = &clock;
    state.random = &random;
  }
};

const aggregation_id one{batch_id{1}, 1};

}  // namespace

TEST_CASE("tickets: one opens one session, once") {
  office o;
  auto ticket = o.state.permit(retrieval_id{7}, one, 0);
  REQUIRE(ticket);
  CHECK(ticket->starts_with(ticket_prefix));
  auto first = o.state.redeem(*ticket);
  REQUIRE(first);
  CHECK(first->value == 7);
  auto again = o.state.redeem(*ticket);
  REQUIRE_FALSE(again);
  CHECK(code_of(again.error()) == errc::not_authorised);
  CHECK_FALSE(o.state.redeem("ett1_guess"));
}

TEST_CASE("tickets: one that was not used in time is void") {
  office o;
  auto ticket = o.state.permit(retrieval_id{7}, one, 0);
  REQUIRE(ticket);
  o.clock.advance_ns(ticket_lifetime_ns);
  CHECK_FALSE(o.state.redeem(*ticket));
}

TEST_CASE("tickets: what is forgotten is not permitted any more") {
  office o;
  REQUIRE(o.state.permit(retrieval_id{7}, one, 3));
  o.state.forget(retrieval_id{7}, one, 2);
  CHECK(o.state.permitted[retrieval_id{7}].count(one) == 1);
  o.state.forget(retrieval_id{7}, one, 3);
  CHECK(o.state.permitted[retrieval_id{7}].empty());
}
