#include "storage/auth/certificates.hpp"

#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "storage/os/file.hpp"
#include "tests/storage/auth/temporary.hpp"

using namespace et;

TEST_CASE("an authority certifies its own node and others") {
  test::scratch_folder head_folder, node_folder;
  certificates head{head_folder.path()}, node{node_folder.path()};
  CHECK_FALSE(head.has_authority());
  REQUIRE_FALSE(head.make_authority("head1"));
  CHECK(code_of(head.make_authority("head1")) == errc::already_exists);
  CHECK(head.own()->node == "head1");
  CHECK(head.own()->left_s > node_lifetime_s - 60);

  auto asked = node.request("io1");
  REQUIRE(asked);
  CHECK(code_of(head.issue(*asked, "io2").error()) == errc::invalid_argument);
  CHECK(code_of(head.issue("nonsense", "io1").error()) == errc::invalid_argument);
  auto issued = head.issue(*asked, "io1");
  REQUIRE(issued);
  REQUIRE_FALSE(node.install(*head.authority(), *issued));
  CHECK(node.own()->node == "io1");
  CHECK(node.authority_fingerprint() == head.authority_fingerprint());
  CHECK(node.context(true, false));
  CHECK_FALSE(node.has_authority());
  CHECK(code_of(node.issue(*asked, "io1").error()) == errc::not_found);
}

TEST_CASE("a certificate of another key or another authority is not installed") {
  test::scratch_folder one, two, three;
  certificates head{one.path()}, other{two.path()}, node{three.path()};
  REQUIRE_FALSE(head.make_authority("head1"));
  REQUIRE_FALSE(other.make_authority("head2"));
  auto asked = node.request("io1");
  REQUIRE(asked);
  CHECK(code_of(node.install(*head.authority(), *other.issue(*asked, "io1"))) == errc::corrupt);
  auto foreign = other.request("head2");
  CHECK(code_of(node.install(*head.authority(), *head.issue(*foreign, "head2"))) == errc::corrupt);
  CHECK_FALSE(node.has_certificate());
}

TEST_CASE("an authority that was cut short is completed, a member makes none") {
  test::scratch_folder one, two;
  certificates head{one.path()}, node{two.path()};
  REQUIRE_FALSE(head.make_authority("head1"));
  auto fingerprint = *head.authority_fingerprint();
  std::filesystem::remove(one.path() / "node.pem");
  REQUIRE_FALSE(head.make_authority("head1"));
  CHECK(*head.authority_fingerprint() == fingerprint);
  CHECK(head.context(true, false));

  auto asked = node.request("io1");
  REQUIRE(asked);
  REQUIRE_FALSE(node.install(*head.authority(), *head.issue(*asked, "io1")));
  CHECK(code_of(node.make_authority("io1")) == errc::already_exists);
  CHECK(*node.authority_fingerprint() == fingerprint);
}

TEST_CASE("keys are for their owner only, in a folder that is too") {
  test::scratch_folder base;
  auto folder = base.path() / "cluster";
  certificates head{folder};
  REQUIRE_FALSE(head.make_authority("head1"));
  auto mode = [](const std::filesystem::path& of) {
    struct stat found {};
    REQUIRE(::stat(of.c_str(), &found) == 0);
    return found.st_mode & 07777;
  };
  CHECK(mode(folder) == 0700);
  CHECK(mode(folder / "ca.key") == 0600);
  CHECK(mode(folder / "node.key") == 0600);
  CHECK(::chmod((folder / "ca.key").c_str(), 0604) == 0);
  auto asked = head.request("head1");
  REQUIRE(asked);
  CHECK(code_of(head.issue(*asked, "head1").error()) == errc::invalid_argument);
}

TEST_CASE("a key that others can read is refused") {
  test::scratch_folder folder;
  certificates head{folder.path()};
  REQUIRE_FALSE(head.make_authority("head1"));
  CHECK(::chmod((folder.path() / "node.key").c_str(), 0640) == 0);
  auto context = head.context(true, false);
  REQUIRE_FALSE(context);
  CHECK(text_of(context.error()).find("make its mode 0600") != std::string::npos);
}

TEST_CASE("time passes: a certificate has less left, and a renewed one all of it") {
  test::scratch_folder folder;
  manual_clock clock;
  certificates head{folder.path(), &clock};
  REQUIRE_FALSE(head.make_authority("head1"));
  clock.advance_ns((node_lifetime_s - 100) * 1'000'000'000);
  CHECK(head.own()->left_s <= 100);
  auto asked = head.request("head1");
  REQUIRE_FALSE(head.install(*head.authority(), *head.issue(*asked, "head1")));
  CHECK(head.own()->left_s == node_lifetime_s);
}

TEST_CASE("names of nodes") {
  CHECK(is_node_name("io-1.site_A"));
  CHECK_FALSE(is_node_name(""));
  CHECK_FALSE(is_node_name("a b"));
  CHECK_FALSE(is_node_name("a/b"));
  CHECK_FALSE(is_node_name(std::string(65, 'a')));
}
