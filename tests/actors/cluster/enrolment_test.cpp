#include "actors/cluster/enrolment.hpp"

#include <sys/stat.h>

#include "storage/auth/token.hpp"
#include "tests/actors/cluster/linked_nodes.hpp"

using namespace et;
using namespace et::test;
using namespace std::chrono_literals;

namespace {

constexpr int64_t second_ns = 1'000'000'000;

/// A head that listens, and answers about certificates.
struct head_node {
  linked_node node{"head"};
  cluster::enrolment issuer{node.own.folder(), &system_clock()};
  head_node() {
    REQUIRE_FALSE(node.open([this](auto& with) {
      with.answer = [this](const std::string& question, const std::string& who) {
        return issuer.answer(question, who);
      };
    }));
  }
  std::string token(int64_t life_ns = 60 * second_ns) {
    auto made = make_token(system_random());
    REQUIRE(made);
    auto now = system_clock().now_ns();
    REQUIRE_FALSE(issuer.tokens().add(made->hash, now + life_ns, now));
    return cluster::to_text({made->text, *node.own.authority_fingerprint()});
  }
  caf::error enrol(const std::string& with, const std::string& name,
                   const std::filesystem::path& folder) {
    return cluster::enrol(node.links->address(), with, name, folder, patience);
  }
};

std::string text(const caf::error& error) {
  return error ? text_of(error) : "";
}

}  // namespace

TEST_CASE("enrolment: a token makes a stranger a node, once") {
  head_node head;
  auto token = head.token();
  linked_node node{"io-1", &head.node.own};  // for its framework; its certificate comes from below
  scratch_folder fresh;
  REQUIRE_FALSE(head.enrol(token, "io-9", fresh.path() / "cluster"));
  certificates own{fresh.path() / "cluster"};
  CHECK(own.own()->node == "io-9");
  CHECK(own.authority_fingerprint() == head.node.own.authority_fingerprint());
  CHECK_FALSE(own.has_authority());
  struct stat found {};
  REQUIRE(::stat((own.folder() / "node.key").c_str(), &found) == 0);
  CHECK((found.st_mode & 0777) == 0600);
  REQUIRE_FALSE(node.open([&](auto& with) {
    with.node = "io-9";
    with.folder = own.folder();
  }));
  auto link = node.connect(head.node, "head");
  REQUIRE(link);
  CHECK(head.node.ports.has("io-9"));

  scratch_folder second;
  auto again = head.enrol(token, "io-10", second.path());
  CHECK(code_of(again) == errc::not_authorised);
  CHECK(text(again).find("admin cluster token") != std::string::npos);
  CHECK_FALSE(certificates{second.path()}.has_certificate());
}

TEST_CASE("enrolment: tokens that are wrong, expired or of another cluster are refused") {
  head_node head;
  scratch_folder fresh;
  auto good = head.token();
  SECTION("no token") {
    for (auto bad : {std::string{}, std::string{"x"}, good.substr(0, good.size() - 1),
                     "et-join2" + good.substr(8), std::string(3000, '.')})
      CHECK(code_of(head.enrol(bad, "io-1", fresh.path())) == errc::invalid_argument);
  }
  SECTION("a secret that nobody made") {
    auto made = make_token(system_random());
    auto bad = cluster::to_text({made->text, *head.node.own.authority_fingerprint()});
    CHECK(code_of(head.enrol(bad, "io-1", fresh.path())) == errc::not_authorised);
  }
  SECTION("the head is not the one that made the token: it is not told the secret") {
    head_node other;
    CHECK(code_of(other.enrol(good, "io-1", fresh.path())) == errc::protocol);
    CHECK_FALSE(head.enrol(good, "io-1", fresh.path()));
  }
  SECTION("names that are no names, and the head's") {
    CHECK(code_of(head.enrol(good, "a b", fresh.path())) == errc::invalid_argument);
    auto taken = head.enrol(good, "head", fresh.path());
    CHECK(code_of(taken) == errc::not_authorised);
    CHECK_FALSE(certificates{fresh.path()}.has_certificate());
  }
}

TEST_CASE("enrolment: tokens are kept as hashes, expire, and are bounded") {
  scratch_folder folder;
  cluster::join_tokens tokens{folder.path() / "join-tokens"};
  auto made = make_token(system_random());
  auto hash = made->hash;
  REQUIRE_FALSE(tokens.add(hash, 100 * second_ns, 0));
  struct stat found {};
  REQUIRE(::stat(folder.file("join-tokens").c_str(), &found) == 0);
  CHECK((found.st_mode & 0777) == 0600);
  auto kept = read_small_file(folder.path() / "join-tokens", 10'000);
  REQUIRE(kept);
  CHECK(kept->find(made->text) == std::string::npos);
  SECTION("in time, once, also after a restart") {
    cluster::join_tokens restarted{folder.path() / "join-tokens"};
    CHECK(restarted.take(hash, 99 * second_ns));
    CHECK_FALSE(restarted.take(hash, 99 * second_ns));
    CHECK_FALSE(tokens.take(hash, 99 * second_ns));
  }
  SECTION("too late") {
    CHECK_FALSE(tokens.take(hash, 100 * second_ns));
    CHECK_FALSE(tokens.take(hash, 1 * second_ns));
  }
  SECTION("bounded; expired ones make room") {
    for (size_t i = 1; i < cluster::max_join_tokens; ++i)
      REQUIRE_FALSE(tokens.add(token_hash(std::to_string(i)), 100 * second_ns, 0));
    CHECK(code_of(tokens.add(token_hash("more"), 100 * second_ns, 0)) == errc::limit_reached);
    CHECK_FALSE(tokens.add(token_hash("more"), 200 * second_ns, 150 * second_ns));
  }
  SECTION("what is no hash, and what has expired already") {
    CHECK(code_of(tokens.add("short", 100 * second_ns, 0)) == errc::invalid_argument);
    CHECK(code_of(tokens.add(token_hash("x"), 5, 5)) == errc::invalid_argument);
  }
}

TEST_CASE("enrolment: a token that a session adds is good for joining, where there is a cluster") {
  head_node head;
  scratch_folder folder;
  auto made = make_token(system_random());
  auto expires_ns = system_clock().now_ns() + 60 * second_ns;
  cluster::enrolment alone{folder.path() / "cluster", &system_clock()};
  CHECK(code_of(alone.add_token(made->hash, expires_ns)) == errc::not_found);
  REQUIRE_FALSE(head.issuer.add_token(made->hash, expires_ns));
  auto token = cluster::to_text({made->text, *head.node.own.authority_fingerprint()});
  CHECK_FALSE(head.enrol(token, "io-1", folder.path() / "io"));
}

TEST_CASE("enrolment: nothing but the one question is answered to who has no certificate") {
  head_node head;
  auto made = make_token(system_random());
  linked_node other{"io-1", &head.node.own};
  auto request = *other.own.request("io-1");
  std::string one_line;
  for (char c : request) one_line += c == '\n' ? '|' : c == ' ' ? '_' : c;
  const std::vector<std::string> questions{
      "RENEW " + one_line,
      "ENROL " + made->text + " io-1 " + one_line,
      "ENROL",
      "ENROL x y z",
      "ENROL " + std::string(30'000, 'x'),
      "ENROL " + made->text + " a/b " + one_line,
  };
  for (const auto& question : questions) {
    raw_peer stranger{head.node.links->address(), nullptr};
    REQUIRE_FALSE(stranger.shake());
    REQUIRE_FALSE(stranger.say(question + "\n"));
    auto answer = stranger.hear_all();
    CHECK((answer.empty() || answer.starts_with("no ")));
  }
  for (auto question : {"STATUS", "enrol", "ELASTICTAPE-NODE 1 5 0.1.0 io-1", "ok"}) {
    raw_peer stranger{head.node.links->address(), nullptr};
    REQUIRE_FALSE(stranger.shake());
    REQUIRE_FALSE(stranger.say(std::string{question} + "\n"));
    CHECK(stranger.hear_all().empty());
  }
}

TEST_CASE("enrolment: a request that claims to be encrypted asks nobody for a pass phrase") {
  head_node head;
  linked_node other{"io-1", &head.node.own};
  std::string request =
      "-----BEGIN_CERTIFICATE_REQUEST-----|Proc-Type:_4,ENCRYPTED|"
      "DEK-Info:_AES-128-CBC,00000000000000000000000000000000||AAAA|"
      "-----END_CERTIFICATE_REQUEST-----|";
  CHECK(head.issuer.answer("RENEW " + request, "io-1").starts_with("no "));
}

TEST_CASE("enrolment: a node renews its certificate while its link stays") {
  head_node head;
  // A certificate of which less than a third is left.
  manual_clock past{system_clock().now_ns() - 61 * 86'400 * second_ns};
  certificates then{head.node.own.folder(), &past};
  linked_node node{"io-1", &then, past};
  certificates own{node.own.folder()};
  CHECK(own.own()->left_s < renew_before_s);
  REQUIRE_FALSE(node.open());
  auto link = node.connect(head.node);
  REQUIRE(link);
  auto question = cluster::renewal_question(own, "io-1");
  REQUIRE(question);
  auto answer = node.links->ask(head.node.links->address(), *question, patience);
  REQUIRE(answer);
  REQUIRE_FALSE(cluster::take_answer(own, *answer));
  CHECK(own.own()->left_s > node_lifetime_s - 60);
  REQUIRE_FALSE(node.links->renew());
  CHECK(node.ask(link->port, "the old link") == "the old link");
  node.links->close(link->facts.number, "another");
  CHECK(head.node.closed.has("io-1: "));
  auto next = node.connect(head.node);
  REQUIRE(next);
  CHECK(node.ask(next->port, "a new link") == "a new link");

  // The head renews its own.
  certificates heads{head.node.own.folder()};
  auto own_question = cluster::renewal_question(heads, "head");
  REQUIRE(own_question);
  REQUIRE_FALSE(cluster::take_answer(heads, head.issuer.answer(*own_question, "head")));
  REQUIRE_FALSE(head.node.links->renew());
  CHECK(node.ask(next->port, "still") == "still");
}

TEST_CASE("enrolment: who answers a renewal cannot change the authority") {
  head_node head, other;
  linked_node node{"io-1", &head.node.own};
  auto question = cluster::renewal_question(node.own, "io-1");
  auto answer = other.issuer.answer(*question, "io-1");
  REQUIRE(answer.starts_with("ok "));
  auto before = *node.own.authority_fingerprint();
  CHECK(code_of(cluster::take_answer(node.own, answer)) == errc::corrupt);
  CHECK(*node.own.authority_fingerprint() == before);
  CHECK(code_of(cluster::take_answer(node.own, "no because")) == errc::not_authorised);
  CHECK(code_of(cluster::take_answer(node.own, "ok x y")) == errc::corrupt);
}

TEST_CASE("enrolment: a certificate is renewed when a third is left, by the head of several") {
  manual_clock clock{system_clock().now_ns()};
  linked_node head{"head", nullptr, clock}, node{"io-1", &head.own, clock};
  cluster::enrolment issuer{head.own.folder(), &clock};
  size_t asked = 0;
  auto says = [&](caf::expected<std::string> answer) -> cluster::ask_head {
    return [&asked, answer](const std::string&) { return ++asked, answer; };
  };
  auto standby = says(std::string{"no this node is not the head"});
  auto dead = says(fail(errc::unavailable, "nobody is there"));
  cluster::ask_head real = [&](const std::string& question) {
    return caf::expected<std::string>{issuer.answer(question, "io-1")};
  };
  clock.advance_ns((node_lifetime_s - renew_before_s) * second_ns);
  CHECK(cluster::renew_when_due(node.own, "io-1", {standby, real}) == false);
  CHECK(asked == 0);
  clock.advance_ns(second_ns);
  CHECK(code_of(cluster::renew_when_due(node.own, "io-1", {}).error()) == errc::unavailable);
  CHECK(code_of(cluster::renew_when_due(node.own, "io-1", {dead, standby}).error()) ==
        errc::not_authorised);
  CHECK(node.own.own()->left_s == renew_before_s - 1);
  CHECK(cluster::renew_when_due(node.own, "io-1", {dead, standby, real}) == true);
  CHECK(node.own.own()->left_s == node_lifetime_s);
  CHECK(asked == 4);
  CHECK(cluster::renew_when_due(node.own, "io-1", {real}) == false);
}

TEST_CASE("enrolment: tokens that cannot be read or locked are good for nothing, and are kept") {
  scratch_folder folder;
  auto file = folder.path() / "join-tokens";
  cluster::join_tokens tokens{file};
  auto hash = token_hash("one");
  REQUIRE_FALSE(tokens.add(hash, 100, 0));
  SECTION("damaged") {
    auto text = *read_small_file(file, 1000) + "half a li\n";
    REQUIRE_FALSE(replace_file(file, text, 0600));
    CHECK_FALSE(tokens.take(hash, 1));
    CHECK(code_of(tokens.add(token_hash("two"), 100, 1)) == errc::corrupt);
    CHECK(*read_small_file(file, 1000) == text);
  }
  SECTION("no lock") {
    auto lock = file.string() + ".lock";
    std::filesystem::remove(lock);
    std::filesystem::create_directory(lock);
    CHECK_FALSE(tokens.take(hash, 1));
    CHECK(tokens.add(token_hash("two"), 100, 1));
  }
}
