// MUNGE with a daemon of our own.

#include "storage/auth/munge.hpp"

#include <catch2/catch.hpp>

#include "tests/support/munge_daemon.hpp"

using namespace et;
using namespace et::test;

TEST_CASE("munge: a credential tells who made it, once") {
  private_munged real;
  if (!real.runs()) return;
  auto munge = make_munge_daemon(real.socket());
  auto made = munge->encode();
  REQUIRE(made);
  auto found = munge->decode(*made);
  REQUIRE(found);
  CHECK(found->uid == ::geteuid());
  CHECK(found->payload == munge_payload);
  CHECK(found->made_ns > 0);
  CHECK(found->lifetime_ns > 0);
  auto again = munge->decode(*made);
  REQUIRE_FALSE(again);
  CHECK(code_of(again.error()) == errc::not_authorised);
  CHECK(text_of(again.error()).find("used before") != std::string::npos);
}

TEST_CASE("munge: what is no credential is refused") {
  private_munged real;
  if (!real.runs()) return;
  auto munge = make_munge_daemon(real.socket());
  auto forged = *munge->encode();
  forged[forged.size() / 2] = forged[forged.size() / 2] == 'A' ? 'B' : 'A';
  for (auto& text : {forged, std::string{"MUNGE:AAAA:"}, std::string{"x"}})
    CHECK(code_of(munge->decode(text).error()) == errc::not_authorised);
}

TEST_CASE("munge: without a daemon nobody is refused for good") {
  auto munge = make_munge_daemon("/nowhere/socket");
  CHECK(code_of(munge->encode().error()) == errc::unavailable);
  CHECK(code_of(munge->decode("MUNGE:AAAA:").error()) == errc::unavailable);
}
