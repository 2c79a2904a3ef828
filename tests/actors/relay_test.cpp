#include "actors/relay.hpp"

#include <catch2/catch.hpp>
#include <future>

#include "actors/node_config.hpp"
#include "actors/protocol.hpp"
#include "tests/actors/stepped_system.hpp"

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
  test::stepped_system s;
  std::promise<void> unused;
  auto office = s.system.spawn(late_office, &unused);
  auto made = caf::actor_cast<caf::actor>(s.system.spawn(relay<ticket_office_actor>));
  caf::anon_send(made, link_atom_v, caf::actor_cast<caf::strong_actor_ptr>(office), std::string{});
  size_t answers = 0;
  auto client = s.system.spawn([&](caf::event_based_actor* self) {
    for (std::string ticket : {"abc", ""})
      self->request(made, caf::infinite, redeem_atom_v, ticket)
          .then([&](retrieval_id) { ++answers; }, [&](const caf::error&) { ++answers; });
  });
  s.turns.run();
  CHECK(answers == 2);
  CHECK(s.turns.clock().schedule().empty());
  for (auto one : {&office, &made, &client}) s.end(*one);
}

namespace {

/// A node that raises alerts, and the head's part that hears them.
struct raised_alerts : test::stepped_system {
  std::vector<std::string> heard;
  caf::actor head = system.spawn([this](caf::event_based_actor*) -> caf::behavior {
    return {[this](alert_atom, const alert_record& draft) { heard.push_back(draft.text); }};
  });
  caf::actor node = caf::actor_cast<caf::actor>(system.spawn(relay<head_actor>));

  ~raised_alerts() {
    for (auto one : {&head, &node}) end(*one);
  }
  void link(const caf::actor& to) {
    caf::anon_send(node, link_atom_v, caf::actor_cast<caf::strong_actor_ptr>(to), std::string{});
    turns.run();
  }
  void pass(std::chrono::seconds time) { turns.advance_time(time); }
  void raise(std::string text) {
    alert_record draft;
    draft.text = std::move(text);
    caf::anon_send(node, alert_atom_v, std::move(draft));
    turns.run();
  }
};

}  // namespace

TEST_CASE("alerts that are raised while there is no head are told when there is one") {
  raised_alerts s;
  s.raise("before the first link");
  s.pass(std::chrono::seconds{7});
  s.link(s.head);
  s.raise("while it is there");
  s.pass(2 * alert_doubt_time);
  s.link({});
  s.raise("one");
  s.raise("two");
  CHECK(s.heard.size() == 2);
  s.link(s.head);
  s.link(s.head);
  CHECK(s.heard == std::vector<std::string>{
                       "before the first link (no head: raised 7 s before this)",
                       "while it is there", "one (no head: raised 0 s before this)",
                       "two (no head: raised 0 s before this)"});
}

TEST_CASE("alerts that may have been on their way when a link broke are told again") {
  raised_alerts s;
  s.link(s.head);
  s.raise("long ago");
  s.pass(alert_doubt_time + std::chrono::seconds{1});
  s.raise("a moment ago");
  s.pass(std::chrono::seconds{3});
  s.link({});
  s.pass(std::chrono::seconds{4});
  s.link(s.head);
  CHECK(s.heard ==
        std::vector<std::string>{
            "long ago", "a moment ago",
            "a moment ago (perhaps told before, the link broke: raised 7 s before this)"});
}
