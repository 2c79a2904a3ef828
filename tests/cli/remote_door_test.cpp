// Clients of other machines: who gets in, as whom, and for how long.

#include <fstream>

#include "tests/cli/remote_fixture.hpp"

using namespace et;
using namespace et::test;
using namespace std::chrono_literals;

TEST_CASE("remote door: a token lets its user in over TLS, and is in the audit") {
  remote_service s;
  auto session = s.connect();
  CHECK(session->info().user == "anna");
  CHECK_FALSE(session->info().administrator);
  CHECK(s.door->sessions().at(0).uid == 1001);
  auto data = session->call<bytes>(get_data_atom::value, retrieval_id{1}, aggregation_id{},
                                   uint64_t{7}, uint32_t{1 << 20});
  REQUIRE(data);
  CHECK(*data == bytes(1 << 20, 7));
  auto put = session->call<std::vector<entry_error>>(put_chunk_atom::value, uint64_t{1},
                                                     packed_page{1, bytes(1 << 20, 3)});
  REQUIRE(put);
  CHECK(put->at(0).index == 1 << 20);
  CHECK(session->take_descriptor(1).get() < 0);
  auto seen = s.audited();
  REQUIRE(seen.size() == 1);
  CHECK(seen[0].action == "login");
  CHECK(seen[0].user == "anna");
  CHECK(seen[0].outcome == errc::none);
  CHECK(seen[0].from.starts_with("127.0.0.1:"));
  CHECK(seen[0].from.ends_with(" token 7"));
  session.reset();
  CHECK(s.sessions_become(0));
}

TEST_CASE("remote door: the process that reads what strangers say has no rights") {
  remote_service s;
  auto session = s.connect();
  std::ifstream status{"/proc/" + std::to_string(s.door->sessions().at(0).process) + "/status"};
  std::map<std::string, std::string> facts;
  for (std::string name, rest; status >> name && std::getline(status, rest);) facts[name] = rest;
  CHECK(facts["NoNewPrivs:"] == "\t1");
  if (::geteuid() != 0) return;
  CHECK(facts["Uid:"] == "\t65534\t65534\t65534\t65534");
  CHECK(facts["Gid:"] == "\t65534\t65534\t65534\t65534");
  CHECK(facts["CapEff:"] == "\t0000000000000000");
  CHECK(facts["Groups:"].find_first_not_of("\t ") == std::string::npos);
}

TEST_CASE("remote door: what proves nothing is refused with the reason, and audited") {
  remote_service s;
  auto refused = [&](credential::kind how, const std::string& text) {
    auto result = client::connect(s.door->remote_address(), s.options(how, text));
    REQUIRE_FALSE(result);
    INFO(text_of(result.error()));
    CHECK(code_of(result.error()) == errc::not_authorised);
    return text_of(result.error());
  };
  CHECK(refused(credential::kind::token, make_token(system_random())->text).find("no such token") !=
        std::string::npos);
  CHECK(refused(credential::kind::munge, "MUNGE:abc").find("not taken here") != std::string::npos);
  CHECK(refused(credential::kind::ticket, "abc").find("ticket is not good") != std::string::npos);
  s.add("zoe");
  CHECK(refused(credential::kind::token, s.token).find("no user zoe") != std::string::npos);
  s.add("anna", 1);
  CHECK(refused(credential::kind::token, s.token).find("has expired") != std::string::npos);
  CHECK(s.sessions_become(0));
  // One record; the others of this minute and address are counted.
  auto seen = s.audited();
  REQUIRE(seen.size() == 1);
  CHECK(seen[0].outcome == errc::not_authorised);
  CHECK(seen[0].user.empty());
}

TEST_CASE("remote door: another server does not get to see the token") {
  remote_service s, stranger;
  auto options = stranger.options();
  // Trusts its own authority; what it reaches is somebody else's.
  auto result = client::connect(s.door->remote_address(), options);
  REQUIRE_FALSE(result);
  CHECK(code_of(result.error()) == errc::not_authorised);
  CHECK(text_of(result.error()).find("not the server that is trusted") != std::string::npos);

  auto key = read_small_file(s.file("cert.pem"), max_pem_bytes);
  REQUIRE(key);
  options = s.options();
  options.trust.ca_file.clear();
  options.trust.fingerprint = *fingerprint_of(*key);
  auto pinned = client::connect(s.door->remote_address(), options);
  CHECK(pinned);
  options.trust.fingerprint.back() = options.trust.fingerprint.back() == '0' ? '1' : '0';
  result = client::connect(s.door->remote_address(), options);
  REQUIRE_FALSE(result);
  CHECK(code_of(result.error()) == errc::not_authorised);
  // Nobody said anything that was refused.
  for (auto& one : s.audited()) CHECK(one.outcome != errc::not_authorised);
  options.trust.fingerprint = "ab";
  CHECK(code_of(client::connect(s.door->remote_address(), options).error()) ==
        errc::invalid_argument);
}

TEST_CASE("remote door: a session ends with its token") {
  remote_service s{[](auto& options) { options.remote->recheck_period = 20ms; }};
  auto session = s.connect();
  CHECK(works(*session));
  SECTION("that is revoked") {
    s.revoke_all();
  }
  SECTION("that expires") {
    session.reset();
    REQUIRE(s.sessions_become(0));
    s.add("anna", system_clock().now_ns() + 1'500'000'000);
    session = s.connect();
  }
  CHECK(s.sessions_become(0));
  CHECK_FALSE(works(*session));
}

TEST_CASE("remote door: a ticket opens the actor that it is for") {
  std::mutex mutex;
  std::vector<std::string> given;
  caf::actor_system* system = nullptr;
  remote_service s{[&](auto& options) {
    options.remote->ticket_port = [&](const std::string& ticket,
                                      uint64_t) -> caf::strong_actor_ptr {
      {
        std::lock_guard lock{mutex};
        given.push_back(ticket);
      }
      if (ticket != "good") return nullptr;
      identity who;
      who.user = "by ticket";
      return caf::actor_cast<caf::strong_actor_ptr>(system->spawn(dummy_port, who));
    };
  }};
  system = &s.system;
  auto pem = read_small_file(s.file("cert.pem"), max_pem_bytes);
  auto fingerprint = *fingerprint_of(*pem);
  auto session = client::connect_with_ticket(s.door->remote_address(), fingerprint, "good", 20s);
  REQUIRE(session);
  CHECK((*session)->info().user == "by ticket");
  CHECK_FALSE(client::connect_with_ticket(s.door->remote_address(), fingerprint, "bad", 20s));
  std::lock_guard lock{mutex};
  CHECK(given == std::vector<std::string>{"good", "bad"});
}

TEST_CASE("remote door: sessions of a user and of an address are bounded") {
  remote_service s{[](auto& options) {
    options.max_sessions_per_user = 2;
    options.remote->max_sessions_per_address = 3;
  }};
  auto first = s.connect();
  auto second = s.connect();
  auto third = s.try_connect();
  REQUIRE_FALSE(third);
  CHECK(code_of(third.error()) == errc::limit_reached);
  first.reset();
  REQUIRE(s.sessions_become(1));
  CHECK(s.try_connect());
}

TEST_CASE("remote door: certificates and keys that cannot be used are told at the start") {
  remote_service s;
  auto opens = [&](const std::string& certificate, const std::string& key) {
    front_door::options options;
    options.socket = s.file("other.sock");
    options.remote = front_door::remote_options{};
    options.remote->listen = "127.0.0.1:0";
    options.remote->certificate = certificate;
    options.remote->key = key;
    auto opened =
        front_door::open(s.system, options, [](const identity&, uint64_t) { return nullptr; });
    return opened ? errc::none : code_of(opened.error());
  };
  CHECK(opens(s.file("cert.pem"), s.file("key.pem")) == errc::none);
  s.authority.issue("other", s.file("cert2.pem"), s.file("key2.pem"), 0640);
  CHECK(opens(s.file("cert2.pem"), s.file("key2.pem")) == errc::invalid_argument);
  CHECK(opens(s.file("cert2.pem"), s.file("key.pem")) == errc::invalid_argument);
  CHECK(opens(s.file("none.pem"), s.file("key.pem")) == errc::not_found);
}

TEST_CASE(
    "remote door: a client that lies in the framework's protocol ends its own session alone") {
  remote_service s;
  auto other = s.connect();
  auto stream = connect_remote(s.door->remote_address(), s.options());
  REQUIRE(stream);
  auto bridge = tls_bridge::start(std::move(*stream));
  REQUIRE(bridge);
  raw_client h{(*bridge)->take_plain()};
  auto then = [&](bytes bad) {
    auto input = h.greeting();
    input.insert(input.end(), bad.begin(), bad.end());
    return input;
  };
  auto exit = exit_payload(h.own_node());
  bytes input;
  SECTION("garbage") {
    input = bytes(10'000, 0x47);
  }
  SECTION("a header that claims 4 GiB") {
    auto big = h.frame(2, 0, plain_request, 1, h.actor, {});
    for (size_t i = 4; i < 8; ++i) big[i] = 0xff;
    input = then(big);
  }
  SECTION("the name of the session's node") {
    input = h.frame(1, 0, 0, 0, 0, h.host_node);
  }
  SECTION("another actor") {
    input = then(h.frame(2, 0, plain_request, 1, 1, exit));
  }
  SECTION("the service's actors by number") {
    input = then(h.frame(2, 0, plain_request, 1, h.actor + 1, exit));
  }
  SECTION("an actor by name") {
    input =
        then(h.frame(2, 1, plain_request, 1, static_cast<uint64_t>(caf::atom("ConfigServ")), exit));
  }
  SECTION("the spawn server by name, again and again") {
    // Once the framework asks that itself, which is dropped.
    auto spawn =
        h.frame(2, 1, plain_request, 1, static_cast<uint64_t>(caf::atom("SpawnServ")), bytes(64));
    bytes many;
    for (int i = 0; i < 100; ++i) many.insert(many.end(), spawn.begin(), spawn.end());
    input = then(many);
  }
  SECTION("a routed message") {
    input = then(h.frame(3, 0, plain_request, 1, h.actor, bytes(200)));
  }
  SECTION("an exit message") {
    input = then(h.frame(2, 0, plain_request, 1, h.actor, exit));
  }
  SECTION("a wrong type") {
    input = then(h.frame(2, 0, plain_request, 1, h.actor, bytes(64, 9)));
  }
  h.send(input);
  CHECK(h.is_closed());
  CHECK(works(*other));
  CHECK(s.sessions_become(1));
  CHECK(works(*s.connect()));
}
