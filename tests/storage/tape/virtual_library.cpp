// The library's folder: what is made, what is found again, what is odd and does no harm.
#include "storage/tape/virtual_library.hpp"

#include <atomic>
#include <thread>

#include "storage/tape/virtual_state.hpp"
#include "tests/storage/tape/tape_support.hpp"

using namespace et;
using namespace et::tape;
using namespace et::test;

namespace {

element slot(uint32_t number) {
  return {element_kind::slot, number};
}
element drive(uint32_t number) {
  return {element_kind::drive, number};
}
element mail(uint32_t number) {
  return {element_kind::import_export, number};
}

/// `slot 0 ET0001L8, drive 0 ET0002L8 from 1`: what is not empty.
std::string layout(virtual_library& library) {
  std::string out;
  auto all = library.changer().inventory();
  REQUIRE(all);
  for (const auto& status : *all) {
    if (!status.cartridge) continue;
    if (!out.empty()) out += ", ";
    out += to_string(status.where) + " " + status.cartridge->value;
    if (status.home_slot) out += " from " + std::to_string(*status.home_slot);
  }
  return out;
}

std::string text_of_file(const std::filesystem::path& path) {
  auto data = file_bytes(path);
  return {data.begin(), data.end()};
}

bytes as_bytes(const std::string& text) {
  return {text.begin(), text.end()};
}

std::string code_of_opening(const std::filesystem::path& folder,
                            const virtual_library_options& options = small_library()) {
  auto library = virtual_library::open(folder, options);
  return library ? "none" : code_text(library.error());
}

struct library_fixture {
  temporary_folder folder;
  std::filesystem::path path = folder / "state/library";
  const std::string three = "slot 0 ET0001L8, slot 1 ET0002L8, slot 2 ET0003L8";
};

}  // namespace

TEST_CASE_METHOD(library_fixture, "a new library has its cartridges in slots") {
  auto library = open_library(path);
  REQUIRE(layout(*library) == three);
  REQUIRE(library->remarks().empty());
  REQUIRE(library->drive_count() == 2);
  REQUIRE(library->drive(1).name() == "drive1");
  REQUIRE(library->changer().name() == "library0");
  REQUIRE(library->changer().inventory()->size() == 7);
  REQUIRE(library->cartridges().size() == 3);
  REQUIRE(library->image_path(barcode{"ET0002L8"}) == path / "ET0002L8.cartridge");
  REQUIRE(std::filesystem::file_size(path / "ET0002L8.cartridge") == image_header_bytes);
}

TEST_CASE_METHOD(library_fixture, "a restart finds everything where it was") {
  {
    auto library = open_library(path);
    REQUIRE_FALSE(library->changer().move(slot(1), drive(0)));
    REQUIRE_FALSE(library->changer().move(slot(0), slot(4)));
    REQUIRE_FALSE(library->drive(0).load());
    REQUIRE(library->drive(0).write(block_of(1000, 1)));
  }
  const std::string moved = "slot 2 ET0003L8, slot 4 ET0001L8, drive 0 ET0002L8 from 1";
  auto library = open_library(path);
  REQUIRE(layout(*library) == moved);
  REQUIRE(library->remarks().empty());
  SECTION("a cartridge in a drive is not loaded, and can be used there or go home") {
    REQUIRE_FALSE(library->drive(0).loaded());
    bytes buffer(2000);
    REQUIRE_FALSE(library->drive(0).load());
    REQUIRE(read_text(library->drive(0), buffer) == "block 1000");
    REQUIRE_FALSE(library->drive(0).unload());
    REQUIRE_FALSE(library->changer().move(drive(0), slot(1)));
  }
  SECTION("more cartridges and more drives are added") {
    library.reset();
    auto options = small_library();
    options.cartridges = 6;
    options.drives = 3;
    options.mail_slots = 1;
    library = open_library(path, options);
    REQUIRE(layout(*library) ==
            "slot 0 ET0004L8, slot 1 ET0005L8, slot 2 ET0003L8, "
            "slot 3 ET0006L8, slot 4 ET0001L8, drive 0 ET0002L8 from 1");
    REQUIRE(library->drive_count() == 3);
    REQUIRE_FALSE(library->changer().move(drive(0), mail(0)));
    REQUIRE_FALSE(library->changer().move(mail(0), drive(2)));
    REQUIRE_FALSE(library->changer().inventory()->at(8).home_slot);
  }
  SECTION("a cartridge in a drive that is gone goes home") {
    library.reset();
    auto options = small_library();
    options.drives = 0;
    library = open_library(path, options);
    REQUIRE(layout(*library) == "slot 1 ET0002L8, slot 2 ET0003L8, slot 4 ET0001L8");
  }
  SECTION("fewer slots are still enough") {
    library.reset();
    auto options = small_library();
    options.slots = 0;
    library = open_library(path, options);
    REQUIRE(layout(*library) == "slot 0 ET0001L8, slot 2 ET0003L8, drive 0 ET0002L8 from 1");
  }
}

TEST_CASE_METHOD(library_fixture, "only one process uses the folder") {
  auto library = open_library(path);
  REQUIRE(code_of_opening(path) == "locked");
  library.reset();
  REQUIRE(code_of_opening(path) == "none");
}

TEST_CASE_METHOD(library_fixture, "options are checked") {
  auto options = small_library();
  SECTION("prefix") {
    options.barcode_prefix = "tape";
  }
  SECTION("path in a prefix") {
    options.barcode_prefix = "../";
  }
  SECTION("length of a barcode") {
    options.barcode_prefix = "ABCDEFGHIJK";
  }
  SECTION("number of cartridges") {
    options.cartridges = 10'000;
  }
  SECTION("capacity") {
    options.capacity_bytes = 0;
  }
  SECTION("slots") {
    options.slots = 4'000'000'000;
  }
  SECTION("drive") {
    options.drive.timing.read_bytes_per_s = 5;
  }
  REQUIRE(code_of_opening(path, options) == "invalid_argument");
  REQUIRE_FALSE(std::filesystem::exists(path));
}

TEST_CASE_METHOD(library_fixture, "a damaged state file costs nothing but the places") {
  const std::string good =
      "elastic-tape-library 1\nslot 3 ET0002L8\ndrive 0 ET0001L8 0\ndrive 1 ET0003L8 -\nend\n";
  open_library(path).reset();
  auto state = path / "library.state";
  auto opens_with = [&](const std::string& text) {
    write_file(state, as_bytes(text));
    auto library = open_library(path);
    auto out = layout(*library);
    REQUIRE((out == three) == (library->remarks().size() == 1));
    REQUIRE((out == three) == (text_of_file(path / "library.state.bad") == text));
    return out;
  };
  REQUIRE(opens_with(good) == "slot 3 ET0002L8, drive 0 ET0001L8 from 0, drive 1 ET0003L8");
  REQUIRE(opens_with("") == three);
  REQUIRE(opens_with("garbage\n\xff") == three);
  REQUIRE(opens_with(good.substr(0, good.size() - 1)) == three);
  REQUIRE(opens_with(good.substr(0, good.size() - 4)) == three);
  for (const auto* line : {"slot x ET0001L8", "slot 1", "slot -1 ET0001L8", "slot 1 et0001", "",
                           "drive 0 ET0001L8", "slot 1 ET0001L8 2", "shelf 1 ET0001L8",
                           "slot 99999999999 ET0001L8", "missing", "drive 0 ET0001L8 x"})
    REQUIRE(opens_with("elastic-tape-library 1\n" + std::string{line} + "\nend\n") == three);
  REQUIRE(opens_with(std::string(2 * 1024 * 1024, 'x')) == three);
}

TEST_CASE_METHOD(library_fixture, "a state file that contradicts itself loses no cartridge") {
  open_library(path).reset();
  write_file(path / "library.state",
             as_bytes("elastic-tape-library 1\nslot 4 ET0001L8\nslot 4 ET0002L8\nslot 3 ET0001L8\n"
                      "drive 9 ET0003L8 1\nend\n"));
  REQUIRE(layout(*open_library(path)) == "slot 0 ET0002L8, slot 1 ET0003L8, slot 4 ET0001L8");
}

TEST_CASE_METHOD(library_fixture, "a state file of a newer version is refused and kept") {
  open_library(path).reset();
  const std::string newer = "elastic-tape-library 2\nwhatever\n";
  write_file(path / "library.state", as_bytes(newer));
  REQUIRE(code_of_opening(path) == "newer_version");
  REQUIRE(text_of_file(path / "library.state") == newer);
}

TEST_CASE_METHOD(library_fixture, "foreign files in the folder do no harm") {
  std::filesystem::create_directories(path / "AB0002L8.cartridge");
  write_file(path / "notes.txt", block_of(10, 1));
  write_file(path / "a copy.cartridge", block_of(10, 1));
  write_file(path / "AB0001L8.cartridge", block_of(2000, 1));
  auto library = open_library(path);
  REQUIRE(layout(*library) == "slot 0 AB0001L8, slot 1 ET0001L8, slot 2 ET0002L8, slot 3 ET0003L8");
  REQUIRE(library->remarks().size() == 2);
  REQUIRE_FALSE(library->changer().move(slot(0), drive(0)));
  REQUIRE(code_text(library->drive(0).load()) == "medium_error");
  REQUIRE_FALSE(library->drive(0).loaded());
  REQUIRE(code_text(library->set_write_protected(barcode{"AB0001L8"}, true)) == "medium_error");
  SECTION("a cartridge that cannot be loaded can be moved away") {
    REQUIRE_FALSE(library->changer().move(drive(0), slot(0)));
    REQUIRE(file_bytes(path / "AB0001L8.cartridge") == block_of(2000, 1));
  }
  SECTION("an image under another cartridge's name is not taken for it") {
    std::filesystem::copy_file(path / "ET0001L8.cartridge", path / "AB0001L8.cartridge",
                               std::filesystem::copy_options::overwrite_existing);
    REQUIRE(code_text(library->drive(0).load()) == "medium_error");
  }
  SECTION("an image of a newer version cannot be used") {
    auto data = file_bytes(path / "ET0001L8.cartridge");
    data[8] = 2;
    write_file(path / "AB0001L8.cartridge", data);
    REQUIRE(code_text(library->drive(0).load()) == "medium_error");
  }
}

TEST_CASE_METHOD(library_fixture, "a lost image is not replaced by a blank one") {
  {
    auto library = open_library(path);
    REQUIRE_FALSE(library->changer().move(slot(0), drive(0)));
  }
  auto image = path / "ET0001L8.cartridge";
  std::filesystem::rename(image, folder / "kept");
  for (int start = 0; start < 2; ++start) {
    auto library = open_library(path);
    REQUIRE(layout(*library) == "slot 1 ET0002L8, slot 2 ET0003L8");
    REQUIRE(library->remarks().size() == 1);
    REQUIRE_FALSE(std::filesystem::exists(image));
  }
  std::filesystem::rename(folder / "kept", image);
  auto library = open_library(path);
  REQUIRE(layout(*library) == three);
  REQUIRE(library->remarks().empty());
  SECTION("one that goes while it is in a drive cannot be loaded") {
    REQUIRE_FALSE(library->changer().move(slot(0), drive(0)));
    std::filesystem::remove(image);
    REQUIRE(code_text(library->drive(0).load()) == "medium_error");
    REQUIRE_FALSE(library->changer().move(drive(0), slot(0)));
  }
}

TEST_CASE_METHOD(library_fixture, "write protection is kept, and not changed under a drive") {
  barcode id{"ET0001L8"};
  auto library = open_library(path);
  REQUIRE(code_text(library->set_write_protected(barcode{"NONE"}, true)) == "not_found");
  REQUIRE_FALSE(library->changer().move(slot(0), drive(0)));
  REQUIRE_FALSE(library->drive(0).load());
  REQUIRE(code_text(library->set_write_protected(id, true)) == "device_error");
  REQUIRE_FALSE(library->drive(0).unload());
  REQUIRE_FALSE(library->set_write_protected(id, true));
  library.reset();
  library = open_library(path);
  REQUIRE_FALSE(library->drive(0).load());
  REQUIRE(library->drive(0).medium()->write_protected);
  auto result = library->drive(0).write(block_of(1, 1));
  REQUIRE(code_text(result.error()) == "write_protected");
}

TEST_CASE_METHOD(library_fixture, "a move that cannot be remembered does not happen") {
  auto library = open_library(path);
  // A folder where the new state file would go.
  std::filesystem::create_directory(path / "library.state.new");
  REQUIRE(library->changer().move(slot(0), drive(0)));
  REQUIRE(layout(*library) == three);
  std::filesystem::remove(path / "library.state.new");
  REQUIRE_FALSE(library->changer().move(slot(0), drive(0)));
}

TEST_CASE_METHOD(library_fixture, "drives and changer work from threads of their own") {
  auto library = open_library(path);
  REQUIRE_FALSE(library->changer().move(slot(0), drive(0)));
  REQUIRE_FALSE(library->changer().move(slot(1), drive(1)));
  std::atomic<int> bad = 0;
  auto use = [&](size_t number) {
    auto& d = library->drive(number);
    bytes buffer(1000);
    for (int round = 0; round < 20; ++round) {
      if (d.load()) ++bad;
      for (uint8_t i = 0; i < 20; ++i)
        if (!d.write(block_of(1000, i))) ++bad;
      if (d.locate(block_address{7}) || read_text(d, buffer) != "block 1000" ||
          buffer != block_of(1000, 7) || d.unload())
        ++bad;
    }
  };
  std::thread first{use, 0};
  std::thread second{use, 1};
  for (int round = 0; round < 10; ++round) {
    if (library->changer().move(slot(2), slot(3)) || library->changer().move(slot(3), slot(2)) ||
        !library->changer().inventory() || library->set_write_protected(barcode{"ET0003L8"}, true))
      ++bad;
  }
  first.join();
  second.join();
  REQUIRE(bad == 0);
}
