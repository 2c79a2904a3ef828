#include <catch2/catch.hpp>

#include "actors/cluster/enrolment.hpp"
#include "actors/state_folder.hpp"
#include "cli/commands/admin.hpp"
#include "storage/auth/token.hpp"
#include "tests/cli/command_fixture.hpp"

using namespace et;
using namespace et::test;

namespace {

using what = admin_cluster_options::action;

struct cluster_fixture : command_fixture {
  fs::path state = folder.path() / "state";
  certificates own{state / "cluster"};

  admin_cluster_options options(what action, const std::string& name = {}) {
    admin_cluster_options made;
    made.what = action;
    made.name = name;
    made.default_state = state.string();
    return made;
  }
  int init(const std::string& name = {}) {
    return run(run_admin_cluster, options(what::init, name));
  }
};

}  // namespace

TEST_CASE_METHOD(cluster_fixture,
                 "cluster init makes the authority under the name that is served") {
  CHECK(init("head-1") == exit_ok);
  CHECK(connections == 0);
  CHECK(own.own()->node == "head-1");
  CHECK(out_fd.text().find("fingerprint " + *own.authority_fingerprint() + "\n") !=
        std::string::npos);
  auto started = state_folder::open(state, "");
  REQUIRE(started);
  CHECK(started->node() == "head-1");
  struct stat found {};
  REQUIRE(::stat(state.c_str(), &found) == 0);
  CHECK((found.st_mode & 07777) == 0711);
}

TEST_CASE_METHOD(cluster_fixture, "cluster init takes the name that the node has already") {
  REQUIRE(state_folder::open(state, "io-7"));
  CHECK(init("head-1") == exit_parameters);
  CHECK(err_fd.text().find("io-7") != std::string::npos);
  CHECK_FALSE(own.has_authority());
  CHECK(init() == exit_ok);
  CHECK(own.own()->node == "io-7");
}

TEST_CASE_METHOD(cluster_fixture, "cluster init refuses another name than the configured one") {
  write_text(folder / "head.toml", "[node]\nname = \"head-1\"\n");
  auto with = options(what::init, "head-2");
  with.config_file = folder / "head.toml";
  CHECK(run(run_admin_cluster, with) == exit_parameters);
  CHECK_FALSE(own.has_authority());
  with.name = "head-1";
  CHECK(run(run_admin_cluster, with) == exit_ok);
  CHECK(own.own()->node == "head-1");
}

TEST_CASE_METHOD(cluster_fixture, "cluster init changes nothing where there is a cluster") {
  REQUIRE(init("head-1") == exit_ok);
  auto before = *own.authority_fingerprint();
  CHECK(init() == exit_parameters);
  CHECK(init("a b") == exit_parameters);
  CHECK(*own.authority_fingerprint() == before);
  CHECK(state_folder::open(state, "")->node() == "head-1");
}

TEST_CASE_METHOD(cluster_fixture, "cluster token prints what one node can join with, once") {
  REQUIRE(init("head-1") == exit_ok);
  auto before = out_fd.text().size();
  auto asked = options(what::token);
  asked.lifetime_s = 60;
  CHECK(run(run_admin_cluster, asked) == exit_ok);
  CHECK(connections == 0);
  auto text = out_fd.text().substr(before);
  REQUIRE(text.ends_with("\n"));
  text.pop_back();
  auto token = cluster::parse_join_token(text);
  REQUIRE(token);
  CHECK(token->fingerprint == *own.authority_fingerprint());
  cluster::join_tokens kept{state / "cluster" / "join-tokens"};
  auto now_ns = system_clock().now_ns();
  CHECK(kept.take(token_hash(token->secret), now_ns));
  CHECK_FALSE(kept.take(token_hash(token->secret), now_ns));
}

TEST_CASE_METHOD(cluster_fixture, "cluster token needs a cluster, and lives as long as asked") {
  CHECK(run(run_admin_cluster, options(what::token)) == exit_parameters);
  CHECK(err_fd.text().find("admin cluster init") != std::string::npos);
  REQUIRE(init("head-1") == exit_ok);
  auto before = out_fd.text().size();
  auto asked = options(what::token);
  asked.lifetime_s = 60;
  REQUIRE(run(run_admin_cluster, asked) == exit_ok);
  auto text = out_fd.text().substr(before);
  auto token = cluster::parse_join_token(text.substr(0, text.size() - 1));
  REQUIRE(token);
  cluster::join_tokens kept{state / "cluster" / "join-tokens"};
  CHECK_FALSE(kept.take(token_hash(token->secret), system_clock().now_ns() + 61'000'000'000));
}

TEST_CASE_METHOD(cluster_fixture, "cluster token goes by way of the service, where one runs") {
  REQUIRE(init("head-1") == exit_ok);
  auto before = out_fd.text().size();
  runs_here = true;
  CHECK(run(run_admin_cluster, options(what::token)) == exit_ok);
  CHECK(connections == 1);
  auto text = out_fd.text().substr(before);
  auto token = cluster::parse_join_token(text.substr(0, text.size() - 1));
  REQUIRE(token);
  CHECK(service.join_hashes == std::vector<std::string>{token_hash(token->secret)});
  CHECK_FALSE(fs::exists(state / "cluster" / "join-tokens"));
}
