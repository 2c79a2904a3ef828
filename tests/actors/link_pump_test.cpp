#include "actors/link_pump.hpp"

#include <sys/socket.h>

#include <catch2/catch.hpp>
#include <future>
#include <string>
#include <thread>

#include "tests/actors/link_bytes.hpp"

using namespace et;
using namespace et::test;
using namespace std::chrono_literals;

namespace {

struct bench {
  std::unique_ptr<poll_loop> loop = std::move(*poll_loop::start());
  link_pump pump{*loop};
  unique_fd peer;
  unique_fd inside;
  uint64_t number = 0;
  std::promise<std::string> closed;

  explicit bench(std::chrono::milliseconds handshake = 0ms, std::chrono::milliseconds idle = 0ms) {
    int pair[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
    peer.reset(pair[0]);
    link_options options;
    options.outside.reset(pair[1]);
    options.policy.destination = 42;
    options.policy.own_node = {1, 1, 1, 1, 1, 1, 1, 1, 2};
    options.policy.max_payload_bytes = 4 << 20;
    options.policy.max_unanswered = 4;
    options.policy.max_unanswered_bytes = 64 << 20;
    options.handshake_timeout = handshake;
    options.idle_timeout = idle;
    options.on_closed = [this](const std::string& reason) { closed.set_value(reason); };
    auto opened = pump.open(std::move(options));
    REQUIRE(opened);
    inside = std::move(opened->inside);
    number = opened->number;
  }
  ~bench() { loop->stop(); }

  std::string reason() {
    auto future = closed.get_future();
    REQUIRE(future.wait_for(20s) == std::future_status::ready);
    return future.get();
  }
};

}  // namespace

TEST_CASE("link_pump: bytes pass both ways, unchanged") {
  bench b;
  auto hello = greeting();
  write_all_of(b.peer.get(), hello);
  CHECK(read_some(b.inside.get(), hello.size()) == hello);
  bytes down = frame(2, response | 1, 42, 7, bytes(3 << 20, 0x5a));
  std::thread sender{[&] {
    for (size_t done = 0; done < down.size();) {
      auto n = ::send(b.inside.get(), down.data() + done, down.size() - done, MSG_NOSIGNAL);
      if (n > 0) done += static_cast<size_t>(n);
    }
  }};
  auto got = read_some(b.peer.get(), down.size());
  sender.join();
  CHECK(got == down);
}

TEST_CASE("link_pump: a large request that comes byte by byte at first") {
  bench b;
  auto input = greeting();
  auto request = chunk(1, 2 << 20);
  input.insert(input.end(), request.begin(), request.end());
  std::thread sender{[&] {
    for (size_t i = 0; i < 300; ++i) (void)!::send(b.peer.get(), &input[i], 1, MSG_NOSIGNAL);
    for (size_t done = 300; done < input.size();) {
      auto n = ::send(b.peer.get(), input.data() + done, input.size() - done, MSG_NOSIGNAL);
      if (n <= 0) return;
      done += static_cast<size_t>(n);
    }
  }};
  auto got = read_some(b.inside.get(), input.size());
  sender.join();
  CHECK(got == input);
}

TEST_CASE("link_pump: a refused frame ends the link and reaches nobody") {
  bench b;
  auto hello = greeting();
  write_all_of(b.peer.get(), hello);
  CHECK(read_some(b.inside.get(), hello.size()) == hello);
  auto bad = chunk(1, 100);
  bad[3] = 1;
  write_all_of(b.peer.get(), bad);
  CHECK(b.reason() == "message to an actor by name");
  CHECK(read_some(b.inside.get(), 1).empty());
  CHECK(read_some(b.peer.get(), 1).empty());
}

TEST_CASE("link_pump: a frame after a good one in the same write is refused alone") {
  bench b;
  auto input = greeting();
  auto good = heartbeat();
  input.insert(input.end(), good.begin(), good.end());
  auto passing = input.size();
  auto bad = frame(3, 0, 0, 0, {});
  input.insert(input.end(), bad.begin(), bad.end());
  write_all_of(b.peer.get(), input);
  CHECK(b.reason() == "operation not allowed");
  // What was good may or may not have gone on; nothing of the rest has.
  CHECK(read_some(b.inside.get(), passing + 1).size() <= passing);
}

TEST_CASE("link_pump: requests wait while too many are unanswered") {
  bench b;
  auto hello = greeting();
  write_all_of(b.peer.get(), hello);
  auto one = chunk(1, 10);
  for (uint64_t id = 1; id <= 6; ++id) write_all_of(b.peer.get(), chunk(id, 10));
  CHECK(read_some(b.inside.get(), hello.size() + 4 * one.size()).size() ==
        hello.size() + 4 * one.size());
  pollfd none{b.inside.get(), POLLIN, 0};
  CHECK(::poll(&none, 1, 50) == 0);
  write_all_of(b.inside.get(), frame(2, response | 2, 42, 7, {}));
  auto next = read_some(b.inside.get(), one.size());
  CHECK(next == chunk(5, 10));
  CHECK(::poll(&none, 1, 50) == 0);
}

TEST_CASE("link_pump: ends of the peer and of our side end the link") {
  SECTION("peer closes") {
    bench b;
    b.peer.reset();
    CHECK(b.reason() == link_pump::peer_left);
    CHECK(read_some(b.inside.get(), 1).empty());
  }
  SECTION("our side closes, its last words arrive") {
    bench b;
    auto last = frame(2, response | 1, 42, 7, bytes(100'000, 1));
    write_all_of(b.inside.get(), last);
    b.inside.reset();
    CHECK(read_some(b.peer.get(), last.size()) == last);
    CHECK(b.reason() == "the framework has closed the link");
    CHECK(read_some(b.peer.get(), 1).empty());
  }
  SECTION("closed by name") {
    bench b;
    b.pump.close(b.number, "because");
    CHECK(b.reason() == "because");
    CHECK(read_some(b.peer.get(), 1).empty());
  }
}

TEST_CASE("link_pump: silence and idleness end the link") {
  SECTION("no greeting") {
    bench b{20ms};
    auto half = greeting();
    half.resize(40);
    write_all_of(b.peer.get(), half);
    CHECK(b.reason() == "no greeting in time");
  }
  SECTION("heartbeats are no requests") {
    bench b{0ms, 60ms};
    write_all_of(b.peer.get(), greeting());
    write_all_of(b.peer.get(), heartbeat());
    CHECK(b.reason() == "idle for too long");
  }
}
