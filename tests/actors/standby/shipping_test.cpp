// A head and a standby over a wire: what follows, what waits, and what happens when it is cut.
#include "tests/actors/standby/nodes.hpp"

#include <future>

namespace et::test {

std::string everything_in(const std::filesystem::path& catalogue) {
  auto db = need(database::open(catalogue.string(), 4 << 20));
  std::string all;
  for (size_t i = 0; i < keys::family_count; ++i) {
    std::unique_ptr<rocksdb::Iterator> it{
        db->raw().NewIterator({}, db->handle(static_cast<keys::family>(i)))};
    for (it->SeekToFirst(); it->Valid(); it->Next())
      all += std::to_string(i) + it->key().ToString() + "\1" + it->value().ToString() + "\2";
  }
  return all + std::to_string(db->raw().GetLatestSequenceNumber());
}

}  // namespace et::test

using namespace et;
using namespace et::test;
using mode = standby_status::mode;

namespace {

/// Follows without ever acknowledging until it is told to.
struct mute_state {
  std::optional<standby_ack> latest;
  bool frees = false;
};

caf::behavior mute_follower(caf::stateful_actor<mute_state>* self, catalogue_shipper_actor shipper,
                            copy_position at, std::shared_ptr<std::atomic<uint64_t>> chunks) {
  auto untyped = caf::actor_cast<caf::actor>(shipper);
  self->set_default_handler(caf::drop);
  self->request(untyped, caf::infinite, follow_atom_v, standby_position{"mute", at, {}})
      .then([](const standby_grant&) {}, [](const caf::error&) {});
  return {
      [=](chunk_atom, const standby_chunk& chunk) {
        ++*chunks;
        // The last write of the stream, as far as whole frames go.
        std::string_view data{reinterpret_cast<const char*>(chunk.data.data()), chunk.data.size()};
        uint64_t sequence = self->state.latest ? self->state.latest->sequence : 0;
        log_frame frame;
        while (need(take_frame(data, frame)))
          sequence = frame.sequence +
                     static_cast<uint64_t>(rocksdb::WriteBatch{std::string{frame.batch}}.Count()) -
                     1;
        self->state.latest = standby_ack{chunk.session, chunk.number, sequence};
        if (self->state.frees) self->send(untyped, ack_atom_v, *self->state.latest);
      },
      [=](ack_atom) {
        self->state.frees = true;
        if (self->state.latest) self->send(untyped, ack_atom_v, *self->state.latest);
      }};
}

struct folders {
  temporary_folder folder;
  std::filesystem::path first = folder.path() / "first";
  std::filesystem::path second = folder.path() / "second";
};

}  // namespace

TEST_CASE("a standby gets everything, and has it before it is answered", "[shipping]") {
  folders f;
  std::vector<batch_id> printed;
  {
    head h{f.first};
    client c{h};
    for (int i = 0; i < 5; ++i) need(c.commit(c.upload(2000)));  // more than one window
    standby s{f.second};
    wire w;
    w.join(h, s);
    REQUIRE(h.in(mode::following));
    CHECK(s.in("has everything"));
    for (int i = 0; i < 20; ++i) {
      auto id = c.upload();
      printed.push_back(need(c.commit(id)).id);
      need(c.make_safe(id));
    }
    CHECK(need(h.store->view()->batches(workspace_id{1}, {}, SIZE_MAX)).size() == 25);
    auto refused = s.promote();
    CHECK(errc_of(refused) == errc::unavailable);
    CHECK(message_of(refused).find("--force") != std::string::npos);
  }
  CHECK(everything_in(f.first / "catalogue") == everything_in(f.second / "catalogue"));
}

TEST_CASE("a standby resumes over a new link where it is", "[shipping]") {
  folders f;
  head h{f.first};
  client c{h};
  standby s{f.second};
  auto first = std::make_unique<wire>();
  first->join(h, s);
  REQUIRE(h.in(mode::following));
  need(c.commit(c.upload()));
  auto before = std::stoull(s.fact("received bytes"));
  first->cut();
  REQUIRE(comes([&] { return s.fact("link").rfind("down", 0) == 0; }));
  // While it is away nothing is answered and nothing new is shown.
  auto id = c.upload();
  CHECK(errc_of(c.commit(id, 200ms)) == errc::timeout);
  CHECK_FALSE(need(h.store->view()->batch(id)));
  wire second;
  second.join(h, s);
  REQUIRE(comes([&] { return need(h.store->view()->batch(id)).has_value(); }));
  CHECK(h.status->get() == mode::following);
  need(c.commit(c.upload()));
  // The log, not another checkpoint.
  CHECK(std::stoull(s.fact("received bytes")) - before < 20'000);
}

TEST_CASE("nothing is answered or shown before it is acknowledged", "[shipping]") {
  temporary_folder folder;
  head h{folder.path()};
  client c{h};
  auto chunks = std::make_shared<std::atomic<uint64_t>>(0);
  auto mute =
      h.node.system.spawn(mute_follower, h.shipper, need(h.store->log().position()), chunks);
  REQUIRE(h.in(mode::following));
  std::vector<std::future<caf::expected<batch_record>>> answers;
  std::vector<batch_id> ids;
  for (int i = 0; i < 40; ++i) ids.push_back(c.upload());
  for (auto id : ids)
    answers.push_back(std::async(std::launch::async, [&h, id] { return client{h}.commit(id); }));
  REQUIRE(comes([&] { return h.store->log().sequence() > 0 && *chunks > 0; }));
  CHECK(answers[0].wait_for(100ms) == std::future_status::timeout);
  CHECK(need(h.store->view()->batches(workspace_id{1}, {}, SIZE_MAX)).empty());
  // Not one message for each write: what comes while the window is full goes together.
  CHECK(*chunks <= defaults::standby_window);
  caf::anon_send(mute, ack_atom_v);
  for (auto& answer : answers) need(answer.get());
  CHECK(need(h.store->view()->batches(workspace_id{1}, {}, SIZE_MAX)).size() == 40);
  CHECK(*chunks < 60);
  caf::anon_send_exit(mute, caf::exit_reason::user_shutdown);
}

TEST_CASE("a standby that falls silent is dropped, and counts again when it is back",
          "[shipping]") {
  folders f;
  head h{f.first, 300ms};
  client c{h};
  auto chunks = std::make_shared<std::atomic<uint64_t>>(0);
  auto mute =
      h.node.system.spawn(mute_follower, h.shipper, need(h.store->log().position()), chunks);
  REQUIRE(h.in(mode::following));
  auto id = c.upload();
  need(c.commit(id));  // answered when the time is over
  CHECK(h.status->get() == mode::alone);
  CHECK(need(h.store->view()->batch(id)));
  REQUIRE(comes([&] { return h.alerts_with("goes on alone") == 1; }));
  need(c.commit(c.upload()));
  caf::anon_send_exit(mute, caf::exit_reason::user_shutdown);

  standby s{f.second};
  wire w;
  w.join(h, s);
  REQUIRE(h.in(mode::following));
  REQUIRE(comes([&] { return h.alerts_with("counts again") > 0; }));
  need(c.commit(c.upload()));
}

TEST_CASE("with the policy wait nothing is acknowledged until the standby is back", "[shipping]") {
  folders f;
  head h{f.first, 100ms, standby_policy::wait};
  client c{h};
  standby s{f.second};
  auto first = std::make_unique<wire>();
  first->join(h, s);
  REQUIRE(h.in(mode::following));
  first->cut();
  REQUIRE(comes([&] { return s.fact("link").rfind("down", 0) == 0; }));
  auto id = c.upload();
  CHECK(errc_of(c.commit(id, 600ms)) == errc::timeout);
  CHECK(h.status->get() == mode::following);
  CHECK_FALSE(need(h.store->view()->batch(id)));
  wire second;
  second.join(h, s);
  REQUIRE(comes([&] { return need(h.store->view()->batch(id)).has_value(); }));
  REQUIRE(comes([&] { return h.alerts_with("nothing is acknowledged") > 0; }));
}

TEST_CASE("a head without its standby at the start goes on alone in time", "[shipping]") {
  temporary_folder folder;
  head h{folder.path(), 100ms};
  REQUIRE(h.status->decided(20s));
  CHECK(h.status->get() == mode::alone);
}

TEST_CASE("a copy is promoted only when it has everything, unless forced", "[shipping]") {
  folders f;
  auto h = std::make_unique<head>(f.first);
  client c{*h};
  standby s{f.second};
  CHECK(errc_of(s.promote(true)) == errc::not_found);
  auto w = std::make_unique<wire>();
  w->join(*h, s);
  REQUIRE(h->in(mode::following));
  REQUIRE(s.in("has everything"));
  auto id = c.upload();
  need(c.commit(id));

  SECTION("when the head is gone") {
    w->cut();
    REQUIRE(comes([&] { return s.fact("link").rfind("down", 0) == 0; }));
    auto now = need(s.promote());
    CHECK(now.epoch == 1);
    CHECK(errc_of(s.promote()) == errc::already_exists);
    // The old head comes back to it.
    wire again;
    again.join(*h, s);
    auto store = need(catalogue_store::open((f.second / "catalogue").string(), small_catalogue()));
    CHECK(need(store->view()->batch(id)));
    CHECK(errc_of(store->log().can_follow(need(h->store->log().position()))) == errc::none);
  }
  SECTION("by force, which fences the head") {
    auto now = need(s.promote(true));
    REQUIRE(comes([&] { return h->fenced_by().has_value(); }));
    CHECK(*h->fenced_by() == now);
    CHECK(errc_of(c.commit(c.upload(), 200ms)) == errc::timeout);
  }
}

TEST_CASE("a standby that knows a higher epoch fences the head", "[shipping]") {
  folders f;
  std::filesystem::create_directories(f.second);
  need(need(epoch_file::open(f.second / "epoch")).remember({4, "third", 1}));
  head h{f.first};
  standby s{f.second};
  wire w;
  w.join(h, s);
  REQUIRE(comes([&] { return h.fenced_by().has_value(); }));
  CHECK(h.fenced_by()->node == "third");
}

TEST_CASE("the catalogue of a former head is kept aside for the copy", "[shipping]") {
  folders f;
  {
    head other{f.second};
    client c{other};
    other.in(mode::waiting);
  }
  head h{f.first};
  standby s{f.second};
  wire w;
  w.join(h, s);
  REQUIRE(h.in(mode::following));
  size_t kept = 0;
  for (auto& item : std::filesystem::directory_iterator{f.second})
    kept += item.path().filename().string().rfind("catalogue.kept-", 0) == 0;
  CHECK(kept == 1);
}
