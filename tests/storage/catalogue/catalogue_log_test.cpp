// A copy of the catalogue that follows its log holds the same, byte for byte.
#include "storage/catalogue/catalogue_log.hpp"

#include <fstream>
#include <random>

#include "storage/catalogue/catalogue_copy.hpp"
#include "tests/storage/catalogue/fixture.hpp"

using namespace et;
using namespace et::test;
namespace fs = std::filesystem;

namespace {

constexpr uint64_t memory_bytes = 4 << 20;

catalogue_store::options with_log() {
  catalogue_store::options opts;
  opts.memory_bytes = memory_bytes;
  opts.log_bytes = 64 << 20;
  return opts;
}

/// Every key and value of a catalogue that is closed.
std::string everything(const std::string& folder) {
  auto db = need(database::open(folder, memory_bytes));
  std::string all;
  for (size_t i = 0; i < keys::family_count; ++i) {
    std::unique_ptr<rocksdb::Iterator> it{
        db->raw().NewIterator({}, db->handle(static_cast<keys::family>(i)))};
    all += std::string{"\n== "} + keys::name_of(static_cast<keys::family>(i)) + "\n";
    for (it->SeekToFirst(); it->Valid(); it->Next())
      all += it->key().ToString() + "\1" + it->value().ToString() + "\2";
    REQUIRE(it->status().ok());
  }
  return all + std::to_string(db->raw().GetLatestSequenceNumber());
}

/// Random work on a catalogue, durable and not.
class worker {
 public:
  worker(fixture& f, uint32_t seed) : f_(f), random_(seed) {}

  void step() {
    switch (random_() % 8) {
      case 0:
      case 1:
      case 2:
        return put();
      case 3:
        f_->add_alert({.level = severity::info, .text = std::string(random_() % 300, 'x')});
        return;
      case 4:
        f_->add_audit({.user = "ann", .action = "look", .text = std::to_string(random_())});
        return;
      case 5:
        return cancel_or_remove();
      default:
        if (!dead_.empty() && need(f_->purge_batch(dead_.back(), 5))) dead_.pop_back();
    }
  }

 private:
  void put() {
    auto size = 1 + random_() % 40;
    auto id = f_.commit(numbered_entries(size, "/d" + std::to_string(++number_)));
    auto ids = f_.plan(id, 1 + random_() % 20);
    for (auto& one : ids) {
      if (random_() % 4 == 0) continue;
      f_.cache(one);
      if (random_() % 2) f_.write({one});
    }
    batches_.push_back(id);
  }

  void cancel_or_remove() {
    if (batches_.empty()) return;
    auto id = batches_.back();
    batches_.pop_back();
    if (random_() % 2) (void)f_->cancel_batch(id, "bob");
    need(f_->remove_batch(id));
    dead_.push_back(id);
  }

  fixture& f_;
  std::mt19937 random_;
  uint64_t number_ = 0;
  std::vector<batch_id> batches_;
  std::vector<batch_id> dead_;
};

/// A copy beside it, as a standby would keep it.
class follower {
 public:
  explicit follower(fixture& f) : f_(f) {}

  std::string folder() const { return (folder_.path() / "copy").string(); }
  void close() { copy_.reset(); }
  void open() { copy_ = need(catalogue_copy::open(folder(), memory_bytes)); }
  catalogue_copy& copy() { return *copy_; }

  /// From a checkpoint, in pieces of `piece_bytes`.
  void begin_anew(size_t piece_bytes = 70'000) {
    close();
    auto from = (folder_.path() / "checkpoint").string();
    auto files = need(f_->log().checkpoint(from));
    auto receiver = need(checkpoint_receiver::begin(folder(), files));
    for (auto& file : files) {
      std::ifstream in{fs::path{from} / file.name, std::ios::binary};
      std::string piece(piece_bytes, '\0');
      while (in.read(piece.data(), static_cast<long>(piece.size())), in.gcount() > 0)
        need(receiver->add({piece.data(), static_cast<size_t>(in.gcount())}));
    }
    REQUIRE(receiver->complete());
    need(receiver->install({}));
    fs::remove_all(from);
    open();
  }

  /// With the log, in pieces that cut frames.
  void follow(size_t piece_bytes = 1000) {
    need(f_->log().can_follow(need(copy_->position())));
    log_reader reader{f_->log(), copy_->sequence()};
    for (;;) {
      auto frames = need(reader.read(64 * 1024));
      if (frames.empty()) break;
      for (size_t at = 0; at < frames.size(); at += piece_bytes)
        need(copy_->apply(std::string_view{frames}.substr(at, piece_bytes)));
    }
    need(copy_->sync());
    REQUIRE(copy_->sequence() == f_->log().sequence());
  }

  /// Both are closed and compared.
  void compare() {
    close();
    f_.close();
    auto expected = everything(f_.path());
    REQUIRE(everything(folder()) == expected);
    f_.reopen();
    open();
  }

 private:
  fixture& f_;
  temporary_folder folder_;
  std::unique_ptr<catalogue_copy> copy_;
};

}  // namespace

TEST_CASE("a copy that follows the log is the same byte for byte", "[log]") {
  for (uint32_t seed : {1u, 2u, 3u}) {
    INFO("seed " << seed);
    fixture f{with_log()};
    worker work{f, seed};
    std::mt19937 random{seed};
    for (int i = 0; i < 30; ++i) work.step();
    follower copy{f};
    copy.begin_anew();
    for (int round = 0; round < 8; ++round) {
      for (int i = 0; i < 15; ++i) work.step();
      if (round == 3) need(f->compact());
      if (round == 5) f.reopen();
      copy.follow(1 + random() % 3000);
      if (round % 3 == 2) copy.compare();
    }
  }
}

TEST_CASE("one reader goes on as the log grows, over new files of the log", "[log]") {
  fixture f{with_log()};
  worker work{f, 7};
  follower copy{f};
  copy.begin_anew();
  log_reader reader{f->log(), copy.copy().sequence()};
  for (int i = 0; i < 200; ++i) {
    work.step();
    if (i % 50 == 49) need(f->compact());
    need(copy.copy().apply(need(reader.read(1 << 20))));
    REQUIRE(copy.copy().sequence() == f->log().sequence());
  }
  copy.compare();
}

TEST_CASE("gaps, repeats and another order are refused and change nothing", "[log]") {
  fixture f{with_log()};
  follower copy{f};
  copy.begin_anew();
  std::vector<std::string> writes;
  log_reader reader{f->log(), copy.copy().sequence()};
  for (int i = 0; i < 3; ++i) {
    need(f->add_alert({.text = "alert"}));
    writes.push_back(need(reader.read(1)));
  }
  auto at = copy.copy().sequence();
  CHECK(errc_of(copy.copy().apply(writes[1])) == errc::wrong_position);
  CHECK(copy.copy().sequence() == at);
  need(copy.copy().apply(writes[0]));
  CHECK(errc_of(copy.copy().apply(writes[0])) == errc::wrong_position);
  CHECK(errc_of(copy.copy().apply(writes[2])) == errc::wrong_position);
  need(copy.copy().apply(writes[1]));
  auto damaged = writes[2];
  damaged.back() ^= 1;
  CHECK(errc_of(copy.copy().apply(damaged)) == errc::corrupt);
  copy.copy().forget_partial();
  need(copy.copy().apply(writes[2]));
  copy.compare();
}

// Found by fuzzing: the copy could not be opened any more, or an assertion of RocksDB failed.
TEST_CASE("a write that is no write of a catalogue is refused and changes nothing", "[log]") {
  fixture f{with_log()};
  follower copy{f};
  copy.begin_anew();
  const std::string header(8, '\0');
  const std::string one{"\1\0\0\0", 4};
  const std::pair<const char*, std::string> bad[] = {
      {"no header", header},
      {"an unknown tag", header + one + "\x77"},
      {"the end of a prepared section", header + one + "\x13\x13"},
      {"fewer changes than it says", header + std::string{"\2\0\0\0", 4} + "\1\3key\5value"},
      {"a key that is cut", header + one + "\1\x7fkey"},
      {"an unknown family", header + one + "\5\x60\3key\5value"},
      {"a merge", header + one + "\2\3key\5value"},
      {"a range that is deleted", header + one + "\x0f\3key\3kez"},
  };
  auto at = copy.copy().sequence();
  for (const auto& [what, batch] : bad) {
    INFO(what);
    std::string frame;
    append_frame(frame, {at + 1, batch});
    CHECK(errc_of(copy.copy().apply(frame)) == errc::corrupt);
    copy.copy().forget_partial();
    CHECK(copy.copy().sequence() == at);
  }
  log_reader reader{f->log(), at};
  need(f->add_alert({.text = "alert"}));
  need(copy.copy().apply(need(reader.read(1'000'000))));
  copy.compare();
}

TEST_CASE("a log that does not reach back far enough says so", "[log]") {
  auto opts = with_log();
  opts.log_bytes = 0;  // what is in the files leaves the log
  fixture f{opts};
  auto begin = f->log().sequence();
  for (int i = 0; i < 3; ++i) {
    need(f->add_alert({.text = "alert"}));
    need(f->compact());
  }
  f.reopen();
  need(f->add_alert({.text = "alert"}));
  log_reader reader{f->log(), begin};
  CHECK(errc_of(reader.read(1 << 20)) == errc::not_found);
}

TEST_CASE("a copy goes on only with the history that it has", "[log]") {
  fixture f{with_log()};
  follower copy{f};
  copy.begin_anew();
  auto can_follow = [&] { return errc_of(f->log().can_follow(need(copy.copy().position()))); };
  CHECK(can_follow() == errc::none);
  CHECK(errc_of(f->log().can_follow({})) == errc::not_found);

  SECTION("a restart of the head that lost nothing") {
    need(f->add_alert({.text = "alert"}));
    copy.follow();
    f.reopen();
    CHECK(can_follow() == errc::none);
    copy.follow();
    copy.compare();
  }
  SECTION("a head that lost writes which the copy has, and wrote others since") {
    // The files as they are now are what is left after a loss of power.
    temporary_folder lost;
    auto left = lost.path() / "catalogue";
    copy_catalogue(f.path(), left);
    need(f->add_alert({.text = "lost"}));
    copy.follow();
    auto again = need(catalogue_store::open(left.string(), with_log()));
    for (int i = 0; i < 5; ++i) need(again->add_alert({.text = "another"}));
    auto position = need(copy.copy().position());
    REQUIRE(position.sequence < again->log().sequence());
    CHECK(errc_of(again->log().can_follow(position)) == errc::not_found);
  }
  SECTION("a head that does not have the writes yet") {
    auto position = need(copy.copy().position());
    position.sequence += 1;
    CHECK(errc_of(f->log().can_follow(position)) == errc::not_found);
  }
  SECTION("another catalogue") {
    fixture other{with_log()};
    CHECK(errc_of(other->log().can_follow(need(copy.copy().position()))) == errc::not_found);
  }
  SECTION("other families") {
    auto position = need(copy.copy().position());
    position.families += "x";
    CHECK(errc_of(f->log().can_follow(position)) == errc::not_found);
  }
}

TEST_CASE("a checkpoint that is damaged, or has strange names, is not put into place", "[log]") {
  temporary_folder folder;
  auto target = (folder.path() / "copy").string();
  for (const auto* name : {"", "../x", ".x", "a/b"})
    CHECK(errc_of(checkpoint_receiver::begin(target, {{name, 1, 0}})) == errc::protocol);
  CHECK(errc_of(checkpoint_receiver::begin(target, {{"a", 1, 0}, {"a", 1, 0}})) == errc::protocol);
  CHECK(errc_of(checkpoint_receiver::begin(target, {})) == errc::protocol);
  auto receiver = need(checkpoint_receiver::begin(target, {{"a", 3, 1}, {"b", 0, 0}}));
  need(receiver->add("ab"));
  CHECK_FALSE(receiver->complete());
  need(receiver->add("c"));
  CHECK(receiver->complete());
  CHECK(errc_of(receiver->add("d")) == errc::protocol);
  CHECK(errc_of(receiver->install({})) == errc::corrupt);
  CHECK_FALSE(fs::exists(target));
  CHECK(errc_of(catalogue_copy::open(target, memory_bytes)) == errc::not_found);
}

TEST_CASE("what a checkpoint replaces is kept aside when that is asked for", "[log]") {
  fixture f{with_log()};
  temporary_folder folder;
  auto target = (folder.path() / "copy").string();
  auto receive = [&](const std::string& aside) {
    auto from = (folder.path() / "checkpoint").string();
    auto files = need(f->log().checkpoint(from));
    auto receiver = need(checkpoint_receiver::begin(target, files));
    for (auto& file : files) {
      std::ifstream in{fs::path{from} / file.name, std::ios::binary};
      need(receiver->add(std::string{std::istreambuf_iterator<char>{in}, {}}));
    }
    fs::remove_all(from);
    need(receiver->install(aside));
  };
  receive({});
  receive({});
  CHECK_FALSE(fs::exists(target + ".old"));
  receive(target + ".kept");
  CHECK(fs::exists(target + ".kept/CURRENT"));
  CHECK(need(catalogue_copy::open(target, memory_bytes))->sequence() == f->log().sequence());
}

TEST_CASE("while a copy counts, views show what it has", "[log]") {
  fixture f{with_log()};
  auto alerts = [&] { return f.alert_texts().size(); };
  auto before = alerts();
  f->log().hold(true);
  CHECK(alerts() == before);
  need(f->add_alert({.text = "one"}));
  auto one = f->log().sequence();
  need(f->add_alert({.text = "two"}));
  CHECK(alerts() == before);
  CHECK(f->log().shown() < one);
  f->log().acknowledge(one);
  CHECK(f->log().shown() == one);
  CHECK(alerts() == before + 1);
  f->log().acknowledge(one - 1);  // late ones change nothing
  CHECK(alerts() == before + 1);

  SECTION("until it is left behind") {
    f->log().let_go();
    CHECK(alerts() == before + 2);
    need(f->add_alert({.text = "three"}));
    CHECK(alerts() == before + 3);
  }
  SECTION("with many writes that are not acknowledged") {
    for (size_t i = 0; i < 2 * max_held_snapshots; ++i) need(f->add_alert({.text = "more"}));
    CHECK(alerts() == before + 1);
    f->log().acknowledge(f->log().sequence() - 1);
    auto partly = alerts();
    CHECK(partly >= before + 2);
    CHECK(partly < before + 2 + 2 * max_held_snapshots);
    f->log().acknowledge(f->log().sequence());
    CHECK(alerts() == before + 2 + 2 * max_held_snapshots);
  }
  SECTION("held again before it has everything") {
    f->log().let_go();
    f->log().hold(false);
    CHECK(errc_of(f.view()->workspaces()) == errc::unavailable);
    f->log().acknowledge(f->log().sequence());
    CHECK(alerts() == before + 2);
  }
  SECTION("a view that is held outlives the next acknowledgement") {
    auto view = f.view();
    f->log().acknowledge(f->log().sequence());
    CHECK(need(view->alerts(0, SIZE_MAX)).size() == before + 1);
  }
}

TEST_CASE("the epoch only rises, durably", "[log]") {
  fixture f{with_log()};
  CHECK(need(f->log().epoch()) == epoch_record{});
  need(f->log().raise_epoch({3, "two", 77}));
  CHECK(errc_of(f->log().raise_epoch({3, "three", 78})) == errc::invalid_argument);
  f.crash();
  CHECK(need(f->log().epoch()) == epoch_record{3, "two", 77});
}
