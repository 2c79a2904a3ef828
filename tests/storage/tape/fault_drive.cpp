// The failing drive fails when told to, and as the contract of drives says.
#include "storage/tape/fault_drive.hpp"

#include "tests/storage/tape/tape_support.hpp"

using namespace et;
using namespace et::tape;
using namespace et::test;

namespace {

struct fault_fixture {
  fault_fixture() {
    auto image = folder / "image";
    REQUIRE_FALSE(create_image(image, {barcode{"ET0001L8"}, 1024 * 1024, false}));
    auto inner = open_cartridge_image(image, false);
    REQUIRE(inner);
    drive = std::make_unique<fault_drive>(std::move(*inner));
    for (uint8_t i = 0; i < 3; ++i) REQUIRE(drive->write(block_of(100, i)));
  }
  uint64_t position() { return drive->position()->value; }

  temporary_folder folder;
  std::unique_ptr<fault_drive> drive;
  bytes buffer = bytes(100);
};

}  // namespace

TEST_CASE_METHOD(fault_fixture, "a planned read fails behind the record, and the next one works") {
  drive->plan(drive_operation::read, errc::medium_error, 1);
  REQUIRE_FALSE(drive->locate(block_address{0}));
  REQUIRE(read_text(*drive, buffer) == "block 100");
  REQUIRE(read_text(*drive, buffer) == "medium_error");
  REQUIRE(buffer != block_of(100, 1));
  REQUIRE(position() == 2);
  REQUIRE(read_text(*drive, buffer) == "block 100");
  REQUIRE(buffer == block_of(100, 2));
  REQUIRE(drive->struck() == 1);
}

TEST_CASE_METHOD(fault_fixture, "a planned write has written nothing") {
  drive->plan(drive_operation::write, errc::medium_full, 0, 2);
  REQUIRE(code_text(drive->write(block_of(100, 3)).error()) == "medium_full");
  REQUIRE(code_text(drive->write(block_of(100, 3)).error()) == "medium_full");
  REQUIRE(position() == 3);
  REQUIRE(read_text(*drive, buffer) == "end of data");
  REQUIRE(drive->write(block_of(100, 3)));
  drive->plan(drive_operation::write_filemarks, errc::medium_error);
  REQUIRE(code_text(drive->write_filemarks(1, true).error()) == "medium_error");
  REQUIRE(position() == 4);
  REQUIRE(drive->struck() == 3);
}

TEST_CASE_METHOD(fault_fixture, "after a failed flush nothing is believed until the next load") {
  drive->plan(drive_operation::flush, errc::device_error);
  REQUIRE(drive->write_filemarks(1, false));
  REQUIRE(code_text(drive->write_filemarks(1, true).error()) == "device_error");
  REQUIRE(code_text(drive->write_filemarks(0, true).error()) == "medium_error");
  REQUIRE(code_text(drive->write(block_of(1, 1)).error()) == "medium_error");
  SECTION("a load ends it") {
    REQUIRE_FALSE(drive->load());
    REQUIRE_FALSE(drive->locate_end_of_data());
    REQUIRE(drive->write_filemarks(1, true));
  }
  SECTION("an unload reports it and releases the cartridge") {
    REQUIRE(code_text(drive->unload()) == "medium_error");
    REQUIRE_FALSE(drive->loaded());
    REQUIRE_FALSE(drive->unload());
  }
}

TEST_CASE_METHOD(fault_fixture, "load, unload and locate fail as the contract says") {
  drive->plan(drive_operation::locate, errc::device_error);
  REQUIRE(code_text(drive->locate(block_address{0})) == "device_error");
  REQUIRE(position() == 3);
  drive->plan(drive_operation::unload, errc::medium_error);
  REQUIRE(code_text(drive->unload()) == "medium_error");
  REQUIRE_FALSE(drive->loaded());
  drive->plan(drive_operation::load, errc::medium_error);
  REQUIRE(code_text(drive->load()) == "medium_error");
  REQUIRE_FALSE(drive->loaded());
  REQUIRE_FALSE(drive->load());
  REQUIRE(position() == 0);
}
