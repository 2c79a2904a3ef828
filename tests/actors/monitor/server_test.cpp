// The server below the pages: addresses, bounds, clients that misbehave.

#include <chrono>

#include "actors/defaults.hpp"
#include "actors/monitor/server/server.hpp"
#include "tests/actors/monitor/served.hpp"

using namespace et;
using namespace et::test;
using monitor::server;

TEST_CASE("the monitor serves addresses of this machine only") {
  fixture f;
  auto open = [&](const std::string& address) {
    return server::open({address}, {&f.store(), "node1", ""});
  };
  for (const auto* address : {"0.0.0.0:0", "192.0.2.1:80", "[::]:0"}) {
    auto refused = open(address);
    CHECK(errc_of(refused) == errc::invalid_argument);
    CHECK(message_of(refused).find("set certificate, key and access =") != std::string::npos);
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
  for (size_t i = 0; i < 8 * defaults::monitor_threads; ++i) {
    deaf.push_back(f.connect());
    say(deaf.back(), "GET /et_user/ET_Batch_Input_File_Details.php?batch=1 HTTP/1.1\r\n\r\n");
    std::string begin;
    REQUIRE(read_until(deaf.back(), "\r\n\r\n", begin));
  }
  for (int i = 0; i < 10; ++i) CHECK(f.client().Get("/")->status == 200);
  // And the end of the server does not wait for them.
  auto begin = std::chrono::steady_clock::now();
  f.running.reset();
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds{5});
}

TEST_CASE("of too many answers the one that waits longest for its client is cut") {
  // A page of 10 MiB: more than two sockets hold, and what is taken of it below.
  served f{[](const monitor::page_context&, std::string_view target, monitor::viewer) {
    monitor::answer made;
    size_t pieces = target == "/large" ? 160 : 1;
    made.next = [pieces](std::string& out) mutable -> caf::expected<bool> {
      out.assign(64 * 1024, 'x');
      return --pieces > 0;
    };
    return made;
  }};
  std::vector<unique_fd> deaf;
  auto ask = [&] {
    deaf.push_back(f.connect(4096));
    say(deaf.back(), "GET /large HTTP/1.1\r\n\r\n");
    std::string begin;
    REQUIRE(read_until(deaf.back(), "\r\n\r\n", begin));
  };
  while (deaf.size() < defaults::monitor_answers) ask();
  // All but the first take more than any buffer holds: the server has sent to them since.
  std::string more(3 * 1024 * 1024, '\0');
  for (size_t i = 1; i < deaf.size(); ++i)
    REQUIRE(::recv(deaf[i].get(), more.data(), more.size(), MSG_WAITALL) ==
            static_cast<ssize_t>(more.size()));
  ask();
  CHECK(f.client().Get("/")->status == 200);
  CHECK_FALSE(read_to_end(deaf.front()).ends_with("0\r\n\r\n"));
  CHECK(read_to_end(deaf.back()).ends_with("0\r\n\r\n"));
}

TEST_CASE("HTTP/1.0 has the answer without chunks") {
  served f;
  f.commit(numbered_entries(20'000));
  auto fd = f.connect();
  say(fd, "GET /et_user/ET_Batch_Input_File_Details.php?batch=1 HTTP/1.0\r\n\r\n");
  auto text = read_to_end(fd);
  CHECK(text.find("Transfer-Encoding") == std::string::npos);
  auto body = text.substr(text.find("\r\n\r\n") + 4);
  CHECK(body == get(f, "/et_user/ET_Batch_Input_File_Details.php?batch=1").text);
}

TEST_CASE("a page's headers replace the usual ones and cannot begin others") {
  served f{[](const monitor::page_context&, std::string_view, monitor::viewer) {
    monitor::answer made;
    made.next = monitor::once([](std::string& out) { out = "page"; });
    made.headers = {{"cache-control", "max-age=60"}, {"ETag", "\"1\""}, {"X-Bad", "a\r\nB: c"}};
    return made;
  }};
  auto got = f.client().Get("/");
  REQUIRE(got);
  CHECK(got->get_header_value_count("Cache-Control") == 1);
  CHECK(got->get_header_value("Cache-Control") == "max-age=60");
  CHECK(got->get_header_value("ETag") == "\"1\"");
  CHECK_FALSE(got->has_header("X-Bad"));
  CHECK(got->get_header_value("Referrer-Policy") == "no-referrer");
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
