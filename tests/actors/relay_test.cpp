#include "actors/relay.hpp"

#include <caf/scheduler/test_coordinator.hpp>
#include <catch2/catch.hpp>
#include <future>

#include "actors/node_config.hpp"
#include "actors/protocol.hpp"

using namespace et;

namespace {

/// A ticket office that answers a permit only when told to.
struct late_state {
  caf::typed_response_promise<std::string> held;
};

caf::behavior late_office(caf::stateful_actor<late_state>* self, std::promise<void>* asked) {
  return {
      [=](permit_atom, retrieval_id, aggregation_id, uint64_t) -> caf::result<std::string> {
        self->state.held = self->make_response_promise<std::string>();
        asked->set_value();
        return self->state.held;
      },
      [=](redeem_atom, const std::string& ticket) -> caf::result<retrieval_id> {
        if (ticket.empty()) return fail(errc::not_authorised, "no ticket");
        return retrieval_id{ticket.size()};
      },
  };
}

struct setting {
  node_config config{service_node(2)};
  caf::actor_system system{config};
  caf::actor made = caf::actor_cast<caf::actor>(system.spawn(relay<ticket_office_actor>));
  ticket_office_actor office = caf::actor_cast<ticket_office_actor>(made);

  ~setting() { caf::anon_send_exit(made, caf::exit_reason::user_shutdown); }

  void link(const caf::actor& to, const std::string& why = {}) {
    caf::anon_send(made, link_atom_v, caf::actor_cast<caf::strong_actor_ptr>(to), why);
  }
  /// The value that was redeemed, or the error.
  std::pair<uint64_t, caf::error> redeem(const std::string& ticket) {
    caf::scoped_actor self{system};
    std::pair<uint64_t, caf::error> got;
    self->request(office, std::chrono::seconds{20}, redeem_atom_v, ticket)
        .receive([&](retrieval_id id) { got.first = id.value; },
                 [&](caf::error& error) { got.second = std::move(error); });
    return got;
  }
};

}  // namespace

TEST_CASE("a relay without an actor fails at once, and says why") {
  setting s;
  auto missing = s.redeem("abc").second;
  INFO(text_of(missing));
  CHECK(code_of(missing) == errc::node_lost);
  s.link({}, "node n1 is lost");
  CHECK(text_of(s.redeem("abc").second).find("node n1 is lost") != std::string::npos);
}

TEST_CASE("a relay passes requests, answers and errors on") {
  setting s;
  std::promise<void> asked;
  auto real = s.system.spawn(late_office, &asked);
  s.link(real);
  CHECK(s.redeem("abc").first == 3);
  CHECK(code_of(s.redeem("").second) == errc::not_authorised);
  caf::anon_send_exit(real, caf::exit_reason::user_shutdown);
}

TEST_CASE("what is under way fails when a relay's actor is lost, and the next one is used") {
  setting s;
  std::promise<void> asked;
  auto real = s.system.spawn(late_office, &asked);
  s.link(real);
  caf::scoped_actor self{s.system};
  auto waiting = self->request(s.office, std::chrono::minutes{10}, permit_atom_v, retrieval_id{1},
                               aggregation_id{batch_id{1}, 1}, uint64_t{0});
  asked.get_future().wait();
  s.link({}, "node n1 is lost");
  errc code = errc::none;
  waiting.receive([](const std::string&) {}, [&](caf::error& error) { code = code_of(error); });
  CHECK(code == errc::node_lost);
  std::promise<void> never;
  auto other = s.system.spawn(late_office, &never);
  s.link(other);
  CHECK(s.redeem("abcd").first == 4);
  for (auto& one : {real, other}) caf::anon_send_exit(one, caf::exit_reason::user_shutdown);
}

TEST_CASE("a relay keeps no time-out of a request that was answered") {
  node_config config{service_node(2)};
  config.set("scheduler.policy", caf::atom("testing"));
  caf::actor_system system{config};
  auto& scheduler = dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler());
  std::promise<void> unused;
  auto office = system.spawn(late_office, &unused);
  auto made = caf::actor_cast<caf::actor>(system.spawn(relay<ticket_office_actor>));
  caf::anon_send(made, link_atom_v, caf::actor_cast<caf::strong_actor_ptr>(office), std::string{});
  size_t answers = 0;
  auto client = system.spawn([&](caf::event_based_actor* self) {
    for (std::string ticket : {"abc", ""})
      self->request(made, caf::infinite, redeem_atom_v, ticket)
          .then([&](retrieval_id) { ++answers; }, [&](const caf::error&) { ++answers; });
  });
  scheduler.run();
  CHECK(answers == 2);
  CHECK(scheduler.clock().schedule().empty());
  for (auto& one : {office, made}) caf::anon_send_exit(one, caf::exit_reason::user_shutdown);
  scheduler.run();
}
