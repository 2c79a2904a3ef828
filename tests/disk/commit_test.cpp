// A commit whose sync fails may be in the log all the same.

#include <spdlog/spdlog.h>

#include <catch2/catch.hpp>

#include "actors/registrar.hpp"
#include "tests/support/lossy_disk.hpp"
#include "tests/support/scratch_folder.hpp"

using namespace et;

TEST_CASE("a batch whose commit is in the catalogue although it failed is not purged") {
  test::scratch_folder scratch;
  test::lossy_disk disk{scratch.path()};
  auto store = catalogue_store::open((scratch.path() / "catalogue").string(), {});
  REQUIRE(store);
  workspace_record workspace;
  workspace.name = "w";
  workspace.roots = {"/w"};
  workspace.quota_bytes = 1000;
  auto added = (*store)->add_workspace(workspace);
  REQUIRE(added);
  batch_record draft;
  draft.workspace = added->id;
  draft.workspace_name = "w";
  auto id = (*store)->begin_batch(draft);
  REQUIRE(id);
  std::vector<file_entry> entries(1);
  entries[0].path = "/w/f";
  entries[0].size_bytes = 10;
  REQUIRE((*store)->add_files(*id, entries));
  test::disk_faults faults;
  faults.sync_error = 1;
  disk.set_faults(faults);
  auto committed = (*store)->commit_batch(*id);
  CHECK_FALSE(committed);
  disk.set_faults({});
  registrar_state state;
  state.store = store->get();
  state.uploads[*id] = {};
  bool dropped = state.drop(*id);
  auto found = (*store)->view()->batch(*id);
  REQUIRE(found);
  // Either nothing is left of it, or it is whole: never a batch that is being purged.
  CHECK(dropped != found->has_value());
  CHECK(state.purging.count(*id) == (dropped ? 1 : 0));
  // This engine has it.
  CHECK(found->has_value());
}
