// Workspaces, and a batch up to its commit and after its removal.
#include <algorithm>

#include "tests/storage/catalogue/fixture.hpp"

using namespace et;
using namespace et::test;

namespace {

workspace_record named(const std::string& name) {
  workspace_record record;
  record.name = name;
  record.roots = {"/gws/" + name};
  record.managers = {"ann", "bob"};
  record.quota_bytes = 1000;
  return record;
}

uint64_t used_bytes(fixture& f) {
  return need(f.view()->workspace("w"))->used_bytes;
}

}  // namespace

TEST_CASE("workspaces are added, changed, listed and removed", "[workspace]") {
  fixture f{{}, false};
  auto a = need(f->add_workspace(named("b")));
  CHECK(a.id == workspace_id{1});
  CHECK(need(f->add_workspace(named("a"))).id == workspace_id{2});
  CHECK(errc_of(f->add_workspace(named("a"))) == errc::already_exists);

  auto changed = named("b");
  changed.quota_bytes = 5;
  changed.used_bytes = 99;
  changed.roots = {"/x", "/y"};
  CHECK(need(f->set_workspace(changed)).used_bytes == 0);
  CHECK(errc_of(f->set_workspace(named("c"))) == errc::not_found);

  f.crash();
  auto all = need(f.view()->workspaces());
  REQUIRE(all.size() == 2);
  CHECK(all[0].name == "a");
  CHECK(all[1].id == workspace_id{1});
  CHECK(all[1].quota_bytes == 5);
  CHECK(all[1].roots == changed.roots);
  CHECK(all[1].managers == changed.managers);

  need(f->remove_workspace("b"));
  CHECK(errc_of(f->remove_workspace("b")) == errc::not_found);
  CHECK_FALSE(need(f.view()->workspace("b")));
  CHECK(need(f->add_workspace(named("b"))).id == workspace_id{3});
}

TEST_CASE("bad workspaces are refused", "[workspace]") {
  fixture f{{}, false};
  for (const char* name : {"", "a b", "a/b", "gr\xc3\xbc"})
    CHECK(errc_of(f->add_workspace(named(name))) == errc::invalid_argument);
  CHECK(errc_of(f->add_workspace(named(std::string(65, 'a')))) == errc::invalid_argument);
  CHECK(errc_of(f->add_workspace(named(std::string(64, 'a')))) == errc::none);
  auto record = named("a");
  record.roots = {};
  CHECK(errc_of(f->add_workspace(record)) == errc::invalid_argument);
  for (const char* root : {"relative", "/a/", "/a/../b", "/a//b", "/.", ""}) {
    record.roots = {"/ok", root};
    CHECK(errc_of(f->add_workspace(record)) == errc::invalid_argument);
  }
  CHECK(errc_of(f->set_workspace(record)) == errc::invalid_argument);
  record.name = "whole";
  record.roots = {"/", "/..a/b."};
  CHECK(errc_of(f->add_workspace(record)) == errc::none);
  record.roots = {"relative"};
  CHECK(errc_of(f->set_workspace(record)) == errc::invalid_argument);
}

TEST_CASE("a workspace with batches stays", "[workspace]") {
  fixture f;
  auto pending = f.begin();
  CHECK(errc_of(f->remove_workspace("w")) == errc::already_exists);
  need(f->add_files(pending, {entry("/a")}));
  need(f->commit_batch(pending));
  f.commit({entry("/b")});
  CHECK(message_of(f->remove_workspace("w")) == "workspace w holds 2 batches");
  need(f->remove_batch(pending));
  need(f->remove_batch(batch_id{2}));
  need(f->remove_workspace("w"));
  f.purge(pending);
}

TEST_CASE("a committed batch is there, with what was registered", "[registration]") {
  fixture f;
  auto entries = numbered_entries(10);
  auto id = f.begin();
  CHECK(id == batch_id{1});
  need(f->add_files(id, {entries.begin(), entries.begin() + 6}));
  need(f->add_files(id, {entries.begin() + 6, entries.end()}));
  CHECK_FALSE(need(f.view()->batch(id)));
  CHECK(need(f.view()->entries(id, "", 100)).empty());
  CHECK(f.rows(id).empty());
  CHECK_FALSE(need(f.view()->find_path(f.workspace(), entries[0].path, {})));
  CHECK_FALSE(need(f.view()->find_path(f.workspace(), entries[0].path, id)));

  auto committed = need(f->commit_batch(id));
  auto batch = f.batch(id);
  CHECK(batch.files == 10);
  CHECK(batch.size_bytes == 10 * 100 + 45);
  CHECK(batch.phase == batch_phase::committed);
  CHECK(batch.state == state::registered);
  CHECK(batch.requester == "ann");
  CHECK(batch.tag == "tag");
  CHECK(batch.uid == 7);
  CHECK(batch.gid == 8);
  CHECK(batch.workspace_name == "w");
  CHECK(batch.created_ns == f.clock().now_ns());
  CHECK(committed.size_bytes == batch.size_bytes);
  CHECK(need(f.view()->entries(id, "", 100)) == entries);
  CHECK(f.alert_texts() == std::vector<std::string>{"Batch 1 registered: 10 files, 1045 bytes"});
  auto workspace = need(f.view()->workspace("w")).value();
  CHECK(workspace.used_bytes == 1045);
  CHECK(workspace.used_files == 10);
  CHECK(workspace.batches == 1);
}

TEST_CASE("a batch needs its workspace", "[registration]") {
  fixture f;
  batch_record draft;
  draft.workspace_name = "nowhere";
  CHECK(errc_of(f->begin_batch(draft)) == errc::not_found);
  draft.workspace_name = "w";
  draft.workspace = workspace_id{99};
  CHECK(errc_of(f->begin_batch(draft)) == errc::not_found);
}

TEST_CASE("a batch is committed once, and not when it is empty or unknown", "[registration]") {
  fixture f;
  auto id = f.begin();
  CHECK(errc_of(f->commit_batch(id)) == errc::rejected);
  need(f->add_files(id, {entry("/a")}));
  need(f->commit_batch(id));
  CHECK(errc_of(f->commit_batch(id)) == errc::not_found);
  CHECK(errc_of(f->add_files(id, {entry("/b")})) == errc::not_found);
  CHECK(errc_of(f->commit_batch(batch_id{77})) == errc::not_found);
  CHECK(errc_of(f->add_files(batch_id{77}, {entry("/b")})) == errc::not_found);
}

TEST_CASE("entries that cannot be added are named, the others are added", "[registration]") {
  fixture f;
  f.commit({entry("/held"), entry("/other")});
  auto rival = f.begin();
  need(f->add_files(rival, {entry("/rival")}));
  auto id = f.begin();
  need(f->add_files(id, {entry("/before"), entry("/z")}));

  auto errors = need(f->add_files(
      id, {entry("/z"), entry("/held"), entry("/new"), entry("relative"), entry(""),
           entry({"/nul\0", 5}), entry("/rival"), entry("/twice"), entry("/twice"), entry("/hel"),
           entry("/held/below"), entry("/" + std::string(40'000, 'x'))}));
  auto reason_of = [&](uint32_t index) -> std::string {
    for (const auto& e : errors)
      if (e.index == index) return std::string{to_string(e.code)} + ": " + e.reason;
    return "";
  };
  CHECK(errors.size() == 8);
  CHECK(std::is_sorted(errors.begin(), errors.end(),
                       [](const auto& a, const auto& b) { return a.index < b.index; }));
  CHECK(reason_of(0) == "already_exists: listed twice in this batch");
  CHECK(reason_of(1) == "already_exists: already held by batch 1");
  CHECK(reason_of(3) == "invalid_argument: the path is not absolute");
  CHECK(reason_of(4) == "invalid_argument: the path is empty");
  CHECK(reason_of(5) == "invalid_argument: the path contains a zero byte");
  CHECK(reason_of(6) == "already_exists: in batch 2, which is being registered");
  CHECK(reason_of(8) == "already_exists: listed twice in this batch");
  CHECK(reason_of(11) == "invalid_argument: the path is too long");
  need(f->commit_batch(id));
  CHECK(paths_of(f.rows(id)) ==
        std::vector<std::string>{"/before", "/hel", "/held/below", "/new", "/twice", "/z"});
  CHECK(f.batch(id).files == 6);
}

TEST_CASE("sizes that cannot be summed are refused", "[registration]") {
  fixture f;
  auto id = f.begin();
  auto errors =
      need(f->add_files(id, {entry("/a", UINT64_MAX - 10), entry("/b", 11), entry("/c", 10)}));
  REQUIRE(errors.size() == 1);
  CHECK(errors[0].index == 1);
  CHECK(errc_of(f->commit_batch(id)) == errc::over_quota);
}

TEST_CASE("held paths are found behind many others", "[registration]") {
  fixture f;
  f.commit(numbered_entries(2000));
  auto id = f.begin();
  std::vector<file_entry> mixed;
  for (const auto& e : numbered_entries(2000)) {
    auto number = std::stoi(e.path.substr(7));
    if (number % 97 == 0) mixed.push_back(e);
    if (number % 50 == 0) mixed.push_back(entry(e.path + "x"));
  }
  CHECK(need(f->add_files(id, mixed)).size() == 21);
  need(f->commit_batch(id));
  CHECK(f.batch(id).files == 40);
}

TEST_CASE("other workspaces do not get in the way", "[registration]") {
  fixture f;
  need(f->add_workspace(named("v")));
  f.commit({entry("/a")});
  batch_record draft;
  draft.workspace_name = "v";
  auto id = need(f->begin_batch(draft));
  CHECK(need(f->add_files(id, {entry("/a", 10)})).empty());
  need(f->commit_batch(id));
  CHECK(need(f.view()->find_path(workspace_id{2}, "/a", {}))->batch == id);
  CHECK(need(f.view()->find_path(workspace_id{1}, "/a", {}))->batch == batch_id{1});
  CHECK_FALSE(need(f.view()->find_path(workspace_id{1}, "/a", id)));
}

TEST_CASE("the quota is a limit to the byte", "[registration]") {
  fixture f;
  auto workspace = need(f.view()->workspace("w")).value();
  workspace.quota_bytes = 100;
  need(f->set_workspace(workspace));
  f.commit({entry("/a", 60)});
  auto id = f.begin();
  need(f->add_files(id, {entry("/b", 41)}));
  auto refused = f->commit_batch(id);
  CHECK(errc_of(refused) == errc::over_quota);
  CHECK(message_of(refused) ==
        "workspace w is over its quota: quota 100 bytes, used 60 bytes, asked 41 bytes");
  CHECK_FALSE(need(f.view()->batch(id)));
  CHECK(used_bytes(f) == 60);
  f.purge(id);
  f.commit({entry("/b", 40)});
  CHECK(used_bytes(f) == 100);
  workspace.quota_bytes = 50;
  need(f->set_workspace(workspace));
  auto empty = f.begin();
  need(f->add_files(empty, {entry("/c", 0)}));
  CHECK(errc_of(f->commit_batch(empty)) == errc::over_quota);
}

TEST_CASE("a removed batch is gone everywhere at once, and its paths are free", "[removal]") {
  fixture f;
  auto entries = numbered_entries(50);
  auto id = f.commit(entries);
  auto ids = f.plan(id, 10);
  f.cache(ids[0]);
  f.cache(ids[1], {3});
  auto as_it_was = need(f->remove_batch(id));
  CHECK(as_it_was.phase == batch_phase::committed);
  CHECK(as_it_was.files == 50);
  CHECK(errc_of(f->remove_batch(id)) == errc::not_found);

  auto view = f.view();
  CHECK_FALSE(need(view->batch(id)));
  CHECK(need(view->batches(f.workspace(), {}, 10)).empty());
  CHECK(need(view->batches_in_motion()).empty());
  CHECK(need(view->aggregations(id, 0, 10)).empty());
  CHECK_FALSE(need(view->aggregation(ids[0])));
  CHECK(need(view->entries(id, "", 10)).empty());
  CHECK(need(view->entries_between(id, "/", "/z", 10)).empty());
  CHECK(need(view->rows(id, "", 10, SIZE_MAX)).empty());
  CHECK(need(view->failures(id, "", 10)).empty());
  CHECK_FALSE(need(view->find_path(f.workspace(), entries[0].path, {})));
  need(view->each_cached([](const auto&) {
    FAIL("a removed batch has no cached aggregations");
    return true;
  }));
  auto workspace = need(view->workspace("w")).value();
  CHECK(workspace.used_bytes == 0);
  CHECK(workspace.used_files == 0);
  CHECK(workspace.batches == 0);
  CHECK(f.alert_texts().back() == "Batch 1 removed");

  CHECK_FALSE(need(f->purge_batch(id, 20)));
  auto again = f.commit(entries);
  CHECK(again == batch_id{2});
  CHECK(need(f.view()->find_path(f.workspace(), entries[49].path, {}))->batch == again);
  CHECK_FALSE(need(f->purge_batch(id, 20)));
  CHECK(need(f->purge_batch(id, 20)));
  CHECK(need(f->purge_batch(id, 20)));
  CHECK(need(f.view()->unfinished_removals()).empty());
  CHECK(f.rows(again).size() == 50);
  CHECK(need(f.view()->find_path(f.workspace(), entries[0].path, {}))->batch == again);
}

TEST_CASE("committed batches cannot be purged, half purged ones not committed", "[removal]") {
  fixture f;
  auto id = f.commit({entry("/a")});
  CHECK(errc_of(f->purge_batch(id, 10)) == errc::invalid_argument);
  auto pending = f.begin();
  need(f->add_files(pending, numbered_entries(5)));
  CHECK_FALSE(need(f->purge_batch(pending, 3)));
  CHECK(errc_of(f->commit_batch(pending)) == errc::not_found);
  CHECK(errc_of(f->add_files(pending, {entry("/b")})) == errc::not_found);
  CHECK(need(f->purge_batch(pending, 3)));
  f.commit(numbered_entries(5));
}
