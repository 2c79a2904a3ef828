#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "cli/commands/admin.hpp"
#include "storage/auth/token.hpp"
#include "tests/cli/command_fixture.hpp"

using namespace et;
using namespace et::test;

namespace {

using what = admin_token_options::action;

admin_token_options create() {
  admin_token_options options;
  options.what = what::create;
  return options;
}

}  // namespace

TEST_CASE_METHOD(command_fixture, "a new token is printed, and only its hash is sent") {
  auto options = create();
  options.label = "laptop";
  CHECK(run(run_admin_token, options) == exit_ok);
  auto text = out_fd.text();
  REQUIRE(text.ends_with("\n"));
  text.pop_back();
  CHECK(is_token(text));
  REQUIRE(service.tokens_held.size() == 1);
  auto& sent = service.tokens_held[0];
  CHECK(sent.hash == token_hash(text));
  CHECK(sent.tail == text.substr(text.size() - 4));
  CHECK(sent.label == "laptop");
  auto days = (sent.expires_ns - system_clock().now_ns()) / 1'000'000'000 / 3600;
  CHECK(days >= 90 * 24 - 1);
  CHECK(days <= 90 * 24);
}

TEST_CASE_METHOD(command_fixture, "a token may live for ever, and be for somebody else") {
  auto options = create();
  options.lifetime_s = 0;
  options.user = "ben";
  options.json = true;
  CHECK(run(run_admin_token, options) == exit_ok);
  CHECK(service.tokens_held.at(0).expires_ns == 0);
  CHECK(service.tokens_held.at(0).user == "ben");
  auto json = nlohmann::json::parse(out_fd.text());
  CHECK(token_hash(json["token"].get<std::string>()) == service.tokens_held[0].hash);
  CHECK(json["expires"] == "");
}

TEST_CASE_METHOD(command_fixture, "tokens are listed without what they are made of") {
  service.tokens_held.push_back({"", 3, "anna", "lap\ntop", 1'000'000'000, 2'000'000'000, "wxyz"});
  CHECK(run(run_admin_token, admin_token_options{}) == exit_ok);
  CHECK(out_fd.text() ==
        "3 anna …wxyz since 1970-01-01T00:00:01Z, expired 1970-01-01T00:00:02Z: lap\\x0atop\n");
}

TEST_CASE_METHOD(command_fixture, "revoking says which token has gone") {
  service.tokens_held.push_back({"", 3, "anna", "", 1, 0, "wxyz"});
  admin_token_options options;
  options.what = what::revoke;
  options.id = 3;
  CHECK(run(run_admin_token, options) == exit_ok);
  options.id = 4;
  CHECK(run(run_admin_token, options) == exit_parameters);
}
