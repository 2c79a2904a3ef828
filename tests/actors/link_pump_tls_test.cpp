// The pump with TLS on its outside. Peers are threads that use the library in its blocking way.
#include <csignal>
#include <ctime>
#include <future>
#include <thread>

#include "actors/link_pump.hpp"
#include "tests/actors/link_bytes.hpp"
#include "tests/support/certificate.hpp"
#include "tests/support/scratch_folder.hpp"

using namespace et;
using namespace et::test;
using namespace std::chrono_literals;

namespace {

struct contexts {
  contexts() {
    std::signal(SIGPIPE, SIG_IGN);
    scratch_folder folder;
    auto certificate = folder.file("cert.pem");
    auto key = folder.file("key.pem");
    test_authority{}.issue("node", certificate, key);
    server.reset(SSL_CTX_new(TLS_server_method()));
    client.reset(SSL_CTX_new(TLS_client_method()));
    REQUIRE(SSL_CTX_use_certificate_chain_file(server.get(), certificate.c_str()) == 1);
    REQUIRE(SSL_CTX_use_PrivateKey_file(server.get(), key.c_str(), SSL_FILETYPE_PEM) == 1);
    for (auto* one : {server.get(), client.get()}) {
      SSL_CTX_set_min_proto_version(one, TLS1_3_VERSION);
      SSL_CTX_set_mode(one, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    }
  }
  ssl_ptr side(bool is_server, int fd) const {
    ssl_ptr made{SSL_new(is_server ? server.get() : client.get())};
    SSL_set_fd(made.get(), fd);
    is_server ? SSL_set_accept_state(made.get()) : SSL_set_connect_state(made.get());
    return made;
  }
  ssl_context_ptr server, client;
};

/// A pump with TLS on its outside, and the other end of that socket.
struct bench {
  contexts tls;
  std::unique_ptr<poll_loop> loop = std::move(*poll_loop::start());
  link_pump pump{*loop};
  unique_fd peer;
  ssl_ptr peer_tls;
  unique_fd inside;
  std::promise<std::string> closed;
  std::future<std::string> why = closed.get_future();

  explicit bench(bool pump_is_server, std::chrono::milliseconds handshake = 0ms) {
    int pair[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
    peer.reset(pair[0]);
    peer_tls = tls.side(!pump_is_server, peer.get());
    link_options options;
    options.outside.reset(pair[1]);
    options.tls = tls.side(pump_is_server, pair[1]);
    options.policy.destination = 42;
    options.policy.own_node = {1, 1, 1, 1, 1, 1, 1, 1, 2};
    options.policy.max_payload_bytes = 4 << 20;
    options.policy.max_unanswered = 4;
    options.policy.max_unanswered_bytes = 64 << 20;
    options.handshake_timeout = handshake;
    options.on_closed = [this](const std::string& reason) { closed.set_value(reason); };
    auto opened = pump.open(std::move(options));
    REQUIRE(opened);
    inside = std::move(opened->inside);
  }
  ~bench() { loop->stop(); }

  std::string reason() {
    REQUIRE(why.wait_for(20s) == std::future_status::ready);
    return why.get();
  }
  void say(const bytes& data) {
    for (size_t done = 0, n = 0; done < data.size(); done += n)
      REQUIRE(SSL_write_ex(peer_tls.get(), data.data() + done, data.size() - done, &n) == 1);
  }
  /// Up to `size` bytes; fewer only at the end of the stream.
  bytes hear(size_t size) {
    bytes data(size);
    size_t done = 0;
    for (size_t n = 0; done < size; done += n)
      if (SSL_read_ex(peer_tls.get(), data.data() + done, size - done, &n) != 1) break;
    data.resize(done);
    return data;
  }
};

void push(int fd, const bytes& data) {
  for (size_t done = 0; done < data.size();) {
    pollfd ready{fd, POLLOUT, 0};
    ::poll(&ready, 1, 1000);
    auto n = ::send(fd, data.data() + done, data.size() - done, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n > 0) done += static_cast<size_t>(n);
  }
}

double cpu_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

}  // namespace

TEST_CASE("link_pump over TLS: bytes pass both ways, as server and as client") {
  bool server = GENERATE(true, false);
  bench b{server};
  auto hello = greeting();
  b.say(hello);
  CHECK(read_some(b.inside.get(), hello.size()) == hello);
  bytes down = frame(2, response | 1, 42, 7, bytes(3 << 20, 0x5a));
  std::thread sender{[&] { push(b.inside.get(), down); }};
  auto got = b.hear(down.size());
  sender.join();
  CHECK(got == down);
}

TEST_CASE("link_pump over TLS: what our side says first is not lost in the handshake") {
  bool server = GENERATE(true, false);
  bench b{server};
  auto first = heartbeat();
  push(b.inside.get(), first);
  CHECK(b.hear(first.size()) == first);
}

TEST_CASE("link_pump over TLS: large requests while answers flow the other way") {
  bench b{true};
  bytes requests, answers;
  for (uint64_t id = 1; id <= 12; ++id) {
    auto request = chunk(id, 2 << 20);
    if (id <= 4) requests.insert(requests.end(), request.begin(), request.end());
    auto answer = frame(2, response | id, 42, 7, bytes(1 << 20, static_cast<uint8_t>(id)));
    answers.insert(answers.end(), answer.begin(), answer.end());
  }
  b.say(greeting());
  CHECK(read_some(b.inside.get(), greeting().size()) == greeting());
  bytes got;
  std::thread reader{[&] { got = read_some(b.inside.get(), requests.size()); }};
  std::thread answerer{[&] { push(b.inside.get(), answers); }};
  // The peer does not read while it writes: answers must not keep its requests from passing.
  b.say(requests);
  auto heard = b.hear(answers.size());
  answerer.join();
  reader.join();
  CHECK(heard == answers);
  CHECK(got == requests);
}

TEST_CASE("link_pump over TLS: two pumps, one against the other") {
  contexts tls;
  auto loop = std::move(*poll_loop::start());
  link_pump pump{*loop};
  int pair[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
  unique_fd inside[2];
  for (int i : {0, 1}) {
    link_options options;
    options.outside.reset(pair[i]);
    options.tls = tls.side(i == 0, pair[i]);
    options.policy.own_node = {1, 1, 1, 1, 1, 1, 1, 1, 2};
    options.policy.max_payload_bytes = 4 << 20;
    options.policy.destination = 42;
    options.policy.max_unanswered = 100;
    options.policy.max_unanswered_bytes = 100 << 20;
    auto opened = pump.open(std::move(options));
    REQUIRE(opened);
    inside[i] = std::move(opened->inside);
  }
  bytes input = greeting();
  for (uint64_t id = 1; id <= 20; ++id) {
    auto request = chunk(id, 1 << 20);
    input.insert(input.end(), request.begin(), request.end());
  }
  std::thread sender{[&] { push(inside[0].get(), input); }};
  auto got = read_some(inside[1].get(), input.size());
  sender.join();
  CHECK(got == input);
  loop->stop();
}

TEST_CASE("link_pump over TLS: a refused frame ends the link with a goodbye") {
  bench b{true};
  b.say(greeting());
  b.say(frame(3, 0, 0, 0, {}));
  CHECK(b.reason() == "operation not allowed");
  uint8_t byte = 0;
  size_t n = 0;
  auto done = SSL_read_ex(b.peer_tls.get(), &byte, 1, &n);
  CHECK(SSL_get_error(b.peer_tls.get(), done) == SSL_ERROR_ZERO_RETURN);
}

TEST_CASE("link_pump over TLS: ends of the peer end the link") {
  bench b{true};
  b.say(greeting());
  CHECK(read_some(b.inside.get(), greeting().size()) == greeting());
  SECTION("with a goodbye") {
    SSL_shutdown(b.peer_tls.get());
  }
  SECTION("without one") {
    b.peer.reset();
  }
  CHECK(b.reason() == link_pump::peer_left);
  CHECK(read_some(b.inside.get(), 1).empty());
}

TEST_CASE("link_pump over TLS: garbage instead of a handshake ends the link") {
  bench b{true};
  write_all_of(b.peer.get(), bytes(300, 0x41));
  CHECK(b.reason().starts_with("TLS: "));
  CHECK(read_some(b.inside.get(), 1).empty());
}

TEST_CASE("link_pump over TLS: a silent peer costs nothing and goes in time") {
  bench b{true, 300ms};
  const uint8_t half[] = {0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03};
  write_all_of(b.peer.get(), bytes(std::begin(half), std::end(half)));
  // Nor does what waits for it.
  push(b.inside.get(), heartbeat());
  auto before = cpu_seconds();
  CHECK(b.reason() == "no greeting in time");
  CHECK(cpu_seconds() - before < 0.15);
}
