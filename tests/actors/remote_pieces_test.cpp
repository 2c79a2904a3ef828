// An aggregation on its way from one node's cache to another's.
#include "actors/remote_pieces.hpp"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <random>

#include "actors/cache_reader.hpp"
#include "actors/cache_receiver.hpp"
#include "actors/node_config.hpp"

using namespace et;
namespace fs = std::filesystem;

namespace {

const aggregation_id the_one{batch_id{3}, 7};

struct setting {
  node_config config{service_node(2)};
  caf::actor_system system{config};
  fs::path folder;
  std::unique_ptr<cache_store> store;
  cache_receiver_actor receiver;
  cache_reader_actor reader;

  setting() {
    char name[] = "/tmp/et-pieces-XXXXXX";
    folder = ::mkdtemp(name);
    auto opened = cache_store::open(folder);
    REQUIRE(opened);
    store = std::make_unique<cache_store>(std::move(*opened));
    receiver = system.spawn<caf::detached>(cache_receiver, store.get(), 0u);
    reader = system.spawn<caf::detached>(cache_reader, store.get(), nullptr, 0u);
  }
  ~setting() {
    caf::scoped_actor self{system};
    self->send_exit(receiver, caf::exit_reason::user_shutdown);
    self->send_exit(reader, caf::exit_reason::user_shutdown);
    self->wait_for(receiver, reader);
    fs::remove_all(folder);
  }
  size_t files() const {
    size_t count = 0;
    for (auto& one : fs::recursive_directory_iterator(folder)) count += one.is_regular_file();
    return count;
  }
};

bytes some_bytes(size_t size) {
  std::mt19937_64 random{size};
  bytes all(size);
  for (auto& byte : all) byte = static_cast<uint8_t>(random());
  return all;
}

aggregation_checksum checksum_of(const bytes& all) {
  aggregation_hasher hasher;
  hasher.update(all);
  return hasher.checksum();
}

/// Sends all of it, in pieces of an odd size.
caf::error send(remote_destination& to, const bytes& all) {
  if (auto error = to.open()) return error;
  for (size_t at = 0; at < all.size();) {
    auto count = std::min<size_t>(777'777, all.size() - at);
    if (auto error = to.write({all.data() + at, count})) return error;
    at += count;
  }
  return {};
}

}  // namespace

TEST_CASE("remote pieces: what was written there is read back, of any size") {
  setting s;
  for (size_t size :
       {size_t{1}, max_packed_bytes - 1, max_packed_bytes, 21 * max_packed_bytes + 5}) {
    auto all = some_bytes(size);
    {
      remote_destination to{s.system, s.receiver, the_one};
      REQUIRE_FALSE(send(to, all));
      REQUIRE_FALSE(to.publish(all.size(), checksum_of(all)));
    }
    remote_reader from{s.system, {s.reader}, the_one, all.size()};
    bytes back;
    for (;;) {
      auto piece = from.next();
      REQUIRE(piece);
      if (piece->empty()) break;
      back.insert(back.end(), piece->begin(), piece->end());
    }
    CHECK(back == all);
  }
}

TEST_CASE("remote pieces: what did not arrive as it was sent is not in the cache") {
  setting s;
  auto all = some_bytes(3 * max_packed_bytes);
  auto other = checksum_of(all);
  other.crc32c ^= 1;
  remote_destination to{s.system, s.receiver, the_one};
  REQUIRE_FALSE(send(to, all));
  CHECK(code_of(to.publish(all.size(), other)) == errc::corrupt);
  CHECK(s.files() == 0);
}

TEST_CASE("remote pieces: what its sender gives up leaves nothing") {
  setting s;
  {
    remote_destination to{s.system, s.receiver, the_one};
    REQUIRE_FALSE(send(to, some_bytes(5 * max_packed_bytes)));
  }
  // Behind the sender's last word in the mailbox.
  caf::scoped_actor self{s.system};
  self->request(s.receiver, std::chrono::seconds{30}, report_atom_v)
      .receive([](const std::vector<report>&) {}, [](const caf::error& e) { FAIL(text_of(e)); });
  CHECK(s.files() == 0);
}

TEST_CASE("remote pieces: who waits for a receiver hears at once that it has gone") {
  setting s;
  // Takes the first piece, then says nothing any more.
  auto silent = s.system.spawn([](caf::event_based_actor* self) -> caf::behavior {
    return {[](open_atom, aggregation_id) { return uint64_t{1}; },
            [self](data_atom, uint64_t, uint64_t, bytes&) -> caf::result<bool> {
              self->delayed_send(self, std::chrono::milliseconds{1}, tick_atom_v);
              return self->make_response_promise<bool>();
            },
            [self](tick_atom) { self->quit(caf::exit_reason::user_shutdown); }};
  });
  remote_destination to{s.system, caf::actor_cast<cache_receiver_actor>(silent), the_one};
  auto all = some_bytes(100);
  REQUIRE_FALSE(send(to, all));
  // A wait for the answer would end with timeout.
  CHECK(code_of(to.publish(all.size(), checksum_of(all))) == errc::node_lost);
}

TEST_CASE("remote pieces: a piece that is not the next one ends the transfer") {
  setting s;
  caf::scoped_actor self{s.system};
  uint64_t number = 0;
  self->request(s.receiver, std::chrono::seconds{30}, open_atom_v, the_one)
      .receive([&](uint64_t given) { number = given; }, [](const caf::error&) {});
  errc code = errc::none;
  auto piece = [&](uint64_t offset) {
    self->request(s.receiver, std::chrono::seconds{30}, data_atom_v, number, offset, bytes(10))
        .receive([&](bool) { code = errc::none; }, [&](caf::error& e) { code = code_of(e); });
    return code;
  };
  CHECK(piece(0) == errc::none);
  CHECK(piece(20) == errc::protocol);
  CHECK(piece(10) == errc::not_found);
  CHECK(s.files() == 0);
}

TEST_CASE("remote pieces: a cache file that is shorter than it should be is an error") {
  setting s;
  auto all = some_bytes(1000);
  remote_destination to{s.system, s.receiver, the_one};
  REQUIRE_FALSE(send(to, all));
  REQUIRE_FALSE(to.publish(all.size(), checksum_of(all)));
  remote_reader from{s.system, {s.reader}, the_one, 2000};
  CHECK_FALSE(from.next());
  CHECK_FALSE(from.next());
}
