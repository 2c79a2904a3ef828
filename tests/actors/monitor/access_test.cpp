// Logins: who is let in, and as whom.
#include "actors/monitor/server/access.hpp"

#include <unistd.h>

#include "actors/defaults.hpp"
#include "storage/auth/token.hpp"
#include "storage/os/users.hpp"
#include "tests/actors/monitor/served.hpp"

using namespace et;
using namespace et::test;
using monitor::access_control;
using monitor::access_kind;
using monitor::access_options;
using monitor::credentials;

namespace {

class fixed_clock final : public wall_clock {
 public:
  int64_t now_ns() const override { return now; }
  int64_t now = 1'000'000'000;
};

struct guarded : fixture {
  fixed_clock clock;

  std::string add_token(const std::string& user, int64_t expires_ns = 0,
                        const std::string& workspace = {}) {
    auto made = need(make_token(system_random()));
    token_record draft;
    draft.hash = made.hash;
    draft.user = user;
    draft.expires_ns = expires_ns;
    draft.workspace = workspace;
    need((*this)->add_token(draft, 100));
    return made.text;
  }
  access_options options(access_kind kind) {
    access_options made;
    made.kind = kind;
    made.clock = &clock;
    made.administrators.names = {"boss"};
    if (kind == access_kind::proxy) made.proxy_addresses = {"10.0.0.5", "::1"};
    return made;
  }
  caf::expected<monitor::viewer> who(access_kind kind, const credentials& from) {
    return access_control{options(kind), &store()}.who(from);
  }
};

std::string basic(const std::string& user, const std::string& password) {
  return httplib::make_basic_authentication_header(user, password).second;
}

}  // namespace

TEST_CASE("without access control everybody sees everything") {
  guarded f;
  auto who = need(f.who(access_kind::open, {"127.0.0.1", {"Bearer nonsense"}, {"root"}}));
  CHECK(who.user.empty());
  CHECK(who.administrator);
}

TEST_CASE("a token lets its user in, as Bearer and as the password of Basic") {
  guarded f;
  auto token = f.add_token("anna");
  for (const auto& words :
       {"Bearer " + token, "bearer  " + token, basic("", token), basic("anna", token)}) {
    auto who = need(f.who(access_kind::token, {"127.0.0.1", {words}, {}}));
    CHECK(who.user == "anna");
    CHECK_FALSE(who.administrator);
  }
  for (const auto& user : {std::string{"boss"}, user_name(0), user_name(::geteuid())}) {
    auto mine = f.add_token(user);
    CHECK(need(f.who(access_kind::token, {"127.0.0.1", {"Bearer " + mine}, {}})).administrator);
  }
}

TEST_CASE("what is no good login is refused") {
  guarded f;
  auto token = f.add_token("anna");
  auto other = token;
  other.back() = other.back() == 'A' ? 'B' : 'A';
  for (const auto& words :
       {std::string{""}, std::string{"Bearer"}, std::string{"Bearer "}, "Bearer " + other,
        "Bearer " + token + "x", token, "Digest " + token, basic("ben", token),
        basic(token, "anna"), std::string{"Basic ???"}, std::string{"Basic"},
        "Bearer " + std::string(9000, 'x'), "Basic " + std::string(8000, 'A')}) {
    INFO(words.substr(0, 80));
    CHECK(errc_of(f.who(access_kind::token, {"127.0.0.1", {words}, {}})) == errc::not_authorised);
  }
  CHECK(errc_of(f.who(access_kind::token, {"127.0.0.1", {}, {}})) == errc::not_authorised);
  auto good = "Bearer " + token;
  CHECK(errc_of(f.who(access_kind::token, {"127.0.0.1", {good, good}, {}})) ==
        errc::invalid_argument);
  // The header of a proxy counts for nothing here.
  CHECK(errc_of(f.who(access_kind::token, {"127.0.0.1", {}, {"root"}})) == errc::not_authorised);
}

TEST_CASE("an expired or revoked token is refused") {
  guarded f;
  auto token = f.add_token("anna", 2'000'000'000);
  credentials from{"127.0.0.1", {"Bearer " + token}, {}};
  CHECK(need(f.who(access_kind::token, from)).user == "anna");
  f.clock.now = 2'000'000'000;
  CHECK(errc_of(f.who(access_kind::token, from)) == errc::not_authorised);
  f.clock.now = 1;
  need(f->remove_token(1));
  CHECK(errc_of(f.who(access_kind::token, from)) == errc::not_authorised);
}

TEST_CASE("a proxy's word counts when it comes from a listed address") {
  guarded f;
  auto kind = access_kind::proxy;
  for (const auto* peer : {"10.0.0.5", "::1"})
    CHECK(need(f.who(kind, {peer, {}, {"anna"}})).user == "anna");
  CHECK(need(f.who(kind, {"::1", {}, {"boss"}})).administrator);
  for (const auto* peer : {"10.0.0.6", "127.0.0.1", ""})
    CHECK(errc_of(f.who(kind, {peer, {}, {"root"}})) == errc::not_authorised);
  auto token = f.add_token("ben");
  CHECK(need(f.who(kind, {"10.0.0.6", {"Bearer " + token}, {"root"}})).user == "ben");
  CHECK(need(f.who(kind, {"10.0.0.5", {"Bearer " + token}, {}})).user == "ben");
  CHECK(errc_of(f.who(kind, {"10.0.0.5", {}, {}})) == errc::not_authorised);
  for (const auto& users : std::vector<std::vector<std::string>>{{""},
                                                                 {"anna", "root"},
                                                                 {"anna", ""},
                                                                 {"anna, root"},
                                                                 {"a b"},
                                                                 {"a:b"},
                                                                 {std::string(65, 'a')},
                                                                 {"\xc3\xa4"}})
    CHECK(errc_of(f.who(kind, {"10.0.0.5", {}, users})) == errc::invalid_argument);
}

TEST_CASE("headers are read as they came") {
  std::string text =
      "GET /x HTTP/1.1\r\nx-remote-USER:  anna \r\nA: X-Remote-User: root\r\n"
      "X-Remote-User:\r\nX-Remote-User : ben\r\nB: 1\nX-Remote-User: root\r\n\r\n";
  CHECK(monitor::header_values(text, "X-Remote-User") ==
        std::vector<std::string>{"anna", "", "ben"});
  CHECK(monitor::header_values(text, "GET /x HTTP/1.1").empty());
  CHECK(monitor::header_values("", "A").empty());
}

TEST_CASE("access control that makes no sense is an error at the start") {
  guarded f;
  auto check = [](access_options options) { return code_of(access_control::check(options)); };
  auto good = f.options(access_kind::proxy);
  CHECK(check(good) == errc::none);
  auto bad = good;
  bad.proxy_addresses = {};
  CHECK(check(bad) == errc::invalid_argument);
  bad.proxy_addresses = {"proxy.example.org"};
  CHECK(check(bad) == errc::invalid_argument);
  bad = good;
  bad.user_header = "X User";
  CHECK(check(bad) == errc::invalid_argument);
}

TEST_CASE("the server asks for a login, and lets its viewer see what is theirs") {
  guarded f;
  auto token = f.add_token("anna");
  auto maker = [](const monitor::page_context&, std::string_view, monitor::viewer who) {
    monitor::answer made;
    made.next = monitor::once([who](std::string& out) {
      out = who.user + (who.administrator ? " administrator" : " user");
    });
    return made;
  };
  auto running = need(monitor::server::open({"127.0.0.1:0", {}, {}, f.options(access_kind::token)},
                                            {&f.store(), "node1", ""}, maker));
  auto url = running->url();
  httplib::Client client{url.substr(0, url.size() - 1)};
  auto refused = client.Get("/et_user/ET_Home.php?caller=root");
  REQUIRE(refused);
  CHECK(refused->status == 401);
  CHECK(refused->get_header_value("WWW-Authenticate").starts_with("Basic realm=\"Elastic Tape\""));
  CHECK(is_well_formed(refused->body));
  CHECK(client.Get("/%68ealthz")->body == " user");
  for (const auto* open : {"/healthz", "/readyz", "//readyz?x=1"})
    CHECK(client.Get(open)->body == " user");
  for (const auto* closed : {"/healthz/", "/metrics", "/", "/healthz/../metrics", "/%"})
    CHECK(client.Get(closed)->status == 401);
  client.set_basic_auth("anna", token);
  CHECK(client.Get("/")->body == "anna user");
  client.set_basic_auth("ben", token);
  CHECK(client.Get("/")->status == 401);
}

TEST_CASE("a token for a workspace shows that one alone, also an administrator's") {
  guarded f;
  workspace_record mine, other;
  mine.name = "mine";
  mine.managers = {"anna", "boss"};
  other.name = "other";
  other.managers = {"anna", "boss"};
  for (std::string user : {"anna", "boss"}) {
    auto token = f.add_token(user, 0, "mine");
    auto who = need(f.who(access_kind::token, {"127.0.0.1", {"Bearer " + token}, {}}));
    CHECK_FALSE(who.administrator);
    CHECK(who.sees(mine));
    CHECK_FALSE(who.sees(other));
  }
}

TEST_CASE("refused logins are recorded for the audit, so many a minute") {
  guarded f;
  std::vector<audit_record> records;
  auto options = f.options(access_kind::token);
  options.audit = [&](audit_record record) { records.push_back(std::move(record)); };
  access_control access{options, &f.store()};
  for (int i = 0; i < 100; ++i)
    CHECK(errc_of(access.who({"192.0.2.1", {"Bearer nonsense"}, {}})) == errc::not_authorised);
  REQUIRE(records.size() == defaults::monitor_refusals_logged);
  CHECK(records[0].from == "192.0.2.1 monitor");
  CHECK(records[0].outcome == errc::not_authorised);
}
