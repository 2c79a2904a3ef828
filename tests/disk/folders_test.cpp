// Folders that the program makes stay when the power goes, with what was synced in them.

#include <fcntl.h>

#include <catch2/catch.hpp>

#include "storage/catalogue/store.hpp"
#include "storage/os/file.hpp"
#include "storage/tape/virtual_library.hpp"
#include "tests/support/lossy_disk.hpp"
#include "tests/support/scratch_folder.hpp"

using namespace et;

TEST_CASE("a folder that was made is there after a power loss, with those above it") {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    test::scratch_folder scratch;
    test::lossy_disk disk{scratch.path()};
    auto folder = scratch.path() / "a/b/c";
    REQUIRE_FALSE(make_folders(folder));
    disk.power_loss(seed);
    CHECK(std::filesystem::is_directory(folder));
    CHECK_FALSE(make_folders(folder));
  }
}

TEST_CASE("what a new library has flushed is there after a power loss") {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    test::scratch_folder scratch;
    test::lossy_disk disk{scratch.path()};
    tape::virtual_library_options options;
    options.cartridges = 2;
    options.drives = 1;
    auto folder = scratch.path() / "state/library";
    bytes block(1000, 7);
    {
      auto library = tape::virtual_library::open(folder, options);
      REQUIRE(library);
      REQUIRE_FALSE((*library)->changer().move({tape::element_kind::slot, 0},
                                               {tape::element_kind::drive, 0}));
      auto& drive = (*library)->drive(0);
      REQUIRE_FALSE(drive.load());
      REQUIRE(drive.write(block));
      REQUIRE(drive.write_filemarks(1, true));
      disk.power_off();
    }
    disk.power_loss(seed);
    auto library = tape::virtual_library::open(folder, options);
    REQUIRE(library);
    auto& drive = (*library)->drive(0);
    REQUIRE_FALSE(drive.load());
    bytes read(1000);
    auto found = drive.read(read);
    REQUIRE(found);
    CHECK(found->kind == tape::read_kind::block);
    CHECK(read == block);
  }
}

TEST_CASE("what a new catalogue has committed is there after a power loss") {
  for (uint64_t seed = 0; seed < 5; ++seed) {
    test::scratch_folder scratch;
    test::lossy_disk disk{scratch.path()};
    auto folder = (scratch.path() / "state/catalogue").string();
    workspace_record draft;
    draft.name = "w";
    draft.roots = {"/w"};
    {
      auto store = catalogue_store::open(folder, {});
      REQUIRE(store);
      REQUIRE((*store)->add_workspace(draft));
      disk.power_off();
    }
    disk.power_loss(seed);
    auto store = catalogue_store::open(folder, {});
    REQUIRE(store);
    auto found = (*store)->view()->workspace("w");
    REQUIRE(found);
    CHECK(found->has_value());
  }
}
