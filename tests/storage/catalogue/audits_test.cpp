#include "tests/storage/catalogue/fixture.hpp"

using namespace et;
using namespace et::test;

TEST_CASE("audit records are numbered, listed and forgotten by age", "[audit]") {
  fixture f;
  audit_record draft;
  draft.user = "ann";
  draft.action = "put";
  draft.outcome = errc::over_quota;
  CHECK(need(f->add_audit(draft)).number == 1);
  f.clock().advance_ns(10);
  auto second = need(f->add_audit(draft));
  CHECK(second.number == 2);
  f.reopen();
  auto all = need(f.view()->audits(0, 10));
  REQUIRE(all.size() == 2);
  CHECK(all[0].user == "ann");
  CHECK(all[0].outcome == errc::over_quota);
  CHECK(need(f.view()->audits(1, 10)).size() == 1);
  CHECK(need(f->forget_audits(second.time_ns, 10)) == 1);
  CHECK(need(f.view()->audits(0, 10)).front().number == 2);
}

TEST_CASE("what became of a put is found by the name that its client gave it", "[audit]") {
  fixture f;
  std::string request(16, 'r');
  batch_record draft;
  draft.workspace_name = "w";
  draft.requester = "ann";
  draft.request = request;
  auto id = need(f->begin_batch(draft));
  need(f->add_files(id, {entry("/a")}));
  CHECK_FALSE(need(f.view()->batch_of_request("ann", request)));
  need(f->commit_batch(id));
  f.reopen();
  CHECK(need(f.view()->batch_of_request("ann", request)) == id);
  CHECK_FALSE(need(f.view()->batch_of_request("bob", request)));
}
