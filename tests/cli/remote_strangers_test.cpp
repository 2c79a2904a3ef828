// Strangers on the network: whatever they send, and however many they are, the service stays up,
// those who belong here are served meanwhile, and nothing is left of the strangers.

#include <arpa/inet.h>
#include <netinet/in.h>

#include <fstream>
#include <random>

#include "tests/cli/remote_fixture.hpp"

using namespace et;
using namespace et::test;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

unique_fd remote_service::dial(const char* from) const {
  auto address = door->remote_address();
  sockaddr_in to{}, own{};
  to.sin_family = own.sin_family = AF_INET;
  to.sin_port = htons(static_cast<uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
  ::inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
  ::inet_pton(AF_INET, from, &own.sin_addr);
  unique_fd fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  REQUIRE(::bind(fd.get(), reinterpret_cast<sockaddr*>(&own), sizeof own) == 0);
  REQUIRE(::connect(fd.get(), reinterpret_cast<sockaddr*>(&to), sizeof to) == 0);
  return fd;
}

namespace {

void send_all(const unique_fd& fd, const bytes& data) {
  for (size_t done = 0; done < data.size();) {
    auto n = ::send(fd.get(), data.data() + done, data.size() - done, MSG_NOSIGNAL);
    if (n <= 0) return;
    done += static_cast<size_t>(n);
  }
}

bool is_closed(const unique_fd& fd) {
  char sink[4096];
  for (;;) {
    pollfd ready{fd.get(), POLLIN, 0};
    if (::poll(&ready, 1, 20'000) != 1) return false;
    if (::recv(fd.get(), sink, sizeof sink, 0) <= 0) return true;
  }
}

size_t descriptors() {
  size_t count = 0;
  for ([[maybe_unused]] auto& one : fs::directory_iterator("/proc/self/fd")) ++count;
  return count;
}

size_t children() {
  std::ifstream list{"/proc/self/task/" + std::to_string(::getpid()) + "/children"};
  size_t count = 0;
  for (int process; list >> process;) ++count;
  return count;
}

/// Of this process, the service.
size_t memory_bytes() {
  std::ifstream file{"/proc/self/statm"};
  size_t size = 0, resident = 0;
  file >> size >> resident;
  return resident * static_cast<size_t>(::sysconf(_SC_PAGESIZE));
}

template <class Condition>
bool becomes(Condition condition) {
  for (int i = 0; i < 2000 && !condition(); ++i) std::this_thread::sleep_for(10ms);
  return condition();
}

/// A TLS record of a handshake with a length of its own.
bytes record(uint16_t length, const bytes& content) {
  bytes out(5 + content.size());
  out[0] = 0x16;
  out[1] = 3;
  out[2] = 1;
  out[3] = static_cast<uint8_t>(length >> 8);
  out[4] = static_cast<uint8_t>(length);
  std::copy(content.begin(), content.end(), out.begin() + 5);
  return out;
}

}  // namespace

TEST_CASE("remote door: bytes of strangers") {
  remote_service s;
  auto good = s.connect();
  auto stranger = s.dial();
  std::mt19937 random{1};
  bytes noise(100'000);
  for (auto& byte : noise) byte = static_cast<uint8_t>(random());
  SECTION("random bytes") {
    send_all(stranger, noise);
  }
  SECTION("a browser") {
    std::string text = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    send_all(stranger, bytes(text.begin(), text.end()));
  }
  SECTION("the line, without TLS") {
    std::string text = "ELASTICTAPE 1 token " + s.token + "\n";
    send_all(stranger, bytes(text.begin(), text.end()));
  }
  SECTION("noise that begins like TLS") {
    noise[0] = 0x16;
    noise[1] = 3;
    send_all(stranger, noise);
  }
  SECTION("a record that claims more than there may be") {
    send_all(stranger, record(0xffff, noise));
  }
  SECTION("a hello that claims 16 MiB") {
    bytes hello{1, 0xff, 0xff, 0xff};
    hello.resize(1000);
    send_all(stranger, record(1000, hello));
  }
  CHECK(is_closed(stranger));
  CHECK(works(*good));
  CHECK(works(*s.connect()));
  good.reset();
  CHECK(s.sessions_become(0));
  CHECK(becomes([] { return children() == 0; }));
}

TEST_CASE("remote door: inside TLS, what is no line of ours") {
  remote_service s;
  tls_trust trust;
  trust.ca_file = s.ca();
  auto context = tls_client_context(trust);
  REQUIRE(context);
  auto deadline = std::chrono::steady_clock::now() + 20s;
  auto stream = tls_stream::connect(context->get(), s.dial(), "localhost", trust, deadline);
  REQUIRE(stream);
  bool answered = false;
  SECTION("another word") {
    REQUIRE_FALSE(stream->write("HELLO\n", deadline));
    answered = true;
  }
  SECTION("a line without an end") {
    (void)stream->write(std::string(100'000, 'x'), deadline);
  }
  SECTION("bytes of the framework at once") {
    (void)stream->write(std::string(64, '\0') + '\n', deadline);
    answered = true;
  }
  auto answer = stream->read_line(max_door_answer_bytes, deadline);
  CHECK(answer.engaged() == answered);
  if (answer) CHECK(answer->starts_with("no "));
  CHECK(s.door->sessions().empty());
  CHECK(works(*s.connect()));
}

TEST_CASE("remote door: those who say nothing are closed in time") {
  remote_service s{[](auto& options) { options.handshake_timeout = 1s; }};
  auto silent = s.dial();
  auto half_open = s.dial();
  send_all(half_open, record(512, {1, 0, 1}));
  tls_trust trust;
  trust.ca_file = s.ca();
  auto context = tls_client_context(trust);
  auto deadline = std::chrono::steady_clock::now() + 20s;
  auto no_line = tls_stream::connect(context->get(), s.dial(), "localhost", trust, deadline);
  REQUIRE(no_line);
  CHECK(is_closed(silent));
  CHECK(is_closed(half_open));
  CHECK_FALSE(no_line->read_line(100, deadline));
  CHECK(becomes([] { return children() == 0; }));
  CHECK(works(*s.connect()));
}

TEST_CASE("remote door: a thousand strangers at once") {
  remote_service s;
  auto warm = s.connect();
  warm.reset();
  REQUIRE(s.sessions_become(0));
  auto descriptors_before = descriptors();
  auto memory_before = memory_bytes();
  size_t most_children = 0;
  {
    std::vector<unique_fd> crowd;
    for (int i = 0; i < 1000; ++i) {
      crowd.push_back(s.dial(i % 3 == 2 ? "127.0.0.9" : "127.0.0.1"));
      // Some say nothing, some begin TLS and go no further, some talk nonsense.
      if (i % 4 == 1) send_all(crowd.back(), record(512, {1, 0, 1}));
      if (i % 4 == 2) send_all(crowd.back(), bytes(100, 'x'));
      if (i % 100 == 99) {
        most_children = std::max(most_children, children());
        auto good = client::connect(s.door->remote_address(), s.options());
        INFO(i << ": " << (good ? "" : text_of(good.error())));
        CHECK(good);
      }
    }
    front_door::remote_options limits;
    CHECK(most_children <= limits.max_unknown + 1);
  }
  CHECK(becomes([] { return children() == 0; }));
  CHECK(s.sessions_become(0));
  CHECK(becomes([&] { return descriptors() <= descriptors_before; }));
  CHECK(memory_bytes() < memory_before + (32u << 20));
  CHECK(works(*s.connect()));
}
