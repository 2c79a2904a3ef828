// Streams of events: who gets them, how they end, and that pages do not suffer.
#include <poll.h>

#include <chrono>
#include <thread>

#include "actors/defaults.hpp"
#include "tests/actors/monitor/served.hpp"

using namespace et;
using namespace et::test;

namespace {

constexpr auto ask = "GET /events HTTP/1.1\r\nHost: x\r\n\r\n";

/// A stream at /events and a page everywhere else.
monitor::answer_maker streaming(std::function<bool(std::string&)> events) {
  return [events](const monitor::page_context&, std::string_view target, monitor::viewer) {
    monitor::answer made;
    if (target == "/events")
      made.events = events;
    else
      made.next = monitor::once([](std::string& out) { out = "page"; });
    return made;
  };
}

bool say_hello(std::string& out) {
  out = "data: hello\n\n";
  return true;
}

bool is_alive(const unique_fd& fd) {
  pollfd watched{fd.get(), POLLRDHUP, 0};
  return ::poll(&watched, 1, 0) == 0;
}

void wait_for_end(const unique_fd& fd) {
  pollfd watched{fd.get(), POLLRDHUP, 0};
  REQUIRE(::poll(&watched, 1, 20'000) == 1);
}

}  // namespace

TEST_CASE("a stream of events goes on until its source ends") {
  served f{streaming([n = std::make_shared<int>(0)](std::string& out) {
    out = "data: " + std::to_string(++*n) + "\n\n";
    return *n < 3;
  })};
  auto fd = f.connect();
  say(fd, ask);
  auto text = read_to_end(fd);
  CHECK(text.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(text.find("\r\nContent-Type: text/event-stream\r\n") != std::string::npos);
  CHECK(text.find("\r\nCache-Control: no-store\r\n") != std::string::npos);
  CHECK(text.find("Content-Length") == std::string::npos);
  CHECK(text.find("Transfer-Encoding") == std::string::npos);
  CHECK(text.ends_with("\r\n\r\ndata: 1\n\ndata: 2\n\ndata: 3\n\n"));
}

TEST_CASE("HEAD of a stream of events ends") {
  served f{streaming(say_hello)};
  auto fd = f.connect();
  say(fd, "HEAD /events HTTP/1.1\r\n\r\n");
  auto text = read_to_end(fd);
  CHECK(text.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(text.ends_with("\r\n\r\n"));
}

TEST_CASE("a source of events that throws ends its stream only") {
  served f{streaming([](std::string&) -> bool { throw std::runtime_error{"no"}; })};
  auto fd = f.connect();
  say(fd, ask);
  CHECK(read_to_end(fd).ends_with("\r\n\r\n"));
  CHECK(f.client().Get("/")->status == 200);
}

TEST_CASE("pages are served while as many streams are open as may be") {
  served f{streaming(say_hello)};
  std::vector<unique_fd> open;
  while (open.size() < defaults::monitor_event_streams) {
    auto address = "127.0.0." + std::to_string(2 + open.size() / 16);
    open.push_back(f.connect(0, address.c_str()));
    say(open.back(), ask);
    std::string text;
    REQUIRE(read_until(open.back(), "data: hello\n\n", text));
  }
  for (int i = 0; i < 10; ++i) CHECK(f.client().Get("/")->body == "page");
  // One more is refused.
  auto more = f.connect(0, "127.0.0.100");
  say(more, ask);
  CHECK(read_to_end(more).starts_with("HTTP/1.1 503"));
  // All go on.
  for (const auto& fd : open) {
    std::string text;
    REQUIRE(read_until(fd, "data: hello\n\n", text));
  }
  // When one has gone there is room again.
  open.pop_back();
  std::string text;
  for (int tries = 0; tries < 1000 && !text.starts_with("HTTP/1.1 200"); ++tries) {
    auto again = f.connect(0, "127.0.0.100");
    say(again, ask);
    text.clear();
    REQUIRE(read_until(again, "\r\n", text));
  }
  CHECK(text.starts_with("HTTP/1.1 200"));
  // The end of the server does not wait for them.
  auto begin = std::chrono::steady_clock::now();
  f.running.reset();
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds{5});
  for (const auto& fd : open) wait_for_end(fd);
}

TEST_CASE("no address takes all streams of events") {
  served f{streaming(say_hello)};
  std::vector<unique_fd> open;
  std::string text;
  for (size_t i = 0; i < defaults::monitor_event_streams_per_viewer; ++i) {
    open.push_back(f.connect());
    say(open.back(), ask);
    text.clear();
    REQUIRE(read_until(open.back(), "data: hello\n\n", text));
  }
  auto more = f.connect();
  say(more, ask);
  CHECK(read_to_end(more).starts_with("HTTP/1.1 503"));
  auto other = f.connect(0, "127.0.0.2");
  say(other, ask);
  text.clear();
  CHECK(read_until(other, "data: hello\n\n", text));
}

TEST_CASE("a client that does not take its events is closed, others go on") {
  served f{streaming([](std::string& out) {
    out.assign(defaults::monitor_event_bytes / 2, 'x');
    return true;
  })};
  auto deaf = f.connect(4096, "127.0.0.2");
  say(deaf, ask);
  auto taker = f.connect();
  say(taker, ask);
  std::vector<char> piece(64 * 1024);
  auto end = std::chrono::steady_clock::now() + std::chrono::seconds{60};
  while (is_alive(deaf) && std::chrono::steady_clock::now() < end)
    REQUIRE(::recv(taker.get(), piece.data(), piece.size(), 0) > 0);
  CHECK_FALSE(is_alive(deaf));
  CHECK(is_alive(taker));
}

TEST_CASE("the source of a stream whose client has gone is let go") {
  auto source = std::make_shared<int>(0);
  std::weak_ptr<int> held = source;
  served f{[](const monitor::page_context&, std::string_view, monitor::viewer) {
    return monitor::answer{};
  }};
  auto maker = [source = std::move(source)](const monitor::page_context&, std::string_view,
                                            monitor::viewer) {
    monitor::answer made;
    made.events = [source](std::string&) { return true; };
    return made;
  };
  f.running = need(monitor::server::open({"127.0.0.1:0"}, {&f.store(), "node1", ""}, maker));
  auto before = held.use_count();
  auto fd = f.connect();
  say(fd, ask);
  std::string text;
  REQUIRE(read_until(fd, "\r\n\r\n", text));
  CHECK(held.use_count() > before);
  fd.reset();
  auto end = std::chrono::steady_clock::now() + std::chrono::seconds{20};
  while (held.use_count() > before && std::chrono::steady_clock::now() < end)
    std::this_thread::yield();
  CHECK(held.use_count() == before);
}
