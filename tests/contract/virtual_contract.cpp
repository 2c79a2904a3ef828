// The virtual tape library against the contracts of drives and changers.
#include "storage/tape/fault_drive.hpp"
#include "tests/contract/changer_contract.hpp"
#include "tests/contract/drive_contract.hpp"
#include "tests/storage/tape/tape_support.hpp"

using namespace et;

namespace {

struct world {
  test::temporary_folder folder;
  std::unique_ptr<tape::virtual_library> library;
};

std::shared_ptr<world> make_world() {
  auto out = std::make_shared<world>();
  out->library = test::open_library(out->folder / "library");
  return out;
}

contract::drive_under_test make_drive() {
  auto w = make_world();
  tape::element slot{tape::element_kind::slot, 0};
  tape::element drive{tape::element_kind::drive, 0};
  REQUIRE_FALSE(w->library->changer().move(slot, drive));
  contract::drive_under_test out;
  out.world = w;
  out.drive = &w->library->drive(0);
  out.set_write_protected = [w = w.get()](bool on) {
    return w->library->set_write_protected(barcode{"ET0001L8"}, on);
  };
  out.take_out = [=, w = w.get()] { return w->library->changer().move(drive, slot); };
  return out;
}

contract::changer_under_test make_changer() {
  auto w = make_world();
  contract::changer_under_test out;
  out.world = w;
  out.changer = &w->library->changer();
  out.drive = [w = w.get()](uint32_t i) -> tape::drive& { return w->library->drive(i); };
  return out;
}

}  // namespace

TEST_CASE("virtual drive keeps the contract of a drive") {
  contract::check_drive_contract(make_drive);
}

TEST_CASE("virtual changer keeps the contract of a changer") {
  contract::check_changer_contract(make_changer);
}

TEST_CASE("a drive with one image, behind a drive without faults, keeps the contract of a drive") {
  contract::check_drive_contract([] {
    auto folder = std::make_shared<test::temporary_folder>();
    auto image = *folder / "copy of a cartridge";
    REQUIRE_FALSE(tape::create_image(image, {barcode{"COPY1"}, 1024 * 1024, false}));
    auto opened = tape::open_cartridge_image(image, false);
    REQUIRE(opened);
    REQUIRE_FALSE((*opened)->unload());
    std::shared_ptr<tape::drive> drive = std::make_shared<tape::fault_drive>(std::move(*opened));
    contract::drive_under_test out;
    out.drive = drive.get();
    out.world = std::make_shared<std::pair<decltype(folder), decltype(drive)>>(folder, drive);
    return out;
  });
}
