// What goes into the audit, and that floods of refusals do not fill it.

#include "actors/audit.hpp"

#include <catch2/catch.hpp>

#include "actors/atoms.hpp"

using namespace et;
using namespace std::chrono_literals;

namespace {

identity anna() {
  identity who;
  who.user = "anna";
  who.from = "192.0.2.1:4711 token 7";
  return who;
}

template <class... Words>
std::shared_ptr<audit_draft> draft_of(Words... words) {
  auto message = caf::make_message(std::move(words)...);
  return audit_draft_of(anna(), message.content());
}

}  // namespace

TEST_CASE("audit: who, from where, what and to what stand in the record") {
  auto draft = draft_of(remove_atom::value, std::string{"lidar"}, batch_id{12});
  REQUIRE(draft);
  auto record = concluded(*draft, caf::none);
  REQUIRE(record);
  CHECK(record->user == "anna");
  CHECK(record->from == "192.0.2.1:4711 token 7");
  CHECK(record->action == "rm");
  CHECK(record->workspace == "lidar");
  CHECK(record->subject == "batch 12");
  CHECK(record->outcome == errc::none);
  auto refused = concluded(*draft, fail(errc::not_found, "there is none"));
  REQUIRE(refused);
  CHECK(refused->outcome == errc::not_found);
  CHECK(refused->text.find("there is none") != std::string::npos);
}

TEST_CASE("audit: what only tells something is recorded when it is refused") {
  auto draft = draft_of(list_batches_atom::value, std::string{"lidar"}, batch_id{0});
  REQUIRE(draft);
  CHECK_FALSE(concluded(*draft, caf::none));
  CHECK_FALSE(concluded(*draft, fail(errc::not_found, "no")));
  auto refused = concluded(*draft, fail(errc::not_authorised, "no"));
  REQUIRE(refused);
  CHECK(refused->action == "ls");
  CHECK(refused->workspace == "lidar");
  // The beginning of a put is no change yet.
  draft =
      draft_of(put_begin_atom::value, std::string{"lidar"}, std::string{}, false, std::string{});
  REQUIRE(draft);
  CHECK_FALSE(concluded(*draft, caf::none));
  CHECK(concluded(*draft, fail(errc::not_found, "no")));
}

TEST_CASE("audit: pages and bytes of what has begun are not recorded") {
  CHECK_FALSE(draft_of(get_next_atom::value, retrieval_id{1}));
  CHECK_FALSE(draft_of(put_chunk_atom::value, uint64_t{1}, packed_page{}));
  CHECK_FALSE(draft_of(hello_atom::value, std::string{"1"}));
  CHECK_FALSE(draft_of(std::string{"no command"}));
}

TEST_CASE("audit: an answer tells what it was that was made") {
  auto draft = draft_of(put_commit_atom::value, uint64_t{3});
  REQUIRE(draft);
  CHECK(draft->record.subject == "upload 3");
  batch_record batch;
  batch.id = batch_id{12};
  batch.workspace_name = "lidar";
  describe(draft->record, batch);
  CHECK(draft->record.subject == "batch 12");
  CHECK(draft->record.workspace == "lidar");
}

TEST_CASE("audit: what a client sends cannot make a record big") {
  auto draft = draft_of(list_batches_atom::value, std::string(3'000'000, 'x'), batch_id{0});
  REQUIRE(draft);
  CHECK(draft->record.workspace.size() == max_audit_text_bytes);
  auto refused = concluded(*draft, fail(errc::not_authorised, std::string(3'000'000, 'x')));
  REQUIRE(refused);
  CHECK(refused->text.size() == max_audit_text_bytes);
}

TEST_CASE("audit: of many refusals in a minute a few are recorded and all are counted") {
  refusal_meter meter{2};
  refusal_meter::time_point now{};
  CHECK(meter.count("a", now));
  CHECK(meter.count("a", now + 1s));
  for (int i = 0; i < 100; ++i) CHECK_FALSE(meter.count("a", now + 2s));
  CHECK(meter.count("b", now + 30s));
  CHECK(meter.take_untold(now + 59s).empty());
  auto untold = meter.take_untold(now + 60s);
  CHECK(untold == std::map<std::string, uint64_t>{{"a", 100}});
  CHECK(meter.count("a", now + 61s));
  // Nothing untold of b, which is forgotten too.
  CHECK(meter.take_untold(now + 90s).empty());
  CHECK_FALSE(meter.empty());
  CHECK(meter.take_untold(now + 121s).empty());
  CHECK(meter.empty());
}

TEST_CASE("audit: a flood from everywhere is bounded too") {
  refusal_meter meter{1};
  refusal_meter::time_point now{};
  size_t recorded = 0;
  for (size_t i = 0; i < 10 * refusal_meter::max_names; ++i)
    if (meter.count(std::to_string(i), now)) ++recorded;
  CHECK(recorded == refusal_meter::max_names + 1);
  auto untold = meter.take_untold(now + 60s);
  CHECK(untold ==
        std::map<std::string, uint64_t>{{refusal_meter::others, 9 * refusal_meter::max_names - 1}});
}
