// The server below the pages: addresses, bounds, clients that misbehave.
#include "actors/monitor/server.hpp"

#include <arpa/inet.h>
#include <httplib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "actors/defaults.hpp"
#include "storage/os/file.hpp"
#include "tests/actors/monitor/support.hpp"

using namespace et;
using namespace et::test;
using monitor::server;

namespace {

struct served : fixture {
  std::unique_ptr<server> running = open("127.0.0.1:0");

  std::unique_ptr<server> open(const std::string& address) {
    return need(server::open(address, {&store(), "node1", ""}));
  }
  int port() const {
    auto url = running->url();
    return std::stoi(url.substr(url.rfind(':') + 1));
  }
  /// One that sends `;` as it is.
  httplib::Client client() const {
    httplib::Client made{"127.0.0.1", port()};
    made.set_url_encode(false);
    return made;
  }

  unique_fd connect(int receive_bytes = 0) const {
    unique_fd fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (receive_bytes > 0)
      ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<uint16_t>(port()));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::connect(fd.get(), reinterpret_cast<sockaddr*>(&to), sizeof to) == 0);
    return fd;
  }
};

std::string read_to_end(const unique_fd& fd) {
  std::string text;
  char piece[4096];
  for (ssize_t n; (n = ::read(fd.get(), piece, sizeof piece)) > 0;)
    text.append(piece, static_cast<size_t>(n));
  return text;
}

void say(const unique_fd& fd, const std::string& words) {
  REQUIRE(::send(fd.get(), words.data(), words.size(), MSG_NOSIGNAL) ==
          static_cast<ssize_t>(words.size()));
}

}  // namespace

TEST_CASE("the monitor serves addresses of this machine only") {
  fixture f;
  auto open = [&](const std::string& address) {
    return server::open(address, {&f.store(), "node1", ""});
  };
  for (const auto* address : {"0.0.0.0:0", "192.0.2.1:80", "[::]:0"}) {
    auto refused = open(address);
    CHECK(errc_of(refused) == errc::invalid_argument);
    CHECK(message_of(refused).find("needs TLS and access control, which this version does not") !=
          std::string::npos);
  }
  for (const auto* address : {"127.0.0.1", ":80", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536",
                              "::1:80", "[]:80", "", "127.0.0.1:-1"}) {
    INFO(address);
    CHECK(errc_of(open(address)) == errc::invalid_argument);
  }
  auto first = need(open("127.0.0.1:0"));
  auto url = first->url();
  auto again = open(url.substr(7, url.size() - 8));
  CHECK(errc_of(again) == errc::unavailable);
  CHECK(message_of(again).find("cannot serve the monitor on 127.0.0.1:") != std::string::npos);
}

TEST_CASE("the monitor answers GET and HEAD, with its headers") {
  served f;
  f.commit(numbered_entries(3));
  auto client = f.client();
  auto got = client.Get("/et_user/ET_Batch_Input_Summary.php?caller=u;batch=1");
  REQUIRE(got);
  CHECK(got->status == 200);
  CHECK(got->get_header_value("Content-Type") == "text/html; charset=utf-8");
  CHECK(got->get_header_value("Content-Security-Policy").starts_with("default-src 'none'"));
  CHECK(got->get_header_value("X-Content-Type-Options") == "nosniff");
  CHECK(got->get_header_value("Cache-Control") == "no-store");
  auto head = client.Head("/et_user/ET_Batch_Input_Summary.php?batch=1");
  REQUIRE(head);
  CHECK(head->status == 200);
  CHECK(head->body.empty());
  CHECK(client.Get("/none")->status == 404);
  CHECK(client.Get("/et_user/ET_Batch_Input_Summary.php?batch=x")->status == 400);
  auto posted = client.Post("/", "a=b", "application/x-www-form-urlencoded");
  REQUIRE(posted);
  CHECK(posted->status == 405);
  CHECK(posted->get_header_value("Allow") == "GET, HEAD");
  httplib::Headers part{{"Range", "bytes=0-3"}};
  auto whole = client.Get("/et_user/ET_Batch_Input_Summary.php?batch=1", part);
  REQUIRE(whole);
  CHECK(whole->status == 200);
  CHECK(whole->body.size() == got->body.size());
  httplib::Headers named{{"Host", "tape.example.org:8080"}};
  auto feed = client.Get("/et_rss/ET_RSS_AlertWatch_atom.php", named);
  REQUIRE(feed);
  CHECK(feed->body.find("href=\"http://tape.example.org:8080/et_rss/") != std::string::npos);
  httplib::Headers bad{{"Host", "a\"><b>"}};
  CHECK(is_well_formed(client.Get("/et_rss/ET_RSS_AlertWatch_atom.php", bad)->body));
}

TEST_CASE("a large answer is chunked, and cut when its batch goes") {
  served f;
  f.commit(numbered_entries(20'000));
  auto target = "/et_user/ET_Batch_Input_File_Details.php?batch=1";
  auto whole = f.client().Get(target);
  REQUIRE(whole);
  CHECK(whole->get_header_value("Transfer-Encoding") == "chunked");
  CHECK(whole->body == get(f, target).text);
  auto head = f.client().Head(target);
  REQUIRE(head);
  CHECK(head->status == 200);
  CHECK(head->body.empty());
}

TEST_CASE("an answer whose batch is removed has no end") {
  served f;
  // More than the buffers of two sockets hold.
  constexpr size_t files = 150'000;
  f.commit(numbered_entries(files));
  auto fd = f.connect(4096);
  say(fd, "GET /et_user/ET_Batch_Input_File_Details.php?batch=1 HTTP/1.1\r\n\r\n");
  char first[16];
  REQUIRE(::recv(fd.get(), first, sizeof first, MSG_WAITALL) == sizeof first);
  need(f->remove_batch(batch_id{1}));
  auto rest = read_to_end(fd);
  CHECK(rest.size() > 100'000);
  CHECK_FALSE(rest.ends_with("0\r\n\r\n"));
  CHECK(rest.find("</html>") == std::string::npos);
}

TEST_CASE("silent and slow connections do not keep others waiting") {
  served f;
  std::vector<unique_fd> idle;
  for (int i = 0; i < 200; ++i) {
    idle.push_back(f.connect());
    if (i % 2 == 0) say(idle.back(), "GET / HTTP/1.1\r\nHost: x\r\n");
  }
  auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 10; ++i) REQUIRE(f.client().Get("/")->status == 200);
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds{5});
  // A request that took its time is still answered.
  say(idle[0], "\r\n");
  CHECK(read_to_end(idle[0]).starts_with("HTTP/1.1 200"));
}

TEST_CASE("of too many connections the oldest goes") {
  served f;
  auto oldest = f.connect();
  std::vector<unique_fd> idle;
  for (size_t i = 0; i < defaults::monitor_connections; ++i) idle.push_back(f.connect());
  CHECK(read_to_end(oldest).empty());
  CHECK(f.client().Get("/")->status == 200);
}

TEST_CASE("clients that do not read keep no thread for others") {
  served f;
  f.commit(numbered_entries(60'000));
  std::vector<unique_fd> deaf;
  for (size_t i = 0; i + 1 < defaults::monitor_threads; ++i) {
    deaf.push_back(f.connect());
    say(deaf.back(), "GET /et_user/ET_Batch_Input_File_Details.php?batch=1 HTTP/1.1\r\n\r\n");
  }
  CHECK(f.client().Get("/")->status == 200);
  // And the end of the server does not wait for them.
  auto begin = std::chrono::steady_clock::now();
  f.running.reset();
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds{5});
}

TEST_CASE("what is no request is refused") {
  served f;
  auto answer = [&](const std::string& words) {
    auto fd = f.connect();
    say(fd, words);
    return read_to_end(fd);
  };
  CHECK(answer("GET /" + std::string(2 * defaults::monitor_request_bytes, 'x'))
            .starts_with("HTTP/1.1 431"));
  CHECK(answer("nonsense\r\n\r\n").starts_with("HTTP/1.1 400"));
  CHECK(answer("GET /" + std::string(9000, 'x') + " HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 414"));
  CHECK(answer("DELETE / HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 405"));
  CHECK(f.client().Get("/")->status == 200);
}
