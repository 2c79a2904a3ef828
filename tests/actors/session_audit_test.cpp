// What a session does, and what it is refused, is in the audit.

#include "tests/actors/session_port_fixture.hpp"

using namespace et;
using namespace et::test;

TEST_CASE("session port: what is done and what is refused is in the audit") {
  node n;
  auto mine = n.port("user of mine");
  batch_id batch{n.put(mine, "mine", "/mine/a")};
  std::string other = "theirs";
  n.ask<batch_record>(mine, nullptr, remove_atom_v, other, batch);
  n.ask<std::vector<batch_record>>(mine, nullptr, list_batches_atom_v, other, batch_id{});
  n.ask<std::vector<batch_record>>(mine, nullptr, list_batches_atom_v, std::string{"mine"},
                                   batch_id{});
  n.ask<bool>(mine, nullptr, admin_remove_atom_v, std::string{"mine"});
  n.ask<retrieval_record>(mine, nullptr, get_begin_atom_v, std::string{"mine"}, batch);
  n.ask<batch_record>(mine, nullptr, remove_atom_v, std::string{"mine"}, batch);
  n.ask<std::vector<audit_record>>(mine, nullptr, audit_atom_v, uint64_t{0});
  auto administrator = n.port("root", true);
  // Behind all that the first session sent to the registrar.
  n.put(mine, "mine", "/mine/b");
  std::vector<audit_record> seen;
  REQUIRE(n.ask<std::vector<audit_record>>(administrator, &seen, audit_atom_v, uint64_t{0}) ==
          errc::none);
  std::vector<std::string> lines;
  for (auto& one : seen)
    lines.push_back(one.user + "|" + one.action + "|" + one.workspace + "|" + one.subject + "|" +
                    to_string(one.outcome));
  std::string first = "user of mine|";
  std::vector<std::string> wanted{first + "put|mine|batch 1|none",
                                  first + "rm|theirs|batch 1|not_authorised",
                                  first + "ls|theirs||not_authorised",
                                  first + "workspace remove|mine||not_authorised",
                                  first + "get|mine|retrieval 1 of batch 1|none",
                                  first + "rm|mine|batch 1|none",
                                  first + "audit|||not_authorised"};
  // The last one may still be on its way.
  if (lines.size() > wanted.size()) lines.resize(wanted.size());
  CHECK(lines == wanted);
}

TEST_CASE("session port: refused commands do not flood the audit") {
  node n;
  auto mine = n.port("user of mine");
  for (int i = 0; i < 100; ++i)
    n.ask<std::vector<batch_record>>(mine, nullptr, list_batches_atom_v, std::string{"theirs"},
                                     batch_id{});
  n.put(mine, "mine", "/mine/a");
  auto all = n.store->view()->audits(0, 1000);
  REQUIRE(all);
  size_t refused = std::count_if(all->begin(), all->end(), [](const audit_record& one) {
    return one.outcome == errc::not_authorised;
  });
  CHECK(refused == audit_refusals_per_minute);
}

TEST_CASE("registrar: old audit records are forgotten") {
  node n{[](catalogue_store& store) {
    audit_record old;
    old.time_ns = 1;
    old.action = "login";
    for (int i = 0; i < 3; ++i) REQUIRE(store.add_audit(old));
    auto now = old;
    now.time_ns = system_clock().now_ns();
    REQUIRE(store.add_audit(now));
  }};
  // The registrar begins by itself; a request may have come before that.
  auto left = n.store->view()->audits(0, 1000);
  for (int i = 0; i < 1000 && left && left->size() > 1; ++i) {
    n.self->request(n.actors->registrar, std::chrono::seconds{20}, put_drop_atom_v, batch_id{99})
        .receive([](bool) {}, [](const caf::error&) {});
    left = n.store->view()->audits(0, 1000);
  }
  REQUIRE(left);
  REQUIRE(left->size() == 1);
  CHECK(left->front().number == 4);
}
