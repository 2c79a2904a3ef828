#include "actors/cluster/node_links.hpp"

#include <caf/io/all.hpp>
#include <future>

#include "actors/basp_link.hpp"
#include "tests/actors/cluster/linked_nodes.hpp"
#include "tests/actors/link_bytes.hpp"

using namespace et;
using namespace et::test;
using cluster::version_fault;

namespace {

struct two_nodes {
  linked_node head{"head"};
  linked_node other{"io-1", &head.own};
  two_nodes() {
    REQUIRE_FALSE(head.open());
    REQUIRE_FALSE(other.open());
  }
};

std::string refusal(const caf::error& error) {
  return error ? text_of(error) : "";
}

bool dies(linked_node& at, const caf::strong_actor_ptr& port, const std::function<void()>& cut) {
  caf::scoped_actor self{at.system};
  self->monitor(caf::actor_cast<caf::actor>(port));
  cut();
  bool gone = false;
  self->receive([&](const caf::down_msg&) { gone = true; }, caf::after(patience) >> [] {});
  return gone;
}

}  // namespace

TEST_CASE("versions of the program that work together") {
  CHECK(version_fault("1.4.0", "1.4.9").empty());
  CHECK(version_fault("1.4.0", "1.5.0").empty());
  CHECK(version_fault("1.4.0", "1.3.7").empty());
  for (auto [mine, theirs] : {std::pair{"1.4.0", "1.6.0"},
                              {"1.4.0", "1.2.0"},
                              {"1.4.0", "2.4.0"},
                              {"1.4.0", "x"},
                              {"1.4.0", ""},
                              {"1.0.0", "0.0.0"}}) {
    auto fault = version_fault(mine, theirs);
    CHECK(fault.find(mine) != std::string::npos);
    CHECK(fault.find(theirs) != std::string::npos);
  }
}

TEST_CASE("node_links: two nodes speak, each knows the other's name") {
  two_nodes n;
  auto link = n.other.connect(n.head, "head");
  REQUIRE(link);
  CHECK(link->facts.node == "head");
  CHECK(n.other.ask(link->port, "hello") == "hello");
  CHECK(n.other.ask(link->port, std::string(5 << 20, 'x')).size() == 5 << 20);
  CHECK(n.head.ports.has("io-1"));
}

TEST_CASE("node_links: a link that is closed is told to both, and to who watches its actors") {
  two_nodes n;
  auto link = n.other.connect(n.head);
  REQUIRE(link);
  CHECK(dies(n.other, link->port, [&] { n.other.links->close(link->facts.number, "because"); }));
  CHECK(n.other.closed.has("head: because"));
  CHECK(n.head.closed.has("io-1: "));
  auto again = n.other.connect(n.head);
  REQUIRE(again);
  CHECK(n.other.ask(again->port, "again") == "again");
  CHECK(dies(n.other, again->port, [&] { n.head.links->stop(); }));
}

TEST_CASE("node_links: of a link that has ended the framework keeps no helper") {
  two_nodes n;
  auto helpers = [](linked_node& of) {
    auto broker = of.system.middleman().named_broker<caf::io::basp_broker>(caf::atom("BASP"));
    std::promise<size_t> count;
    of.system.middleman().backend().post([&] {
      auto* state = caf::actor_cast<caf::abstract_actor*>(broker);
      count.set_value(static_cast<caf::io::basp_broker*>(state)->spawn_servers.size());
    });
    return count.get_future().get();
  };
  auto link = n.other.connect(n.head);
  REQUIRE(link);
  // The head has heard of the other by the time it answers.
  CHECK(n.other.ask(link->port, "hello") == "hello");
  CHECK(helpers(n.other) == 1);
  CHECK(helpers(n.head) == 1);
  n.other.links->close(link->facts.number, "a test");
  CHECK(n.other.closed.has("head: "));
  CHECK(n.head.closed.has("io-1: "));
  CHECK(helpers(n.other) == 0);
  CHECK(helpers(n.head) == 0);
}

TEST_CASE("node_links: of two links one ends, the other stays") {
  two_nodes n;
  linked_node third{"io-2", &n.head.own};
  REQUIRE_FALSE(third.open());
  auto first = n.other.connect(n.head);
  auto second = third.connect(n.head);
  REQUIRE(first);
  REQUIRE(second);
  n.other.links->close(first->facts.number, "cut");
  CHECK(n.head.closed.has("io-1: "));
  CHECK(third.ask(second->port, "still here") == "still here");
  CHECK(third.closed.size() == 0);
}

TEST_CASE("node_links: a certificate of another name, cluster or time is refused") {
  two_nodes n;
  SECTION("the dialled one has another name") {
    auto link = n.other.connect(n.head, "io-7");
    CHECK(code_of(link.error()) == errc::not_authorised);
    CHECK(refusal(link.error()).find("head") != std::string::npos);
  }
  SECTION("the dialler says another name than its certificate") {
    raw_peer liar{n.head.links->address(), &n.other.own};
    REQUIRE_FALSE(liar.shake());
    REQUIRE_FALSE(liar.say("ELASTICTAPE-NODE 1 " + std::to_string(protocol_version) + " " +
                           version_text + " head\n"));
    CHECK(liar.hear_all().starts_with("no "));
  }
  SECTION("another cluster dials, and is dialled") {
    linked_node stranger{"io-1"};
    REQUIRE_FALSE(stranger.open());
    CHECK_FALSE(stranger.connect(n.head));
    CHECK_FALSE(n.head.connect(stranger));
    CHECK(stranger.ports.size() == 0);
  }
  SECTION("expired") {
    manual_clock past{system_clock().now_ns() - 100 * 86'400'000'000'000};
    certificates before{n.head.own.folder(), &past};
    linked_node late{"io-3", &before, past};
    auto error = late.open();
    if (!error) CHECK_FALSE(late.connect(n.head));
    raw_peer peer{n.head.links->address(), &late.own};
    if (!peer.shake() && !peer.say("ELASTICTAPE-NODE 1 " + std::to_string(protocol_version) + " " +
                                   version_text + " io-3\n"))
      CHECK(peer.hear_all().empty());
  }
  CHECK(n.head.ports.size() == 0);
  CHECK(n.other.ports.size() == 0);
}

TEST_CASE("node_links: programs too far apart are told why") {
  two_nodes n;
  auto answer = [&](const std::string& words) {
    raw_peer peer{n.head.links->address(), &n.other.own};
    REQUIRE_FALSE(peer.shake());
    REQUIRE_FALSE(peer.say("ELASTICTAPE-NODE 1 " + words + " io-1\n"));
    return peer.hear_all();
  };
  auto protocol = std::to_string(protocol_version);
  auto far = answer(protocol + " 7.0.0");
  CHECK(far.starts_with("no "));
  CHECK(far.find("7.0.0") != std::string::npos);
  CHECK(far.find(version_text) != std::string::npos);
  CHECK(answer("99 " + std::string{version_text}).starts_with("no "));
  CHECK(n.head.ports.size() == 0);
}

TEST_CASE("node_links: strangers reach nothing") {
  two_nodes n;
  auto link = n.other.connect(n.head);
  REQUIRE(link);
  auto crash = frame(2, 1, 1, 1, bytes(4, 0xff));
  std::string header(crash.begin(), crash.end());
  SECTION("without TLS") {
    for (auto text : {header, std::string(5000, '\x16'), std::string{"GET / HTTP/1.1\r\n\r\n"},
                      "ELASTICTAPE-NODE 1 1 1 io-1\n" + header}) {
      auto socket = connect_plain(n.head.links->address());
      (void)!::send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL);
      ::shutdown(socket.get(), SHUT_WR);
      CHECK(ends(socket.get()));
    }
  }
  SECTION("without a certificate") {
    for (auto text : {"ELASTICTAPE-NODE 1 " + std::to_string(protocol_version) + " " +
                          version_text + " io-1\n" + header,
                      header + header, std::string(200'000, 'E') + "\n"}) {
      raw_peer stranger{n.head.links->address(), nullptr};
      if (stranger.shake() || stranger.say(text)) continue;
      CHECK_FALSE(stranger.hear_all().starts_with("ok"));
    }
  }
  SECTION("half open, many") {
    std::vector<unique_fd> silent;
    for (int i = 0; i < 300; ++i) silent.push_back(connect_plain(n.head.links->address()));
    linked_node third{"io-2", &n.head.own};
    REQUIRE_FALSE(third.open());
    auto second = third.connect(n.head);
    REQUIRE(second);
    CHECK(third.ask(second->port, "in spite of them") == "in spite of them");
  }
  CHECK(n.head.ports.size() <= 2);
  CHECK(n.other.ask(link->port, "unharmed") == "unharmed");
  CHECK(n.other.closed.size() == 0);
}

TEST_CASE("node_links: a node that sends what no sound node sends loses its link, nobody else") {
  two_nodes n;
  linked_node bad{"io-2", &n.head.own};
  auto link = n.other.connect(n.head);
  REQUIRE(link);
  auto wire = [](uint32_t process) {
    bytes name;
    append(name, static_cast<uint64_t>(caf::atom("default")), 8);
    append(name, process, 4);
    name.resize(32, 0x5a);
    return name;
  };
  auto hello = frame(1, 0, 0, 0, wire(4711));
  auto huge = frame(2, 0, 1, 1, {});
  huge[4] = huge[5] = huge[6] = huge[7] = 0xff;
  auto padded = frame(6, 0, 0, 0, {});
  padded[1] = 1;
  auto by_name = frame(2, plain_request | 1, 1, static_cast<uint64_t>(caf::atom("ConfigServ")), {});
  by_name[3] = 1;
  auto of_another = wire(4711);
  auto second = wire(4712);
  of_another.insert(of_another.end(), second.begin(), second.end());
  bytes random;
  for (uint32_t i = 0, x = 12345; i < 4096; ++i)
    random.push_back(static_cast<uint8_t>((x = x * 1664525 + 1013904223) >> 24));
  for (const auto& attack :
       {huge, padded, by_name, frame(3, 0, 1, 1, bytes(80)), frame(0, 3, 0, 0, wire(4711)),
        frame(1, 0, 0, 0, wire(4712)), frame(4, 0, 0, 1, of_another), frame(5, 0, 1, 0, of_another),
        frame(7, 0, 0, 0, {}), frame(2, 0, 1, 0, {}), random}) {
    raw_peer peer{n.head.links->address(), &bad.own};
    peer.greet("io-2");
    std::string text(hello.begin(), hello.end());
    text.append(attack.begin(), attack.end());
    CHECK_FALSE(peer.say(text));
    peer.hear_all();  // comes to an end
  }
  // The name that another node has on the wire.
  raw_peer thief{n.head.links->address(), &bad.own};
  thief.greet("io-2");
  auto stolen = wire_node(n.other.system.node());
  auto takes = frame(1, 0, 0, 0, {stolen.begin(), stolen.end()});
  CHECK_FALSE(thief.say({reinterpret_cast<const char*>(takes.data()), takes.size()}));
  thief.hear_all();
  CHECK(n.other.ask(link->port, "unharmed") == "unharmed");
}

TEST_CASE("node_links: a new certificate is used for new links, old links stay") {
  two_nodes n;
  auto link = n.other.connect(n.head);
  REQUIRE(link);
  auto before = n.other.own.key_fingerprint();
  enrol(n.other.own, n.head.own, "io-1");
  REQUIRE_FALSE(n.other.links->renew());
  CHECK(n.other.ask(link->port, "old") == "old");
  n.other.links->close(link->facts.number, "renewed");
  auto again = n.other.connect(n.head);
  REQUIRE(again);
  CHECK(n.other.ask(again->port, "new") == "new");
}

TEST_CASE("node_links: a node that dials once more takes the place of its lost link") {
  two_nodes n;
  auto link = n.other.connect(n.head);
  REQUIRE(link);
  auto second = n.other.connect(n.head);
  INFO((second ? std::string{} : text_of(second.error())));
  REQUIRE(second);
  CHECK(n.other.ask(second->port, "again") == "again");
  CHECK(n.other.closed.has("head: "));
  CHECK(n.head.closed.has("io-1: "));
}

TEST_CASE("node_links: stop does not wait for silent strangers") {
  two_nodes n;
  n.head.links->stop();
  REQUIRE_FALSE(n.head.open([](auto& with) { with.handshake_timeout = std::chrono::minutes{5}; }));
  auto silent = connect_plain(n.head.links->address());
  auto link = n.other.connect(n.head);
  REQUIRE(link);
  auto begin = std::chrono::steady_clock::now();
  n.head.links->stop();
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::minutes{1});
  CHECK(n.other.closed.has("head: "));
}
