// What passes on links between nodes of a cluster.
#include <catch2/catch.hpp>
#include <string>

#include "actors/atoms.hpp"
#include "actors/link_check.hpp"

using namespace et;

namespace {

using action = link_step::action;

constexpr uint64_t port = 42;
constexpr uint64_t sender = 7;
constexpr uint64_t plain_request = 0x1000'0000'0000'0000;
constexpr uint32_t peer_process = 4711;

void append(bytes& out, uint64_t value, size_t size_bytes) {
  for (size_t i = size_bytes; i > 0; --i) out.push_back(static_cast<uint8_t>(value >> 8 * (i - 1)));
}

node_bytes node(uint32_t process) {
  bytes out;
  append(out, static_cast<uint64_t>(caf::atom("default")), 8);
  append(out, process, 4);
  out.resize(32, 0xab);
  node_bytes result;
  std::copy(out.begin(), out.end(), result.begin());
  return result;
}

struct frame {
  uint8_t operation = 2;
  uint8_t flags = 0;
  uint64_t data = plain_request | 1;
  uint64_t source = sender;
  uint64_t destination = port;
  bytes payload;
  std::optional<uint32_t> claimed;
  uint16_t padding = 0;

  bytes write() const {
    bytes out{operation};
    append(out, padding, 2);
    append(out, flags, 1);
    append(out, claimed.value_or(static_cast<uint32_t>(payload.size())), 4);
    append(out, data, 8);
    append(out, source, 8);
    append(out, destination, 8);
    out.insert(out.end(), payload.begin(), payload.end());
    return out;
  }
};

bytes greeting(uint32_t process = peer_process) {
  auto name = node(process);
  return frame{1, 0, 0, 0, 0, {name.begin(), name.end()}, {}, 0}.write();
}

/// A greeting as the accepting side sends it: name, and more that the framework reads.
bytes service_greeting(uint32_t process = peer_process, size_t more = 100) {
  auto name = node(process);
  frame greets{0, 0, 3, 0, 0, {name.begin(), name.end()}, {}, 0};
  greets.payload.resize(name.size() + more);
  return greets.write();
}

link_policy node_policy(peer_kind peer) {
  link_policy result;
  result.peer = peer;
  result.own_node = node(1);
  result.max_payload_bytes = 32 << 20;
  return result;
}

link_check linked(peer_kind peer = peer_kind::dialling_node) {
  link_check check{node_policy(peer)};
  auto hello = peer == peer_kind::dialling_node ? greeting() : service_greeting();
  REQUIRE(check.inbound(hello).what == action::pass);
  return check;
}

std::string node_refusal(const bytes& input, peer_kind peer = peer_kind::dialling_node) {
  auto check = linked(peer);
  auto step = check.inbound(input);
  return step.what == action::refuse ? step.reason : "";
}

bytes names(uint32_t from = peer_process, uint32_t to = 1, size_t more = 0) {
  bytes result;
  for (auto process : {from, to})
    for (auto byte : node(process)) result.push_back(byte);
  for (size_t i = 0; i < more; ++i) result.push_back(0);
  return result;
}

}  // namespace

TEST_CASE("link_check: a node speaks to every actor, in any kind of message") {
  for (auto peer : {peer_kind::dialling_node, peer_kind::accepting_node}) {
    auto check = linked(peer);
    CHECK(check.greeted());
    for (uint64_t data : {uint64_t{0}, plain_request | 1, uint64_t{0x9000'0000'0000'0001}}) {
      for (uint64_t to : {1, 42, 4711}) {
        auto message = frame{2, 0, data, 0, to, bytes(100, 7), {}, 0}.write();
        auto step = check.inbound(message);
        CHECK(step.what == action::pass);
        CHECK(step.bytes == message.size());
      }
    }
    CHECK_FALSE(check.saturated());
    CHECK(check.inbound(frame{4, 0, 0, 0, 99, names(), {}, 0}.write()).what == action::pass);
    CHECK(check.inbound(frame{5, 0, 0, 99, 0, names(peer_process, 1, 40), {}, 0}.write()).what ==
          action::pass);
    CHECK(check.inbound(frame{6, 0, 0, 0, 0, {}, {}, 0}.write()).what == action::pass);
  }
}

TEST_CASE("link_check: a node's large message passes in the pieces in which it comes") {
  auto message = frame{2, 0, 0, 3, 42, bytes(100'000, 7), {}, 0}.write();
  auto beat = frame{6, 0, 0, 0, 0, {}, {}, 0}.write();
  auto bad = frame{3, 0, 0, 0, 0, {}, {}, 0}.write();
  bytes input = message;
  input.insert(input.end(), beat.begin(), beat.end());
  input.insert(input.end(), bad.begin(), bad.end());
  for (size_t piece : {1, 31, 32, 33, 5000, 200'000}) {
    auto check = linked();
    bytes held;
    size_t passed = 0;
    std::string why;
    for (size_t at = 0; at < input.size() && why.empty(); at += piece) {
      auto end = std::min(input.size(), at + piece);
      held.insert(held.end(), input.begin() + static_cast<long>(at),
                  input.begin() + static_cast<long>(end));
      while (!held.empty()) {
        auto step = check.inbound(held);
        if (step.what == action::refuse) why = step.reason;
        if (step.what != action::pass) break;
        passed += step.bytes;
        held.erase(held.begin(), held.begin() + static_cast<long>(step.bytes));
      }
    }
    CHECK(passed == message.size() + beat.size());
    CHECK(why == "operation not allowed");
  }
}

TEST_CASE("link_check: what no sound node sends ends its link") {
  for (auto peer : {peer_kind::dialling_node, peer_kind::accepting_node}) {
    auto header_of = [](const frame& changed) {
      auto out = changed.write();
      out.resize(32);
      return out;
    };
    auto refused = [&](const frame& one) { return node_refusal(header_of(one), peer); };
    frame message{2, 0, plain_request | 1, sender, port, bytes(8), {}, 0};
    auto bad = message;
    bad.claimed = 0xffff'ffff;
    CHECK(refused(bad) == "payload too large");
    bad.claimed = (32u << 20) + 1;
    CHECK(refused(bad) == "payload too large");
    bad = message;
    bad.padding = 1;
    CHECK(refused(bad) == "malformed header");
    bad = message;
    bad.destination = 0;
    CHECK(refused(bad) == "message to no actor");
    bad = message;
    bad.flags = 1;
    CHECK(refused(bad) == "message to an actor by name");
    bad.destination = static_cast<uint64_t>(caf::atom("ConfigServ"));
    CHECK(refused(bad) == "message to an actor by name");
    for (int operation : {3, 7, 8, 255}) {
      bad = message;
      bad.operation = static_cast<uint8_t>(operation);
      CHECK(refused(bad) == "operation not allowed");
    }
    CHECK_FALSE(node_refusal(greeting(), peer).empty());
    CHECK_FALSE(node_refusal(service_greeting(), peer).empty());
    CHECK(node_refusal(frame{6, 0, 0, 0, 0, {1}, {}, 0}.write(), peer) == "malformed heartbeat");
    for (uint8_t operation : {uint8_t{4}, uint8_t{5}}) {
      auto says = [&](const bytes& payload) {
        return node_refusal(frame{operation, 0, 0, 0, 99, payload, {}, 0}.write(), peer);
      };
      CHECK(says(names()).empty());
      CHECK(says(names(4712)) == "monitor between other nodes");
      CHECK(says(names(peer_process, 2)) == "monitor between other nodes");
      CHECK(says(bytes(63)) == "malformed monitor");
      CHECK(says(names(peer_process, 1, 5000)) == "malformed monitor");
    }
  }
}

TEST_CASE("link_check: greetings of nodes are of their side, whole, and under their own name") {
  auto first = [](peer_kind peer, const bytes& input) {
    auto with = node_policy(peer);
    with.is_free = [](const node_bytes& name) { return name != node(7); };
    link_check check{with};
    auto step = check.inbound(input);
    return step.what == action::refuse ? std::string{step.reason} : std::string{};
  };
  auto dials = peer_kind::dialling_node, accepts = peer_kind::accepting_node;
  CHECK(first(dials, greeting()).empty());
  CHECK(first(accepts, service_greeting()).empty());
  CHECK(first(dials, service_greeting()) == "no greeting first");
  CHECK(first(accepts, greeting()) == "no greeting first");
  for (auto peer : {dials, accepts}) {
    auto greets = [&](uint32_t process) {
      return first(peer, peer == dials ? greeting(process) : service_greeting(process));
    };
    CHECK(greets(1) == "greeting with the name of another node");
    CHECK(greets(7) == "greeting with the name of another node");
    CHECK(first(peer, frame{2, 0, 0, 3, 42, bytes(8), {}, 0}.write()) == "no greeting first");
    CHECK(first(peer, frame{6, 0, 0, 0, 0, {}, {}, 0}.write()) == "no greeting first");
  }
  CHECK(first(accepts, service_greeting(peer_process, 70'000)) == "malformed greeting");
  CHECK(first(accepts, frame{0, 0, 3, 0, 0, bytes(31), {}, 0}.write()) == "malformed greeting");
  CHECK(first(accepts, frame{0, 0, 3, 5, 0, bytes(100), {}, 0}.write()) == "malformed greeting");
  auto whole = service_greeting();
  link_check check{node_policy(accepts)};
  for (size_t cut = 0; cut < whole.size(); ++cut)
    CHECK(check.inbound(std::span{whole}.first(cut)).what == action::more);
  CHECK_FALSE(check.greeted());
}
