// Who somebody on another machine is, and that forged, expired, used and early proofs are refused.

#include "actors/credentials.hpp"

#include <catch2/catch.hpp>

#include "storage/auth/token.hpp"

using namespace et;

namespace {

constexpr int64_t second_ns = 1'000'000'000;

/// Credentials are `NAME`, known by name; a real daemon checks them, this one has a table.
class fake_munge : public munge_daemon {
 public:
  std::map<std::string, munge_credential> good;
  caf::error trouble;

  caf::expected<munge_credential> decode(const std::string& text) override {
    if (trouble) return trouble;
    auto found = good.find(text);
    if (found == good.end()) return fail(errc::not_authorised, "forged");
    return found->second;
  }
  caf::expected<std::string> encode() override { return std::string{"unused"}; }
};

struct checker_fixture {
  manual_clock clock;
  std::map<std::string, token_record> tokens;
  std::shared_ptr<fake_munge> munge = std::make_shared<fake_munge>();
  credential_checker::options options;
  std::string text = make_token(system_random())->text;

  checker_fixture() {
    options.find_token =
        [this](const std::string& hash) -> caf::expected<std::optional<token_record>> {
      auto found = tokens.find(hash);
      if (found == tokens.end()) return std::optional<token_record>{};
      return std::optional<token_record>{found->second};
    };
    options.find_user = [](const std::string& name) -> caf::expected<os_user> {
      if (name == "anna") return os_user{1001, 1001, {1001, 7}, "anna"};
      if (name == "boss") return os_user{1002, 1002, {}, "boss"};
      return fail(errc::not_found, "there is no user " + name);
    };
    options.find_uid = [](uint32_t uid) -> caf::expected<os_user> {
      if (uid == 1001) return os_user{1001, 1001, {1001, 7}, "anna"};
      return fail(errc::not_found, "there is no such user");
    };
    options.munge = munge;
    options.administrators.names = {"boss"};
    options.clock = &clock;
    auto& good = munge->good["good"];
    good.uid = 1001;
    good.made_ns = clock.now_ns();
    good.lifetime_ns = 300 * second_ns;
    good.payload = munge_payload;
  }

  void add(const std::string& user, int64_t expires_ns = 0, const std::string& workspace = {}) {
    token_record token;
    token.id = 7;
    token.hash = token_hash(text);
    token.user = user;
    token.expires_ns = expires_ns;
    token.workspace = workspace;
    tokens[token.hash] = token;
  }
  credential token() const { return {credential::kind::token, text}; }
  static credential munged(const std::string& name) { return {credential::kind::munge, name}; }
};

errc code(const caf::expected<proven_identity>& answer) {
  return answer ? errc::none : code_of(answer.error());
}

}  // namespace

TEST_CASE("credentials: the line is one of three kinds, whole and short") {
  for (auto how : {credential::kind::token, credential::kind::munge, credential::kind::ticket}) {
    auto line = credential_line({how, "secret"});
    REQUIRE(line.ends_with("\n"));
    line.pop_back();
    auto parsed = parse_credential(line);
    REQUIRE(parsed);
    CHECK(parsed->how == how);
    CHECK(parsed->text == "secret");
  }
  for (std::string bad : {"", "ELASTICTAPE 1", "ELASTICTAPE 1 token ", "ELASTICTAPE 2 token x",
                          "ELASTICTAPE 1 password x", "ELASTICTAPE 1 token x y",
                          "ELASTICTAPE 1 token \x01", " ELASTICTAPE 1 token x"})
    CHECK(code_of(parse_credential(bad).error()) == errc::protocol);
  CHECK_FALSE(parse_credential("ELASTICTAPE 1 token " + std::string(max_credential_bytes, 'x')));
}

TEST_CASE_METHOD(checker_fixture, "credentials: a token is its user, until it expires or is gone") {
  credential_checker checker{options};
  CHECK(code(checker.check(token())) == errc::not_authorised);
  add("anna", clock.now_ns() + 10 * second_ns);
  auto proven = checker.check(token());
  REQUIRE(proven);
  CHECK(proven->who.user == "anna");
  CHECK(proven->who.uid == 1001);
  CHECK(proven->who.groups == std::vector<uint32_t>{1001, 7});
  CHECK(proven->who.from == "token 7");
  CHECK_FALSE(proven->who.administrator);
  CHECK(proven->expires_ns == clock.now_ns() + 10 * second_ns);
  CHECK(checker.still_good(proven->token_hash));
  clock.advance_ns(10 * second_ns);
  CHECK(code(checker.check(token())) == errc::not_authorised);
  CHECK_FALSE(checker.still_good(proven->token_hash));
  tokens.clear();
  CHECK_FALSE(checker.still_good(proven->token_hash));
  CHECK(code(checker.check({credential::kind::token, "et1_short"})) == errc::not_authorised);
}

TEST_CASE_METHOD(checker_fixture,
                 "credentials: a token of somebody whom this machine does not know") {
  credential_checker checker{options};
  add("zoe");
  CHECK(code(checker.check(token())) == errc::not_authorised);
}

TEST_CASE_METHOD(checker_fixture,
                 "credentials: administrators' rights do not come with a workspace") {
  credential_checker checker{options};
  add("boss");
  CHECK(checker.check(token())->who.administrator);
  add("boss", 0, "lidar");
  auto proven = checker.check(token());
  REQUIRE(proven);
  CHECK(proven->who.workspace == "lidar");
  CHECK_FALSE(proven->who.administrator);
}

TEST_CASE_METHOD(checker_fixture, "credentials: MUNGE tells the user, once") {
  credential_checker checker{options};
  auto proven = checker.check(munged("good"));
  REQUIRE(proven);
  CHECK(proven->who.user == "anna");
  CHECK(proven->who.from == "munge");
  CHECK(proven->token_hash.empty());
  // The daemon, started anew, would take it again.
  auto again = checker.check(munged("good"));
  CHECK(code(again) == errc::not_authorised);
  CHECK(text_of(again.error()).find("used before") != std::string::npos);
}

TEST_CASE_METHOD(checker_fixture, "credentials: MUNGE, forged, expired, early or for others") {
  credential_checker checker{options};
  CHECK(code(checker.check(munged("forged"))) == errc::not_authorised);
  auto with = [&](auto change) {
    auto odd = munge->good["good"];
    change(odd);
    munge->good["odd"] = odd;
    return code(checker.check(munged("odd")));
  };
  CHECK(with([](auto& c) { c.made_ns -= 300 * second_ns; }) == errc::not_authorised);
  CHECK(with([](auto& c) { c.made_ns += 301 * second_ns; }) == errc::not_authorised);
  CHECK(with([](auto& c) { c.payload = "another program"; }) == errc::not_authorised);
  CHECK(with([](auto& c) { c.uid = 5; }) == errc::not_authorised);
  // Nobody gives himself a life of years.
  CHECK(with([](auto& c) {
          c.made_ns -= 3600 * second_ns;
          c.lifetime_ns = 1'000'000 * second_ns;
        }) == errc::not_authorised);
  munge->trouble = fail(errc::unavailable, "no daemon");
  CHECK(code(checker.check(munged("good"))) == errc::unavailable);
  options.munge = nullptr;
  credential_checker without{options};
  CHECK(code(without.check(munged("good"))) == errc::not_authorised);
}

TEST_CASE_METHOD(checker_fixture,
                 "credentials: what is remembered is bounded, and forgotten in time") {
  options.max_seen = 3;
  credential_checker checker{options};
  for (int i = 0; i < 4; ++i) {
    munge->good[std::to_string(i)] = munge->good["good"];
    CHECK(code(checker.check(munged(std::to_string(i)))) ==
          (i < 3 ? errc::none : errc::limit_reached));
  }
  clock.advance_ns(300 * second_ns);
  munge->good["later"] = munge->good["good"];
  munge->good["later"].made_ns = clock.now_ns();
  CHECK(code(checker.check(munged("later"))) == errc::none);
}

TEST_CASE_METHOD(checker_fixture, "credentials: tickets are no users") {
  credential_checker checker{options};
  CHECK(code(checker.check({credential::kind::ticket, "x"})) == errc::not_authorised);
}
