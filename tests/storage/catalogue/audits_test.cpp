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

TEST_CASE("the names of puts are forgotten after a week and with their batches", "[audit]") {
  fixture f;
  batch_record draft;
  draft.workspace_name = "w";
  draft.requester = "ann";
  int files = 0;
  auto put = [&](int i) {
    // The first name is all zero bytes.
    draft.request = i < 0 ? std::string{} : std::string(16, static_cast<char>(i));
    auto id = need(f->begin_batch(draft));
    need(f->add_files(id, {entry("/" + std::to_string(files++))}));
    return need(f->commit_batch(id)).id;
  };
  auto known = [&] {
    std::string all;
    for (int i = 0; i < 12; ++i)
      all += need(f.view()->batch_of_request("ann", std::string(16, static_cast<char>(i)))) ? '1'
                                                                                            : '0';
    return all;
  };
  constexpr int64_t day_ns = int64_t{24} * 3600 * 1'000'000'000;
  std::vector<batch_id> batches;
  for (int i = 0; i < 10; ++i) batches.push_back(put(i));
  f.clock().advance_ns(6 * day_ns);
  put(10);
  for (int i = 0; i < 4; ++i) put(-1);  // these have no name, and look at all the others
  CHECK(known() == "111111111110");
  need(f->remove_batch(batches[3]));
  CHECK(known() == "111011111110");
  f.clock().advance_ns(2 * day_ns);
  put(11);
  f.reopen();
  for (int i = 0; i < 4; ++i) put(-1);
  CHECK(known() == "000000000011");
}

TEST_CASE("two uploads under one name never become two batches", "[audit]") {
  fixture f;
  batch_record draft;
  draft.workspace_name = "w";
  draft.requester = "ann";
  draft.request = std::string(16, 'r');
  auto one = need(f->begin_batch(draft));
  auto two = need(f->begin_batch(draft));
  need(f->add_files(one, {entry("/a")}));
  need(f->add_files(two, {entry("/b")}));
  need(f->commit_batch(one));
  auto refused = f->commit_batch(two);
  REQUIRE_FALSE(refused);
  CHECK(code_of(refused.error()) == errc::already_exists);
}
