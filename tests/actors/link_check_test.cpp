#include "actors/link_check.hpp"

#include <caf/all.hpp>
#include <caf/binary_serializer.hpp>
#include <catch2/catch.hpp>
#include <string>

#include "actors/basp_link.hpp"
#include "actors/node_config.hpp"
#include "actors/protocol_client.hpp"

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

/// What the framework itself makes of messages.
struct framework {
  node_config config{short_lived_node()};
  caf::actor_system system{config};

  template <class... Ts>
  bytes payload(Ts&&... words) {
    std::vector<char> out;
    caf::scoped_execution_unit context{&system};
    caf::binary_serializer sink{&context, out};
    std::vector<caf::strong_actor_ptr> stages;
    auto message = caf::make_message(std::forward<Ts>(words)...);
    REQUIRE_FALSE(sink(stages, message));
    return {out.begin(), out.end()};
  }
};

// A system for each message: it must not be alive when static objects are destroyed.
template <class... Ts>
bytes payload(Ts&&... words) {
  framework f;
  return f.payload(std::forward<Ts>(words)...);
}

const bytes& put_drop() {
  static const bytes result = payload(put_drop_atom::value, uint64_t{5});
  return result;
}

bytes greeting(uint32_t process = peer_process) {
  auto name = node(process);
  return frame{1, 0, 0, 0, 0, {name.begin(), name.end()}, {}, 0}.write();
}

link_policy policy() {
  link_policy result;
  result.destination = port;
  result.own_node = node(1);
  result.taken_node = node(2);
  result.peer_process = peer_process;
  result.max_payload_bytes = 4096;
  result.max_unanswered = 4;
  result.max_unanswered_bytes = 100'000;
  return result;
}

link_check greeted() {
  link_check check{policy()};
  auto hello = greeting();
  REQUIRE(check.inbound(hello).what == action::pass);
  return check;
}

/// The reason why a greeted peer may not send `input`; "" when it may.
std::string refusal(const bytes& input) {
  auto check = greeted();
  auto step = check.inbound(input);
  return step.what == action::refuse ? step.reason : "";
}

}  // namespace

TEST_CASE("link_check: a greeting, requests and heartbeats pass") {
  link_check check{policy()};
  auto hello = greeting();
  CHECK_FALSE(check.greeted());
  auto step = check.inbound(hello);
  CHECK(step.what == action::pass);
  CHECK(step.bytes == hello.size());
  CHECK_FALSE(step.request);
  CHECK(check.greeted());

  auto request = frame{.payload = put_drop()}.write();
  auto both = request;
  both.insert(both.end(), hello.begin(), hello.end());
  step = check.inbound(both);
  CHECK(step.what == action::pass);
  CHECK(step.bytes == request.size());
  CHECK(step.request);

  auto beat = frame{6, 0, 0, 0, 0, {}, {}, 0}.write();
  step = check.inbound(beat);
  CHECK(step.what == action::pass);
  CHECK(step.bytes == 32);
  CHECK_FALSE(step.request);
}

TEST_CASE("link_check: a frame cut anywhere waits for the rest") {
  auto request = frame{.payload = put_drop()}.write();
  for (size_t cut = 0; cut < request.size(); ++cut) {
    auto check = greeted();
    auto step = check.inbound(std::span{request}.first(cut));
    CHECK(step.what == action::more);
    CHECK(step.bytes > cut);
    CHECK(check.inbound(request).what == action::pass);
  }
  auto hello = greeting();
  for (size_t cut = 0; cut < hello.size(); ++cut) {
    link_check check{policy()};
    CHECK(check.inbound(std::span{hello}.first(cut)).what == action::more);
    CHECK_FALSE(check.greeted());
    CHECK(check.inbound(hello).what == action::pass);
  }
}

TEST_CASE("link_check: greetings that are refused") {
  auto first = [](const bytes& input) {
    link_check check{policy()};
    auto step = check.inbound(input);
    return std::string{step.what == action::refuse ? step.reason : ""};
  };
  CHECK(first(frame{.payload = put_drop()}.write()) == "no greeting first");
  CHECK(first(frame{6, 0, 0, 0, 0, {}, {}, 0}.write()) == "no greeting first");
  CHECK(first(frame{0, 0, 0, 0, 0, {}, {}, 0}.write()) == "no greeting first");
  CHECK(first(greeting(1)) == "greeting with the name of another node");
  CHECK(first(greeting(2)) == "greeting with the name of another node");
  CHECK(first(greeting(4712)) == "greeting with the name of another node");
  CHECK(first(frame{1, 2, 0, 0, 0, bytes(32), {}, 0}.write()) == "malformed greeting");
  CHECK(first(frame{1, 0, 0, 0, 0, bytes(32), {}, 0}.write()) == "malformed greeting");
  CHECK(first(frame{1, 0, 0, 0, 0, bytes(31), {}, 0}.write()) == "malformed greeting");
  CHECK(first(frame{1, 0, 0, 5, 0, bytes(32), {}, 0}.write()) == "malformed greeting");
  CHECK(refusal(greeting()) == "second greeting");
}

TEST_CASE("link_check: a peer confirms its greeting once, under its own name") {
  auto mine = node(peer_process), other = node(4712);
  frame confirm{1, 2, 0, 0, 0, {mine.begin(), mine.end()}, {}, 0};
  auto check = greeted();
  auto input = confirm.write();
  CHECK(check.inbound(std::span{input}.first(40)).what == action::more);
  CHECK(check.inbound(input).what == action::drop);
  CHECK(check.inbound(input).what == action::refuse);
  confirm.payload = {other.begin(), other.end()};
  CHECK(refusal(confirm.write()) == "greeting with the name of another node");
}

TEST_CASE("link_check: headers that are refused before their payload comes") {
  frame good{.payload = put_drop()};
  auto header_of = [](frame changed) {
    auto out = changed.write();
    out.resize(32);
    return out;
  };
  auto bad = good;
  bad.claimed = 0xffff'ffff;
  CHECK(refusal(header_of(bad)) == "payload too large");
  bad.claimed = 4097;
  CHECK(refusal(header_of(bad)) == "payload too large");
  bad = good;
  bad.destination = 1;
  CHECK(refusal(header_of(bad)) == "message to another actor");
  bad = good;
  bad.flags = 1;
  CHECK(refusal(header_of(bad)) == "message to an actor by name");
  bad.flags = 2;
  CHECK(refusal(header_of(bad)) == "message to an actor by name");
  bad.flags = 1;
  bad.destination = static_cast<uint64_t>(caf::atom("ConfigServ"));
  CHECK(refusal(header_of(bad)) == "message to an actor by name");
  bad = good;
  bad.source = 0;
  CHECK(refusal(header_of(bad)) == "request without a sender");
  bad = good;
  bad.padding = 1;
  CHECK(refusal(header_of(bad)) == "malformed header");
  const std::vector<uint64_t> no_requests{0,
                                          plain_request,
                                          1,
                                          0x9000'0000'0000'0001,
                                          0x5000'0000'0000'0001,
                                          0x2000'0000'0000'0001,
                                          0x3000'0000'0000'0001};
  for (auto data : no_requests) {
    bad = good;
    bad.data = data;
    CHECK(refusal(header_of(bad)) == "message that is no request");
  }
  for (int operation : {0, 3, 7, 8, 255}) {
    bad = good;
    bad.operation = static_cast<uint8_t>(operation);
    CHECK(refusal(header_of(bad)) == "operation not allowed");
  }
  CHECK(refusal(frame{6, 0, 0, 0, 1, {}, {}, 0}.write()) == "malformed heartbeat");
  CHECK(refusal(frame{6, 0, 0, 0, 0, {1}, {}, 0}.write()) == "malformed heartbeat");
}

TEST_CASE("link_check: only well-formed messages of the interface pass") {
  constexpr auto no = "message that is not in the interface";
  auto verdict = [](bytes content) {
    return refusal(frame{.payload = std::move(content)}.write());
  };
  CHECK(verdict(put_drop()).empty());
  CHECK(verdict(payload(hello_atom::value, std::string{"1"})).empty());
  CHECK(verdict(payload(admin_inspect_atom::value)).empty());
  CHECK(verdict(payload(get_want_atom::value, retrieval_id{7}, std::vector<wanted_range>(3), true))
            .empty());
  CHECK(verdict(payload(put_chunk_atom::value, uint64_t{1}, packed_page{1, bytes(1000)})).empty());
  CHECK(verdict(payload(admin_add_atom::value,
                        workspace_record{.name = "w", .roots = {"/a", "/b"}, .managers = {"m"}}))
            .empty());
  CHECK(verdict(payload(get_end_atom::value, retrieval_id{1}, retrieval_outcome{})).empty());

  CHECK(verdict({}) == no);
  CHECK(verdict(payload(caf::exit_msg{{}, caf::exit_reason::kill})) == no);
  CHECK(verdict(payload(caf::down_msg{{}, caf::exit_reason::kill})) == no);
  CHECK(verdict(payload(caf::sys_atom::value, caf::get_atom::value, std::string{"info"})) == no);
  CHECK(verdict(payload(caf::link_atom::value, caf::strong_actor_ptr{})) == no);
  CHECK(verdict(payload(fail(errc::internal, "x"))) == no);
  CHECK(verdict(payload(stop_atom::value, uint64_t{5})) == no);
  CHECK(verdict(payload(put_drop_atom::value, std::string{"5"})) == no);
  CHECK(verdict(payload(put_drop_atom::value)) == no);
  CHECK(verdict(payload(uint64_t{5})) == no);
}

TEST_CASE("link_check: a payload that is cut, longer or with another first byte is refused") {
  constexpr auto no = "message that is not in the interface";
  auto whole = payload(put_chunk_atom::value, uint64_t{1}, packed_page{1, bytes(100)});
  for (size_t cut = 0; cut < whole.size(); ++cut)
    CHECK(refusal(
              frame{.payload = {whole.begin(), whole.begin() + static_cast<long>(cut)}}.write()) ==
          no);
  auto longer = whole;
  longer.push_back(0);
  CHECK(refusal(frame{.payload = longer}.write()) == no);
  auto stages = whole;
  stages[0] = 1;
  CHECK(refusal(frame{.payload = stages}.write()) == no);
}

TEST_CASE("link_check: lengths that do not fit are refused") {
  constexpr auto no = "message that is not in the interface";
  auto page = payload(put_chunk_atom::value, uint64_t{1}, packed_page{1, bytes{}});
  REQUIRE(page.back() == 0);
  page.pop_back();
  for (auto length : {bytes{1}, bytes{0xff, 0xff, 0xff, 0xff, 0x0f},
                      bytes{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01},
                      bytes{0x80}, bytes{0x80, 0x80, 0x80, 0x80, 0x80, 0x00}}) {
    auto claimed = page;
    claimed.insert(claimed.end(), length.begin(), length.end());
    CHECK(refusal(frame{.payload = claimed}.write()) == no);
  }
  std::vector<wanted_range> many(max_payload_elements + 1);
  auto big = policy();
  big.max_payload_bytes = 16 << 20;
  for (auto [count, allowed] :
       {std::pair{max_payload_elements, true}, std::pair{max_payload_elements + 1, false}}) {
    many.resize(count);
    link_check check{big};
    auto hello = greeting();
    REQUIRE(check.inbound(hello).what == action::pass);
    auto input =
        frame{.payload = payload(get_want_atom::value, retrieval_id{7}, many, true)}.write();
    CHECK((check.inbound(input).what == action::pass) == allowed);
  }
}

TEST_CASE("link_check: monitors of the one actor pass, a few times") {
  auto mine = node(peer_process), own = node(1);
  bytes names{mine.begin(), mine.end()};
  names.insert(names.end(), own.begin(), own.end());
  frame good{4, 0, 0, 0, port, names, {}, 0};
  auto check = greeted();
  for (int i = 0; i < 16; ++i) CHECK(check.inbound(good.write()).what == action::pass);
  CHECK(check.inbound(good.write()).what == action::refuse);

  auto bad = good;
  bad.destination = 1;
  CHECK(refusal(bad.write()) == "monitor of another actor");
  bad = good;
  bad.payload.pop_back();
  CHECK(refusal(bad.write()) == "monitor of another actor");
  for (size_t at : {size_t{0}, size_t{12}, size_t{32}, size_t{63}}) {
    bad = good;
    bad.payload[at] ^= 1;
    CHECK(refusal(bad.write()) == "monitor between other nodes");
  }
}

TEST_CASE("link_check: what the framework sends on its own account is dropped") {
  auto info = payload(caf::sys_atom::value, caf::get_atom::value, std::string{"info"});
  frame ask{2, 1, plain_request, 3, static_cast<uint64_t>(caf::atom("SpawnServ")), info, {}, 0};
  auto check = greeted();
  auto step = check.inbound(ask.write());
  CHECK(step.what == action::drop);
  CHECK(step.bytes == ask.write().size());
  CHECK(check.inbound(ask.write()).what == action::drop);
  CHECK(check.inbound(ask.write()).what == action::refuse);
  frame down{5, 0, 0, sender, 0, bytes(100), {}, 0};
  CHECK(greeted().inbound(down.write()).what == action::drop);
  down.payload.resize(4097);
  CHECK(refusal(down.write()) == "payload too large");
}

TEST_CASE("link_check: requests under way are bounded until they are answered") {
  auto check = greeted();
  frame request{.payload = put_drop()};
  for (uint64_t id = 1; id <= 4; ++id) {
    CHECK_FALSE(check.saturated());
    request.data = plain_request | id;
    CHECK(check.inbound(request.write()).what == action::pass);
  }
  CHECK(check.saturated());
  frame answer{2, 0, 0x9000'0000'0000'0000 | 2, port, sender, {1, 2, 3}, {}, 0};
  auto out = answer.write();
  CHECK(check.outbound(out).what == action::pass);
  CHECK_FALSE(check.saturated());

  request.data = plain_request | 3;
  auto twice = check.inbound(request.write());
  CHECK(twice.what == action::refuse);
  CHECK(twice.reason == std::string{"request sent twice"});

  auto small = policy();
  small.max_unanswered_bytes = 10;
  link_check bytes_bound{small};
  auto hello = greeting();
  REQUIRE(bytes_bound.inbound(hello).what == action::pass);
  REQUIRE(bytes_bound.inbound(request.write()).what == action::pass);
  CHECK(bytes_bound.saturated());
}

TEST_CASE("link_check: a peer cannot fill our process with senders") {
  auto wide = policy();
  wide.max_unanswered = 1000;
  link_check check{wide};
  auto hello = greeting();
  REQUIRE(check.inbound(hello).what == action::pass);
  frame request{.payload = put_drop()};
  for (request.source = 1; request.source <= 16; ++request.source)
    CHECK(check.inbound(request.write()).what == action::pass);
  CHECK(check.inbound(request.write()).what == action::refuse);
}

TEST_CASE("link_check: outbound bytes pass in any pieces, questions to strangers are dropped") {
  auto info = payload(caf::sys_atom::value, caf::get_atom::value, std::string{"info"});
  frame ask{2, 1, plain_request, 3, static_cast<uint64_t>(caf::atom("SpawnServ")), info, {}, 0};
  frame answer{2, 0, 0x9000'0000'0000'0001, port, sender, bytes(10'000, 9), {}, 0};
  bytes input, expected;
  for (const auto& part : {answer.write(), ask.write(), answer.write()})
    input.insert(input.end(), part.begin(), part.end());
  for (const auto& part : {answer.write(), answer.write()})
    expected.insert(expected.end(), part.begin(), part.end());
  for (size_t piece : {1, 7, 31, 32, 33, 100, 4096, 100'000}) {
    auto check = greeted();
    bytes passed, held;
    for (size_t at = 0; at < input.size(); at += piece) {
      auto end = std::min(input.size(), at + piece);
      held.insert(held.end(), input.begin() + static_cast<long>(at),
                  input.begin() + static_cast<long>(end));
      while (!held.empty()) {
        auto step = check.outbound(held);
        REQUIRE(step.what != action::refuse);
        if (step.what == action::more) break;
        auto taken = held.begin() + static_cast<long>(step.bytes);
        if (step.what == action::pass) passed.insert(passed.end(), held.begin(), taken);
        held.erase(held.begin(), taken);
      }
    }
    CHECK(held.empty());
    CHECK(passed == expected);
  }
}

TEST_CASE("link_check: a node's name on the wire is what the framework sends") {
  framework f;
  std::vector<char> out;
  caf::scoped_execution_unit context{&f.system};
  caf::binary_serializer sink{&context, out};
  auto name = f.system.node();
  REQUIRE_FALSE(sink(name));
  auto wire = wire_node(name);
  CHECK(bytes(out.begin(), out.end()) == bytes(wire.begin(), wire.end()));
}
