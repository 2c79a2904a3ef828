// What a token for one workspace is good for, and who makes join tokens.

#include <future>

#include "storage/auth/token.hpp"
#include "tests/actors/session_port_fixture.hpp"

using namespace et;
using namespace et::test;

TEST_CASE("session port: with a token for a workspace there is no other") {
  node n;
  for (auto user : {"user of mine", "root"}) {
    auto port = n.port(user, true, "theirs");
    auto denied = errc::not_authorised;
    CHECK(n.ask<std::vector<workspace_record>>(port, nullptr, list_workspaces_atom_v,
                                               std::string{"mine"}) == denied);
    CHECK(n.ask<std::vector<report>>(port, nullptr, admin_inspect_atom_v) == denied);
    CHECK(n.ask<bool>(port, nullptr, admin_remove_atom_v, std::string{"theirs"}) == denied);
    session_info info;
    CHECK(n.ask<session_info>(port, &info, hello_atom_v, std::to_string(protocol_version)) ==
          errc::none);
    CHECK_FALSE(info.administrator);
    // The user's rights are still needed.
    CHECK(n.ask<std::vector<workspace_record>>(port, nullptr, list_workspaces_atom_v,
                                               std::string{"theirs"}) == denied);
    std::vector<workspace_record> visible{{}};
    CHECK(n.ask<std::vector<workspace_record>>(port, &visible, list_workspaces_atom_v,
                                               std::string{}) == errc::none);
    CHECK(visible.empty());
  }
  auto port = n.port("user of theirs", false, "theirs");
  CHECK(n.put(port, "theirs", "/theirs/a") == 1);
}

TEST_CASE("session port: a token for a workspace makes, shows and ends no tokens") {
  node n;
  auto port = n.port("anna", false, "mine");
  token_record draft;
  draft.hash = std::string(32, 'a');
  auto denied = errc::not_authorised;
  CHECK(n.ask<token_record>(port, nullptr, token_add_atom_v, draft) == denied);
  draft.workspace = "mine";
  CHECK(n.ask<token_record>(port, nullptr, token_add_atom_v, draft) == denied);
  CHECK(n.ask<std::vector<token_record>>(port, nullptr, token_list_atom_v) == denied);
  CHECK(n.ask<token_record>(port, nullptr, token_remove_atom_v, uint64_t{1}) == denied);
}

TEST_CASE("session port: tokens are made for workspaces that one may use") {
  node n{[](catalogue_store& store) {
    workspace_record shared;
    shared.name = "shared";
    shared.roots = {"/shared"};
    shared.managers = {"anna"};
    shared.quota_bytes = 1000;
    REQUIRE(store.add_workspace(shared));
  }};
  auto anna = n.port("anna");
  token_record draft;
  draft.hash = std::string(32, 'a');
  draft.workspace = "mine";
  CHECK(n.ask<token_record>(anna, nullptr, token_add_atom_v, draft) == errc::not_authorised);
  draft.workspace = "nothing";
  CHECK(n.ask<token_record>(anna, nullptr, token_add_atom_v, draft) == errc::not_authorised);
  CHECK(n.ask<token_record>(n.port("root", true), nullptr, token_add_atom_v, draft) ==
        errc::not_found);
  draft.workspace = "shared";
  token_record added;
  CHECK(n.ask<token_record>(anna, &added, token_add_atom_v, draft) == errc::none);
  CHECK(added.workspace == "shared");
  auto kept = n.store->view()->token(draft.hash);
  REQUIRE(kept);
  REQUIRE(*kept);
  CHECK((*kept)->workspace == "shared");
}

TEST_CASE("join tokens are added by administrators, each with an audit record") {
  node n;
  auto hash = token_hash("secret");
  auto nobody = n.port("root", true);
  CHECK(n.ask<bool>(nobody, nullptr, join_atom_v, hash, int64_t{100}) == errc::unavailable);
  std::vector<std::pair<std::string, int64_t>> kept;
  caf::error answer;
  n.keep_join_token = [&](const std::string& of, int64_t expires_ns) {
    kept.emplace_back(of, expires_ns);
    return answer;
  };
  auto root = n.port("root", true);
  CHECK(n.ask<bool>(n.port("anna"), nullptr, join_atom_v, hash, int64_t{100}) ==
        errc::not_authorised);
  CHECK(n.ask<bool>(n.port("root", true, "w"), nullptr, join_atom_v, hash, int64_t{100}) ==
        errc::not_authorised);
  CHECK(kept.empty());
  CHECK(n.ask<bool>(root, nullptr, join_atom_v, hash, int64_t{100}) == errc::none);
  answer = fail(errc::limit_reached, "too many");
  CHECK(n.ask<bool>(root, nullptr, join_atom_v, hash, int64_t{101}) == errc::limit_reached);
  answer = {};
  CHECK(n.ask<bool>(root, nullptr, join_atom_v, hash, int64_t{102}) == errc::none);
  REQUIRE(kept.size() == 3);
  CHECK(kept[2] == std::pair{hash, int64_t{102}});
  // Behind all that the session sent to the registrar.
  auto mine = n.port("user of mine");
  n.put(mine, "mine", "/mine/a");
  auto all = n.store->view()->audits(0, 1000);
  REQUIRE(all);
  std::vector<std::string> lines;
  for (auto& one : *all)
    if (one.action == "cluster token") lines.push_back(one.user + "|" + to_string(one.outcome));
  std::sort(lines.begin(), lines.end());
  CHECK(lines == std::vector<std::string>{"anna|not_authorised", "root|limit_reached", "root|none",
                                          "root|none", "root|not_authorised", "root|unavailable"});
}

TEST_CASE("a session has one join token on its way to the disk") {
  node n;
  std::promise<void> go;
  auto gone = go.get_future().share();
  n.keep_join_token = [gone](const std::string&, int64_t) {
    gone.wait();
    return caf::error{};
  };
  auto root = n.port("root", true);
  auto hash = token_hash("secret");
  auto first = n.self->request(root, std::chrono::seconds{20}, join_atom_v, hash, int64_t{100});
  CHECK(n.ask<bool>(root, nullptr, join_atom_v, hash, int64_t{100}) == errc::limit_reached);
  go.set_value();
  first.receive([](bool added) { CHECK(added); },
                [](const caf::error& error) { FAIL(text_of(error)); });
  CHECK(n.ask<bool>(root, nullptr, join_atom_v, hash, int64_t{100}) == errc::none);
}
