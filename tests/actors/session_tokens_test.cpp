// What a token for one workspace is good for.

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
  node n;
  workspace_record shared;
  shared.name = "shared";
  shared.roots = {"/shared"};
  shared.managers = {"anna"};
  shared.quota_bytes = 1000;
  REQUIRE(n.store->add_workspace(shared));
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
