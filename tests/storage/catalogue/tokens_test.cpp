// Logins for the monitor.
#include "tests/storage/catalogue/fixture.hpp"

using namespace et;
using namespace et::test;

namespace {

token_record draft(char name, const std::string& user = "anna", int64_t expires_ns = 0) {
  token_record made;
  made.hash = std::string(32, name);
  made.user = user;
  made.label = "of a test";
  made.expires_ns = expires_ns;
  made.tail = "wxyz";
  return made;
}

}  // namespace

TEST_CASE("tokens are found by their hash, also after a restart", "[tokens]") {
  fixture f;
  auto one = need(f->add_token(draft('a'), 10));
  auto other = need(f->add_token(draft('b', "ben"), 10));
  CHECK(one.id == 1);
  CHECK(other.id == 2);
  CHECK(one.created_ns > 0);
  f.reopen();
  auto found = need(f.view()->token(std::string(32, 'b')));
  REQUIRE(found);
  CHECK(found->user == "ben");
  CHECK(found->id == 2);
  CHECK(found->tail == "wxyz");
  CHECK_FALSE(need(f.view()->token(std::string(32, 'c'))));
  CHECK(need(f.view()->tokens()).size() == 2);
  CHECK(need(f->add_token(draft('c'), 10)).id == 3);
}

TEST_CASE("a removed token is gone, and its number is not given again", "[tokens]") {
  fixture f;
  need(f->add_token(draft('a'), 10));
  CHECK(need(f->remove_token(1)).user == "anna");
  CHECK_FALSE(need(f.view()->token(std::string(32, 'a'))));
  CHECK(errc_of(f->remove_token(1)) == errc::not_found);
  CHECK(need(f->add_token(draft('a'), 10)).id == 2);
}

TEST_CASE("the same token is not added twice", "[tokens]") {
  fixture f;
  need(f->add_token(draft('a'), 10));
  CHECK(errc_of(f->add_token(draft('a', "ben"), 10)) == errc::already_exists);
}

TEST_CASE("a user has so many tokens, expired ones make room", "[tokens]") {
  fixture f;
  need(f->add_token(draft('a', "anna", 1), 2));
  need(f->add_token(draft('b'), 2));
  need(f->add_token(draft('c'), 2));
  CHECK(need(f.view()->tokens()).size() == 2);
  auto refused = f->add_token(draft('d'), 2);
  CHECK(errc_of(refused) == errc::limit_reached);
  need(f->add_token(draft('d', "ben"), 2));
}
