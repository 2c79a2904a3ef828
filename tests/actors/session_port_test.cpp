// Rights: what a session may do depends on the identity bound to its port, for every message.

#include <thread>

#include "tests/actors/session_port_fixture.hpp"

using namespace et;
using namespace et::test;

TEST_CASE("session port: a manager acts on the own workspace, and on no other") {
  node n;
  auto mine = n.port("user of mine");
  auto theirs = n.port("user of theirs");
  batch_id batch{n.put(theirs, "theirs", "/theirs/secret")};
  std::string other = "theirs";
  auto denied = errc::not_authorised;

  CHECK(n.ask<upload_info>(mine, nullptr, put_begin_atom_v, other, std::string{}, false,
                           std::string{}) == denied);
  CHECK(n.ask<std::vector<workspace_record>>(mine, nullptr, list_workspaces_atom_v, other) ==
        denied);
  CHECK(n.ask<std::vector<batch_record>>(mine, nullptr, list_batches_atom_v, other, batch_id{}) ==
        denied);
  CHECK(n.ask<packed_page>(mine, nullptr, list_files_atom_v, other, batch, std::string{}) ==
        denied);
  CHECK(n.ask<packed_page>(mine, nullptr, find_files_atom_v, other, batch_id{},
                           pack_strings({"/theirs/secret"})) == denied);
  CHECK(n.ask<batch_record>(mine, nullptr, remove_atom_v, other, batch) == denied);
  CHECK(n.ask<batch_status>(mine, nullptr, status_atom_v, other, batch, uint32_t{0}) == denied);
  CHECK(n.ask<retrieval_record>(mine, nullptr, get_begin_atom_v, other, batch) == denied);
  CHECK(n.ask<retrieval_status>(mine, nullptr, status_atom_v, other, retrieval_id{1}) == denied);

  CHECK(n.ask<found_page>(mine, nullptr, find_atom_v, other, find_query{}) == denied);
  CHECK(n.ask<batch_record>(mine, nullptr, cancel_atom_v, other, batch) == denied);
  CHECK(n.ask<retrieval_record>(mine, nullptr, cancel_atom_v, other, retrieval_id{1}) == denied);
  CHECK(n.ask<std::vector<retrieval_status>>(mine, nullptr, list_retrievals_atom_v, other) ==
        denied);

  // Nor through the own workspace's name.
  CHECK(n.ask<batch_record>(mine, nullptr, cancel_atom_v, std::string{"mine"}, batch) ==
        errc::not_found);
  find_query everything;
  everything.batch = batch;
  found_page all;
  CHECK(n.ask<found_page>(mine, &all, find_atom_v, std::string{"mine"}, everything) == errc::none);
  CHECK(all.rows.count == 0);
  CHECK(all.end);
  CHECK(n.ask<packed_page>(mine, nullptr, list_files_atom_v, std::string{"mine"}, batch,
                           std::string{}) == errc::not_found);
  CHECK(n.ask<batch_record>(mine, nullptr, remove_atom_v, std::string{"mine"}, batch) ==
        errc::not_found);
  packed_page found;
  CHECK(n.ask<packed_page>(mine, &found, find_files_atom_v, std::string{"mine"}, batch,
                           pack_strings({"/theirs/secret"})) == errc::none);
  auto rows = unpack_rows(found);
  REQUIRE(rows);
  CHECK(rows->at(0).batch.value == 0);

  std::vector<workspace_record> visible;
  CHECK(n.ask<std::vector<workspace_record>>(mine, &visible, list_workspaces_atom_v,
                                             std::string{}) == errc::none);
  REQUIRE(visible.size() == 1);
  CHECK(visible[0].name == "mine");
}

TEST_CASE("session port: a workspace that does not exist looks like one of somebody else") {
  node n;
  auto mine = n.port("user of mine");
  CHECK(n.ask<std::vector<workspace_record>>(mine, nullptr, list_workspaces_atom_v,
                                             std::string{"nothing"}) == errc::not_authorised);
  auto administrator = n.port("root", true);
  CHECK(n.ask<std::vector<workspace_record>>(administrator, nullptr, list_workspaces_atom_v,
                                             std::string{"nothing"}) == errc::not_found);
}

TEST_CASE("session port: administration is for administrators") {
  node n;
  auto mine = n.port("user of mine");
  auto administrator = n.port("root", true);
  workspace_record added;
  added.name = "new";
  added.roots = {"/new"};
  auto denied = errc::not_authorised;
  CHECK(n.ask<workspace_record>(mine, nullptr, admin_add_atom_v, added) == denied);
  CHECK(n.ask<workspace_record>(mine, nullptr, admin_set_atom_v, added) == denied);
  CHECK(n.ask<bool>(mine, nullptr, admin_remove_atom_v, std::string{"mine"}) == denied);
  CHECK(n.ask<std::vector<report>>(mine, nullptr, admin_inspect_atom_v) == denied);
  CHECK(n.ask<workspace_record>(administrator, nullptr, admin_add_atom_v, added) == errc::none);
  CHECK(n.ask<std::vector<report>>(administrator, nullptr, admin_inspect_atom_v) == errc::none);
  CHECK(n.ask<bool>(administrator, nullptr, admin_remove_atom_v, std::string{"new"}) == errc::none);
}

TEST_CASE("session port: alerts are those of the own workspaces") {
  node n;
  n.put(n.port("user of theirs"), "theirs", "/theirs/a");
  auto mine = n.port("user of mine");
  std::vector<alert_record> seen;
  CHECK(n.ask<std::vector<alert_record>>(mine, &seen, admin_alerts_atom_v, uint64_t{0}) ==
        errc::none);
  CHECK(seen.empty());
  auto administrator = n.port("root", true);
  CHECK(n.ask<std::vector<alert_record>>(administrator, &seen, admin_alerts_atom_v, uint64_t{0}) ==
        errc::none);
  CHECK(seen.size() == 1);
}

TEST_CASE("session port: a page of alerts of others does not end the list of one's own") {
  node n{[](catalogue_store& store) {
    alert_record alert;
    alert.workspace = "theirs";
    for (size_t i = 0; i < defaults::page_records + 1; ++i) REQUIRE(store.add_alert(alert));
    alert.workspace = "mine";
    alert.text = "at last";
    REQUIRE(store.add_alert(alert));
  }};
  std::vector<alert_record> seen;
  CHECK(n.ask<std::vector<alert_record>>(n.port("user of mine"), &seen, admin_alerts_atom_v,
                                         uint64_t{0}) == errc::none);
  REQUIRE(seen.size() == 1);
  CHECK(seen[0].text == "at last");
  auto after = seen[0].number;
  CHECK(n.ask<std::vector<alert_record>>(n.ports.back(), &seen, admin_alerts_atom_v, after) ==
        errc::none);
  CHECK(seen.empty());
}

TEST_CASE("session port: tokens are one's own, and all for administrators") {
  node n;
  auto anna = n.port("anna");
  auto ben = n.port("ben");
  auto administrator = n.port("root", true);
  token_record draft;
  draft.hash = std::string(32, 'a');
  draft.tail = "wxyz";
  token_record added;
  CHECK(n.ask<token_record>(anna, &added, token_add_atom_v, draft) == errc::none);
  CHECK(added.user == "anna");
  CHECK(added.id == 1);
  CHECK(added.hash.empty());
  CHECK(n.ask<token_record>(ben, nullptr, token_add_atom_v, draft) == errc::already_exists);
  draft.hash = std::string(32, 'b');
  draft.user = "anna";
  CHECK(n.ask<token_record>(ben, nullptr, token_add_atom_v, draft) == errc::not_authorised);
  CHECK(n.ask<token_record>(administrator, nullptr, token_add_atom_v, draft) == errc::none);

  using tokens = std::vector<token_record>;
  tokens seen;
  CHECK(n.ask<tokens>(anna, &seen, token_list_atom_v) == errc::none);
  CHECK(seen.size() == 2);
  CHECK(n.ask<tokens>(ben, &seen, token_list_atom_v) == errc::none);
  CHECK(seen.empty());
  CHECK(n.ask<tokens>(administrator, &seen, token_list_atom_v) == errc::none);
  REQUIRE(seen.size() == 2);
  CHECK(seen[0].hash.empty());
  // Somebody else's is as good as none.
  CHECK(n.ask<token_record>(ben, nullptr, token_remove_atom_v, uint64_t{1}) == errc::not_found);
  CHECK(n.ask<token_record>(ben, nullptr, token_remove_atom_v, uint64_t{9}) == errc::not_found);
  CHECK(n.ask<token_record>(anna, nullptr, token_remove_atom_v, uint64_t{1}) == errc::none);
  CHECK(n.ask<token_record>(administrator, nullptr, token_remove_atom_v, uint64_t{2}) ==
        errc::none);
}

TEST_CASE("session port: what is no token is refused") {
  node n;
  auto anna = n.port("anna");
  token_record good;
  good.hash = std::string(32, 'a');
  auto refused = [&](auto change) {
    auto draft = good;
    change(draft);
    CHECK(n.ask<token_record>(anna, nullptr, token_add_atom_v, draft) == errc::invalid_argument);
  };
  refused([](token_record& draft) { draft.hash.pop_back(); });
  refused([](token_record& draft) { draft.tail = "12345"; });
  refused([](token_record& draft) { draft.label = "two\nlines"; });
  refused([](token_record& draft) { draft.label = std::string(65, 'x'); });
  refused([](token_record& draft) { draft.expires_ns = 1; });
  refused([](token_record& draft) { draft.expires_ns = -1; });
}

TEST_CASE("registrar: entries outside the roots, too large, or odd are refused by their index") {
  node n;
  auto mine = n.port("user of mine");
  n.put(mine, "mine", "/mine/held");
  upload_info upload;
  REQUIRE(n.ask<upload_info>(mine, &upload, put_begin_atom_v, std::string{"mine"}, std::string{},
                             false, std::string{}) == errc::none);
  CHECK(upload.roots == std::vector<std::string>{"/mine"});
  std::vector<entry_error> errors;
  CHECK(n.ask<std::vector<entry_error>>(mine, &errors, put_chunk_atom_v, upload.upload,
                                        n.chunk({{"/mine/a", 1},
                                                 {"/theirs/b", 1},
                                                 {"/mine/c", 1},
                                                 {"/mineral/d", 1},
                                                 {"/mine/held", 1},
                                                 {"/mine/../theirs/e", 1},
                                                 {"/mine/f", 501},
                                                 {"/mine/a", 1},
                                                 {"/mine/g", 1}})) == errc::none);
  std::map<uint32_t, errc> by_index;
  for (auto& error : errors) by_index[error.index] = error.code;
  CHECK(by_index.size() == 6);
  CHECK(by_index[1] == errc::not_authorised);
  CHECK(by_index[3] == errc::not_authorised);
  CHECK(by_index.count(4));
  CHECK(by_index[5] == errc::invalid_argument);
  CHECK(by_index[6] == errc::invalid_argument);
  CHECK(by_index.count(7));
}

TEST_CASE("registrar: an upload ends with its session, and its paths are free again") {
  node n;
  auto first = n.port("user of mine");
  upload_info upload;
  REQUIRE(n.ask<upload_info>(first, &upload, put_begin_atom_v, std::string{"mine"}, std::string{},
                             false, std::string{}) == errc::none);
  REQUIRE(n.ask<std::vector<entry_error>>(first, nullptr, put_chunk_atom_v, upload.upload,
                                          n.chunk({{"/mine/a", 1}})) == errc::none);
  n.self->send_exit(first, caf::exit_reason::user_shutdown);
  n.self->wait_for(first);
  // The registrar hears of it about then, not always before us.
  auto uploads = [&] {
    std::string count;
    n.self->request(n.actors->registrar, std::chrono::seconds{20}, report_atom_v)
        .receive(
            [&](const std::vector<report>& seen) {
              for (auto& one : seen.at(0).facts)
                if (one.name == "uploads") count = one.value;
            },
            [](const caf::error&) {});
    return count;
  };
  for (int i = 0; i < 10'000 && uploads() != "0"; ++i) std::this_thread::yield();
  CHECK(n.put(n.port("user of mine"), "mine", "/mine/a") == 2);
}

TEST_CASE("session port: uploads and retrievals of a session are bounded") {
  node n;
  auto mine = n.port("user of mine");
  errc code = errc::none;
  for (int i = 0; i < 5; ++i)
    code = n.ask<upload_info>(mine, nullptr, put_begin_atom_v, std::string{"mine"}, std::string{},
                              false, std::string{});
  CHECK(code == errc::limit_reached);
}

TEST_CASE("session port: a batch is cancelled for its workspace, once") {
  node n;
  auto mine = n.port("user of mine");
  batch_id batch{n.put(mine, "mine", "/mine/a")};
  batch_record now;
  CHECK(n.ask<batch_record>(mine, &now, cancel_atom_v, std::string{"mine"}, batch) == errc::none);
  CHECK(now.state == state::failed);
  CHECK(now.failed_files == 1);
  CHECK(n.ask<batch_record>(mine, nullptr, cancel_atom_v, std::string{"mine"}, batch) ==
        errc::invalid_argument);
  // Its files are free for another batch.
  CHECK(n.put(mine, "mine", "/mine/a") == 2);
}

TEST_CASE("session port: a running retrieval is seen and cancelled by another session") {
  node n;
  auto first = n.port("user of mine");
  auto second = n.port("user of mine");
  std::string mine = "mine";
  retrieval_record begun;
  REQUIRE(n.ask<retrieval_record>(first, &begun, get_begin_atom_v, mine, batch_id{}) == errc::none);
  auto id = begun.id;
  std::vector<retrieval_status> running;
  CHECK(n.ask<std::vector<retrieval_status>>(second, &running, list_retrievals_atom_v, mine) ==
        errc::none);
  REQUIRE(running.size() == 1);
  CHECK(running[0].record.id == id);
  retrieval_record ended;
  CHECK(n.ask<retrieval_record>(second, &ended, cancel_atom_v, mine, id) == errc::none);
  CHECK(n.ask<delivery>(first, nullptr, get_next_atom_v, id) == errc::cancelled);
  CHECK(n.ask<bool>(first, nullptr, get_want_atom_v, id, std::vector<wanted_range>{}, true) ==
        errc::cancelled);
  CHECK(n.ask<bool>(first, nullptr, get_end_atom_v, id, retrieval_outcome{}) == errc::none);
  retrieval_status status;
  CHECK(n.ask<retrieval_status>(second, &status, status_atom_v, mine, id) == errc::none);
  CHECK(status.record.state == retrieval_state::cancelled);
  CHECK(n.ask<retrieval_record>(second, nullptr, cancel_atom_v, mine, id) ==
        errc::invalid_argument);
}

TEST_CASE("session port: with changes only, what is held unchanged is left out") {
  node n;
  auto mine = n.port("user of mine");
  n.put(mine, "mine", "/mine/a");
  upload_info upload;
  REQUIRE(n.ask<upload_info>(mine, &upload, put_begin_atom_v, std::string{"mine"}, std::string{},
                             true, std::string{}) == errc::none);
  std::vector<entry_error> errors;
  CHECK(n.ask<std::vector<entry_error>>(mine, &errors, put_chunk_atom_v, upload.upload,
                                        n.chunk({{"/mine/a", 10}, {"/mine/b", 1}})) == errc::none);
  REQUIRE(errors.size() == 1);
  CHECK(errors[0].index == 0);
  CHECK(errors[0].code == errc::unchanged);
}

TEST_CASE("session port: a client of another version is told so") {
  node n;
  auto mine = n.port("user of mine");
  session_info info;
  CHECK(n.ask<session_info>(mine, &info, hello_atom_v, std::to_string(protocol_version)) ==
        errc::none);
  CHECK(info.user == "user of mine");
  CHECK_FALSE(info.administrator);
  CHECK(n.ask<session_info>(mine, nullptr, hello_atom_v, std::string{"999"}) == errc::protocol);
}

TEST_CASE("session port: requests are measured by command, those refused too") {
  node n;
  auto port = n.port("user of mine");
  n.put(port, "mine", "/mine/file");
  CHECK(n.ask<std::vector<workspace_record>>(port, nullptr, list_workspaces_atom_v,
                                             std::string{"theirs"}) == errc::not_authorised);
  std::map<std::string, uint64_t> requests;
  std::map<std::string, double> errors;
  std::map<std::string, double> plain;
  for (auto& family : n.actors->measures->collect()) {
    for (auto& one : family.metric) {
      if (family.name == "elastictape_request_duration_seconds")
        requests[one.label[0].value] = one.histogram.sample_count;
      else if (family.name == "elastictape_request_errors_total")
        errors[one.label[0].value] = one.counter.value;
      else if (one.label.empty())
        plain[family.name] = one.counter.value;
    }
  }
  CHECK(requests["putbegin"] == 1);
  CHECK(requests["putchunk"] == 1);
  CHECK(requests["putcommit"] == 1);
  CHECK(requests["lsws"] == 1);
  CHECK(errors["lsws"] == 1);
  CHECK(errors.size() == 1);
  CHECK(plain["elastictape_registered_files_total"] == 1);
  CHECK(plain["elastictape_registered_bytes_total"] == 10);
}
