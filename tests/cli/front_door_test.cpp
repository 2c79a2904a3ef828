#include "actors/front_door.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <condition_variable>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <thread>

#include "actors/door_socket.hpp"
#include "actors/node_config.hpp"
#include "cli/client.hpp"
#include "tests/cli/dummy_port.hpp"
#include "tests/cli/raw_client.hpp"

using namespace et;
using namespace et::test;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

struct service {
  door_folder folder;
  node_config config{service_node(2)};
  caf::actor_system system{config};
  std::unique_ptr<front_door> door;

  explicit service(front_door::options options = {}) {
    options.socket = socket();
    if (options.executable == "/proc/self/exe") options.executable = session_program();
    auto opened = front_door::open(system, options, [this](const identity& who, uint64_t) {
      return caf::actor_cast<caf::strong_actor_ptr>(system.spawn(dummy_port, who));
    });
    REQUIRE(opened);
    door = std::move(*opened);
  }
  std::string socket() const { return (folder.path / "s.sock").string(); }
  std::unique_ptr<client> connect() const {
    auto result = client::connect("unix:" + socket());
    INFO((result ? "" : text_of(result.error())));
    REQUIRE(result);
    return std::move(*result);
  }
  /// Waits until that many sessions are left.
  bool sessions_become(size_t count) const {
    for (int i = 0; i < 2000 && door->sessions().size() != count; ++i)
      std::this_thread::sleep_for(10ms);
    return door->sessions().size() == count;
  }
};

bool works(client& session) {
  return session.call<bool>(put_drop_atom::value, uint64_t{1}).engaged();
}

unique_fd plain_connection(const std::string& path) {
  unique_fd fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::copy(path.begin(), path.end(), address.sun_path);
  REQUIRE(::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  return fd;
}

bool is_closed(const unique_fd& fd) {
  pollfd ready{fd.get(), POLLIN, 0};
  char byte = 0;
  return ::poll(&ready, 1, 20'000) == 1 && ::recv(fd.get(), &byte, 1, 0) <= 0;
}

}  // namespace

TEST_CASE("front door: a client is told who it is, and its requests are answered") {
  service s;
  auto session = s.connect();
  CHECK(session->info().user == (::geteuid() == 0 ? "root" : session->info().user));
  CHECK(session->info().administrator);
  CHECK(s.door->sessions().size() == 1);
  CHECK(s.door->sessions()[0].uid == ::geteuid());

  auto data = session->call<bytes>(get_data_atom::value, retrieval_id{1}, aggregation_id{},
                                   uint64_t{7}, uint32_t{1 << 20});
  REQUIRE(data);
  CHECK(*data == bytes(1 << 20, 7));
  auto put = session->call<std::vector<entry_error>>(put_chunk_atom::value, uint64_t{1},
                                                     packed_page{1, bytes(1 << 20, 3)});
  REQUIRE(put);
  CHECK(put->at(0).index == 1 << 20);
  CHECK(put->at(0).code == errc::rejected);
  auto refused = session->call<upload_info>(put_begin_atom::value, std::string{"none"},
                                            std::string{"tag"}, false, std::string{});
  REQUIRE_FALSE(refused);
  CHECK(code_of(refused.error()) == errc::not_found);
  CHECK(text_of(refused.error()) == "no such workspace: none");

  session.reset();
  CHECK(s.sessions_become(0));
}

TEST_CASE("front door: requests in flight are answered, in any number at once") {
  std::mutex mutex;
  std::condition_variable changed;
  int answered = 0, wrong = 0, under_way = 0;
  service s;
  auto session = s.connect();
  for (int i = 0; i < 200; ++i) {
    std::unique_lock lock{mutex};
    changed.wait(lock, [&] { return under_way < 8; });
    ++under_way;
    lock.unlock();
    session->post<bytes>(
        [&, i](caf::expected<bytes> data) {
          std::lock_guard guard{mutex};
          if (!data || *data != bytes(100'000, static_cast<uint8_t>(i))) ++wrong;
          ++answered;
          --under_way;
          changed.notify_all();
        },
        get_data_atom::value, retrieval_id{1}, aggregation_id{}, static_cast<uint64_t>(i),
        uint32_t{100'000});
  }
  std::unique_lock lock{mutex};
  CHECK(changed.wait_for(lock, 20s, [&] { return answered == 200; }));
  CHECK(wrong == 0);
}

TEST_CASE("front door: too many requests at once are refused; a dead session fails the others") {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<caf::error> errors;
  service s;
  auto session = s.connect();
  for (size_t i = 0; i < defaults::max_requests_per_session + 5; ++i)
    session->post<upload_info>(
        [&](caf::expected<upload_info> answer) {
          std::lock_guard guard{mutex};
          errors.push_back(answer ? caf::error{} : answer.error());
          changed.notify_all();
        },
        put_begin_atom::value, std::string{"wait"}, std::string{"t"}, false, std::string{});
  std::unique_lock lock{mutex};
  REQUIRE(changed.wait_for(lock, 20s, [&] { return errors.size() == 5; }));
  for (const auto& error : errors) CHECK(code_of(error) == errc::limit_reached);
  errors.clear();
  ::kill(s.door->sessions().at(0).process, SIGKILL);
  REQUIRE(changed.wait_for(lock, 20s,
                           [&] { return errors.size() == defaults::max_requests_per_session; }));
  for (const auto& error : errors) {
    CHECK(code_of(error) == errc::unavailable);
    CHECK(text_of(error) == "the service closed the session");
  }
  lock.unlock();
  CHECK_FALSE(works(*session));
  CHECK(s.sessions_become(0));
  CHECK(works(*s.connect()));
}

TEST_CASE("front door: clients that go in the middle of a request") {
  service s;
  auto other = s.connect();
  {
    raw_client gone{s.socket()};
    gone.send(gone.greeting());
    gone.send({2, 0, 0, 0, 0, 0, 0x10});
  }
  {
    auto waiting = s.connect();
    waiting->post<upload_info>([](const caf::expected<upload_info>&) {}, put_begin_atom::value,
                               std::string{"wait"}, std::string{"t"}, false, std::string{});
  }
  CHECK(s.sessions_become(1));
  CHECK(works(*other));
}

TEST_CASE("front door: frames that end their session and harm no other") {
  service s;
  auto other = s.connect();
  raw_client hostile{s.socket()};
  auto& h = hostile;
  bytes input;
  SECTION("garbage") {
    input = bytes(10'000, 0x47);
  }
  SECTION("a header that claims 4 GiB") {
    input = h.greeting();
    auto big = h.frame(2, 0, plain_request, 1, h.actor, {});
    for (size_t i = 4; i < 8; ++i) big[i] = 0xff;
    input.insert(input.end(), big.begin(), big.end());
  }
  SECTION("a greeting that claims 4 GiB") {
    input = h.greeting();
    for (size_t i = 4; i < 8; ++i) input[i] = 0xff;
  }
  SECTION("a greeting in the session's own name") {
    input = h.frame(1, 0, 0, 0, 0, h.host_node);
  }
  SECTION("another actor") {
    input = h.greeting();
    auto bad = h.frame(2, 0, plain_request, 1, 1, exit_payload(h.own_node()));
    input.insert(input.end(), bad.begin(), bad.end());
  }
  SECTION("an actor by name") {
    input = h.greeting();
    auto bad = h.frame(2, 1, plain_request, 1, static_cast<uint64_t>(caf::atom("ConfigServ")),
                       exit_payload(h.own_node()));
    input.insert(input.end(), bad.begin(), bad.end());
  }
  SECTION("a routed message") {
    input = h.greeting();
    auto bad = h.frame(3, 0, plain_request, 1, h.actor, bytes(200));
    input.insert(input.end(), bad.begin(), bad.end());
  }
  SECTION("an exit message") {
    input = h.greeting();
    auto bad = h.frame(2, 0, plain_request, 1, h.actor, exit_payload(h.own_node()));
    input.insert(input.end(), bad.begin(), bad.end());
  }
  SECTION("an exit message that is no request") {
    input = h.greeting();
    auto bad = h.frame(2, 0, 0x1000'0000'0000'0000, 1, h.actor, exit_payload(h.own_node()));
    input.insert(input.end(), bad.begin(), bad.end());
  }
  h.send(input);
  CHECK(h.is_closed());
  CHECK(s.sessions_become(1));
  CHECK(works(*other));
  CHECK(works(*s.connect()));
}

TEST_CASE("front door: half a first line ends when its time is over, half a header waits alone") {
  service s{{.handshake_timeout = 2s}};
  auto other = s.connect();
  raw_client slow{s.socket()};
  slow.send({1, 0, 0, 0});
  CHECK(works(*s.connect()));
  slow.fd.reset();
  auto half = plain_connection(s.socket());
  REQUIRE(::send(half.get(), "ELASTIC", 7, MSG_NOSIGNAL) == 7);
  CHECK(is_closed(half));
  CHECK(s.sessions_become(1));
  CHECK(works(*other));
}

TEST_CASE("front door: garbage instead of the first line starts no session") {
  service s;
  for (const char* garbage : {"GET / HTTP/1.1\r\n\r\n", "\x01", "ELASTICTAPE 2\n"}) {
    auto fd = plain_connection(s.socket());
    REQUIRE(::send(fd.get(), garbage, std::strlen(garbage), MSG_NOSIGNAL) > 0);
    CHECK(is_closed(fd));
  }
  CHECK(s.door->sessions().empty());
  CHECK(works(*s.connect()));
}

TEST_CASE("front door: 500 silent connections keep nobody out") {
  service s;
  auto other = s.connect();
  std::vector<unique_fd> silent;
  for (int i = 0; i < 500; ++i) silent.push_back(plain_connection(s.socket()));
  CHECK(works(*s.connect()));
  CHECK(works(*other));
  CHECK(is_closed(silent.front()));
  CHECK(s.sessions_become(1));
}

TEST_CASE("front door: sessions are bounded, and there is room again when one ends") {
  SECTION("of one user") {
    service s{{.max_sessions_per_user = 2}};
    auto first = s.connect(), second = s.connect();
    auto third = client::connect("unix:" + s.socket());
    REQUIRE_FALSE(third);
    CHECK(code_of(third.error()) == errc::limit_reached);
    CHECK(text_of(third.error()) == "too many sessions of this user; try again later");
    first.reset();
    CHECK(s.sessions_become(1));
    CHECK(works(*s.connect()));
  }
  SECTION("of all") {
    service s{{.max_sessions = 1}};
    auto first = s.connect();
    auto second = client::connect("unix:" + s.socket());
    REQUIRE_FALSE(second);
    CHECK(text_of(second.error()) == "too many sessions; try again later");
    CHECK(works(*first));
  }
}

TEST_CASE("front door: a session without requests is ended") {
  service s{{.session_idle_timeout = 1500ms}};
  auto session = s.connect();
  CHECK(s.sessions_become(0));
  auto answer = session->call<bool>(put_drop_atom::value, uint64_t{1});
  REQUIRE_FALSE(answer);
  CHECK(code_of(answer.error()) == errc::unavailable);
}

TEST_CASE("front door: a session process that turns against the service is ended") {
  door_folder folder;
  auto program = (folder.path / "hostile").string();
  auto script = [&](const char* text) {
    std::ofstream{program} << "#!/bin/sh\n" << text;
    ::chmod(program.c_str(), 0755);
  };
  SECTION("garbage") {
    script("printf 'GARBAGE%0100d' 1 >&4; exec sleep 1000\n");
  }
  SECTION("the name of another node") {
    script(
        "{ printf '\\001\\000\\000\\000\\000\\000\\000\\040'; head -c 24 /dev/zero;"
        " printf '\\000\\000\\076\\232\\253\\233\\254\\171\\000\\000\\000\\001';"
        " head -c 20 /dev/zero; } >&4; exec sleep 1000\n");
  }
  SECTION("it ends at once") {
    script("exit 3\n");
  }
  service s{{.executable = program}};
  auto knocked = knock_at(s.socket(), 20s);
  REQUIRE(knocked);
  CHECK(is_closed(knocked->session));
  CHECK(s.sessions_become(0));
}

TEST_CASE("front door: a session has the rights of its client only") {
  if (::geteuid() != 0) return;
  service s;
  std::unique_ptr<raw_client> stranger;
  std::thread{[&] {
    // Of this thread alone, which the C library's functions cannot do.
    ::syscall(SYS_setgroups, 0, nullptr);
    ::syscall(SYS_setresgid, 65534, 65534, 65534);
    ::syscall(SYS_setresuid, 65534, 65534, 65534);
    stranger = std::make_unique<raw_client>(s.socket());
  }}.join();
  REQUIRE(s.sessions_become(1));
  auto facts = s.door->sessions()[0];
  CHECK(facts.uid == 65534);
  std::ifstream status{"/proc/" + std::to_string(facts.process) + "/status"};
  std::string text{std::istreambuf_iterator<char>{status}, {}};
  CHECK(text.find("Uid:\t65534\t65534\t65534\t65534") != std::string::npos);
  CHECK(text.find("Gid:\t65534\t65534\t65534\t65534") != std::string::npos);
  CHECK(text.find("Groups:\t \n") != std::string::npos);
  CHECK(text.find("NoNewPrivs:\t1") != std::string::npos);
}

TEST_CASE("front door: the socket of a dead service is replaced, that of a living one is not") {
  door_folder folder;
  auto path = (folder.path / "s.sock").string();
  {
    auto dead = listen_at(path);
    REQUIRE(dead);
    auto second = listen_at(path);
    REQUIRE_FALSE(second);
    CHECK(code_of(second.error()) == errc::locked);
  }
  auto nobody = client::connect("unix:" + path);
  REQUIRE_FALSE(nobody);
  CHECK(code_of(nobody.error()) == errc::unavailable);
  CHECK(text_of(nobody.error()).find(path) != std::string::npos);
  auto again = listen_at(path);
  REQUIRE(again);
  struct stat info {};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0666);
  CHECK_FALSE(listen_at(std::string(200, 'x')));
  CHECK(code_of(client::connect("nonsense").error()) == errc::invalid_argument);
}

TEST_CASE("front door: stop ends every session and leaves nothing behind") {
  service s;
  auto session = s.connect();
  auto process = s.door->sessions().at(0).process;
  s.door->stop();
  CHECK(::kill(process, 0) != 0);
  CHECK_FALSE(fs::exists(s.socket()));
  auto answer = session->call<bool>(put_drop_atom::value, uint64_t{1});
  REQUIRE_FALSE(answer);
  CHECK(code_of(answer.error()) == errc::unavailable);
}
