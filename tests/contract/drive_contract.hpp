// What drive.hpp promises, as tests that every implementation runs. One factory call gives a drive
// in a world of its own; sections start afresh.
#pragma once

#include <vector>

#include "tests/contract/drive_tester.hpp"

namespace et::contract {

inline void check_loading(const drive_factory& make) {
  tester t{make()};
  SECTION("nothing works before load, and nothing is loaded") {
    bytes buffer(100);
    REQUIRE_FALSE(t.d.loaded());
    t.fails(t.d.medium(), errc::no_medium);
    t.fails(t.d.read(buffer), errc::no_medium);
    t.fails(t.d.write(buffer), errc::no_medium);
    t.fails(t.d.write_filemarks(1, true), errc::no_medium);
    t.fails(t.d.locate(block_address{0}), errc::no_medium);
    t.fails(t.d.locate_end_of_data(), errc::no_medium);
    t.fails(t.d.position(), errc::no_medium);
  }
  SECTION("load goes to 0, and rewinds a loaded drive") {
    t.load();
    REQUIRE(t.d.loaded());
    t.at(0);
    t.write_example();
    t.load();
    REQUIRE(t.d.loaded());
    t.at(0);
    t.reads(t.a);
  }
  SECTION("unloading an empty drive succeeds, also twice") {
    t.good(t.d.unload());
    t.load();
    t.good(t.d.unload());
    REQUIRE_FALSE(t.d.loaded());
    t.good(t.d.unload());
    t.fails(t.d.position(), errc::no_medium);
  }
  SECTION("what was written, flushed or not, is there after unload and load") {
    t.load();
    t.write_example();
    t.good(t.d.unload());
    t.load();
    t.at(0);
    t.reads(t.a);
    t.reads(t.b);
    t.reads(tape::read_kind::filemark);
    t.reads(t.c);
    t.reads(tape::read_kind::end_of_data);
  }
  SECTION("without a cartridge there is nothing to load") {
    if (!t.setup().take_out) return;
    t.good(t.setup().take_out());
    t.fails(t.d.load(), errc::no_medium);
    REQUIRE_FALSE(t.d.loaded());
    t.good(t.d.unload());
  }
  SECTION("it has a name and a largest block") {
    REQUIRE_FALSE(t.d.name().empty());
    REQUIRE(t.d.max_block_bytes() >= default_block_bytes);
  }
}

inline void check_reading(const drive_factory& make) {
  tester t{make()};
  t.load();
  SECTION("a blank cartridge is at its end of data") {
    t.reads(tape::read_kind::end_of_data);
    t.at(0);
    t.reads(tape::read_kind::end_of_data);
    t.at(0);
  }
  SECTION("blocks and filemarks count, end of data does not") {
    t.write_example();
    t.locate(0);
    t.reads(t.a);
    t.at(1);
    t.reads(t.b);
    t.at(2);
    t.reads(tape::read_kind::filemark);
    t.at(3);
    t.reads(t.c);
    t.at(4);
    t.reads(tape::read_kind::end_of_data);
    t.at(4);
  }
  SECTION("a filemark needs no buffer") {
    t.marks(1);
    t.locate(0);
    bytes none;
    REQUIRE(t.read(none).kind == tape::read_kind::filemark);
    t.at(1);
  }
  SECTION("a buffer that is too small changes nothing") {
    t.write_example();
    t.locate(1);
    bytes small(t.b.size() - 1);
    t.fails(t.d.read(small), errc::invalid_argument);
    t.at(1);
    t.reads(t.b);
    t.at(2);
  }
  SECTION(
      "a buffer of exactly the block's size is enough, and nothing else of a larger one is used") {
    t.write_example();
    t.locate(0);
    bytes exact(t.a.size());
    REQUIRE(t.read(exact).size_bytes == exact.size());
    REQUIRE(exact == t.a);
    bytes large(t.b.size() + 100, 0x5a);
    REQUIRE(t.read(large).size_bytes == t.b.size());
    REQUIRE(bytes(large.begin() + static_cast<ptrdiff_t>(t.b.size()), large.end()) ==
            bytes(100, 0x5a));
  }
}

inline void check_writing(const drive_factory& make) {
  tester t{make()};
  t.load();
  SECTION("blocks of every size come back as they were") {
    std::vector<uint32_t> sizes = {1, 2, 79, 80, 511, 512, 513, 4096, 20'000};
    for (auto size : sizes) t.write(pattern(size, size));
    t.at(sizes.size());
    t.locate(0);
    for (auto size : sizes) t.reads(pattern(size, size));
    t.reads(tape::read_kind::end_of_data);
  }
  SECTION("an empty block is refused and changes nothing") {
    t.write_example();
    t.locate(1);
    t.fails(t.d.write({}), errc::invalid_argument);
    t.at(1);
    t.reads(t.b);
  }
  SECTION("a block over the largest is refused and changes nothing") {
    t.write_example();
    t.locate(1);
    bytes large(size_t{t.d.max_block_bytes()} + 1);
    t.fails(t.d.write(large), errc::invalid_argument);
    t.at(1);
    t.reads(t.b);
  }
  SECTION("writing in the middle makes the end of data behind the block") {
    t.write_example();
    t.locate(1);
    t.write(t.c);
    t.at(2);
    t.reads(tape::read_kind::end_of_data);
    t.fails(t.d.locate(block_address{3}), errc::wrong_position);
    t.at(2);
    t.locate(0);
    t.reads(t.a);
    t.reads(t.c);
    t.reads(tape::read_kind::end_of_data);
  }
  SECTION("what was overwritten stays gone after unload, even where the old records would fit") {
    for (uint32_t i = 0; i < 10; ++i) t.write(pattern(500, i));
    t.marks(1, true);
    t.locate(4);
    t.write(pattern(500, 100));
    t.good(t.d.unload());
    t.load();
    t.good(t.d.locate_end_of_data());
    t.at(5);
    t.locate(4);
    t.reads(pattern(500, 100));
    t.reads(tape::read_kind::end_of_data);
  }
  SECTION("writing goes on where reading stopped") {
    t.write_example();
    t.locate(0);
    t.reads(t.a);
    t.write(t.c);
    t.locate(0);
    t.reads(t.a);
    t.reads(t.c);
    t.reads(tape::read_kind::end_of_data);
  }
}

inline void check_filemarks(const drive_factory& make) {
  tester t{make()};
  t.load();
  SECTION("each counts as a record") {
    t.marks(3);
    t.at(3);
    t.locate(0);
    for (int i = 0; i < 3; ++i) t.reads(tape::read_kind::filemark);
    t.reads(tape::read_kind::end_of_data);
    t.at(3);
  }
  SECTION("they overwrite like blocks") {
    t.write_example();
    t.locate(1);
    t.marks(2);
    t.at(3);
    t.reads(tape::read_kind::end_of_data);
    t.locate(1);
    t.reads(tape::read_kind::filemark);
  }
  SECTION("none of them changes nothing, wherever the position is") {
    t.write_example();
    t.locate(1);
    t.marks(0, false);
    t.at(1);
    t.marks(0, true);
    t.at(1);
    t.reads(t.b);
    t.reads(tape::read_kind::filemark);
    t.reads(t.c);
  }
  SECTION("flushed ones behave the same") {
    t.write(t.a);
    t.marks(1, true);
    t.at(2);
    t.write(t.b);
    t.marks(2, true);
    t.at(5);
    t.marks(0, true);
    t.at(5);
    t.good(t.d.unload());
    t.load();
    t.reads(t.a);
    t.reads(tape::read_kind::filemark);
    t.reads(t.b);
    t.reads(tape::read_kind::filemark);
    t.reads(tape::read_kind::filemark);
    t.reads(tape::read_kind::end_of_data);
  }
}

inline void check_locating(const drive_factory& make) {
  tester t{make()};
  t.load();
  SECTION("a blank cartridge has one place") {
    t.locate(0);
    t.at(0);
    t.good(t.d.locate_end_of_data());
    t.at(0);
    t.fails(t.d.locate(block_address{1}), errc::wrong_position);
    t.at(0);
  }
  SECTION("every record can be reached, forwards and backwards") {
    t.write_example();
    t.locate(3);
    t.at(3);
    t.reads(t.c);
    t.locate(2);
    t.reads(tape::read_kind::filemark);
    t.locate(0);
    t.reads(t.a);
    t.locate(1);
    t.locate(1);
    t.reads(t.b);
  }
  SECTION("end of data itself can be reached, by address too") {
    t.write_example();
    t.locate(0);
    t.locate(4);
    t.at(4);
    t.reads(tape::read_kind::end_of_data);
    t.locate(0);
    t.good(t.d.locate_end_of_data());
    t.at(4);
    t.write(t.b);
    t.at(5);
    t.locate(4);
    t.reads(t.b);
  }
  SECTION("behind end of data there is nothing; the position is then end of data") {
    t.write_example();
    t.locate(0);
    t.fails(t.d.locate(block_address{5}), errc::wrong_position);
    t.at(4);
    t.locate(0);
    t.fails(t.d.locate(block_address{1'000'000}), errc::wrong_position);
    t.at(4);
    t.write(t.b);
    t.locate(4);
    t.reads(t.b);
  }
}

/// Writes blocks of `block` until medium_full and returns how many fitted. Early warning must come
/// before and stay.
inline uint64_t fill(tester& t, const bytes& block) {
  bool warned = false;
  for (uint64_t written = 0;; ++written) {
    auto result = t.d.write(block);
    if (!result) {
      t.fails(result, errc::medium_full);
      REQUIRE(warned);
      return written;
    }
    REQUIRE((!warned || result->early_warning));
    warned = result->early_warning;
    REQUIRE(written * block.size() < size_t{256} * 1024 * 1024);
  }
}

inline void check_capacity(const drive_factory& make) {
  tester t{make()};
  t.load();
  const auto block = pattern(16 * 1024, 9);
  SECTION("a blank cartridge gives no early warning and is not protected") {
    REQUIRE_FALSE(t.d.medium()->write_protected);
    REQUIRE_FALSE(t.write(t.a));
    REQUIRE_FALSE(t.marks(1, true));
  }
  SECTION("capacity and remaining bytes follow the blocks") {
    if (!t.setup().knows_capacity) return;
    auto before = t.d.medium();
    REQUIRE(before->capacity_bytes > 0);
    REQUIRE(before->remaining_bytes <= before->capacity_bytes);
    t.write(block);
    t.write(block);
    auto after = t.d.medium();
    REQUIRE(after->capacity_bytes == before->capacity_bytes);
    REQUIRE(after->remaining_bytes < before->remaining_bytes);
  }
  SECTION("early warning, then full; nothing is written then, and filemarks still fit") {
    if (!t.setup().ends) return;
    auto written = fill(t, block);
    REQUIRE(written > 1);
    t.at(written);
    t.fails(t.d.write(block), errc::medium_full);
    t.at(written);
    t.reads(tape::read_kind::end_of_data);
    REQUIRE(t.marks(2, true));
    t.at(written + 2);
    t.good(t.d.unload());
    t.load();
    t.locate(written - 1);
    t.reads(block);
    t.reads(tape::read_kind::filemark);
    t.reads(tape::read_kind::filemark);
    t.reads(tape::read_kind::end_of_data);
  }
  SECTION("after early warning there is room for filemarks and labels") {
    if (!t.setup().ends) return;
    while (!t.write(block)) {
    }
    t.marks(1);
    for (uint32_t i = 0; i < 3; ++i) t.write(pattern(80, i));
    REQUIRE(t.marks(1, true));
  }
  SECTION("a full cartridge can be overwritten from the beginning") {
    if (!t.setup().ends) return;
    auto written = fill(t, block);
    t.locate(0);
    REQUIRE_FALSE(t.write(block));
    t.reads(tape::read_kind::end_of_data);
    t.locate(0);
    REQUIRE(fill(t, block) == written);
  }
}

inline void check_protection(const drive_factory& make) {
  tester t{make()};
  if (!t.setup().set_write_protected) return;
  t.load();
  t.write_example();
  t.good(t.d.unload());
  t.good(t.setup().set_write_protected(true));
  t.load();
  SECTION("a protected cartridge says so and takes nothing") {
    REQUIRE(t.d.medium()->write_protected);
    t.locate(1);
    t.fails(t.d.write(t.c), errc::write_protected);
    t.at(1);
    t.fails(t.d.write_filemarks(1, true), errc::write_protected);
    t.fails(t.d.write_filemarks(1, false), errc::write_protected);
    t.at(1);
    t.reads(t.b);
    t.reads(tape::read_kind::filemark);
    t.reads(t.c);
    t.reads(tape::read_kind::end_of_data);
    t.good(t.d.unload());
  }
  SECTION("and can be released") {
    t.good(t.d.unload());
    t.good(t.setup().set_write_protected(false));
    t.load();
    REQUIRE_FALSE(t.d.medium()->write_protected);
    t.good(t.d.locate_end_of_data());
    t.write(t.a);
    t.at(5);
  }
}

/// To be called from one TEST_CASE.
inline void check_drive_contract(const drive_factory& make) {
  SECTION("loading") {
    check_loading(make);
  }
  SECTION("reading") {
    check_reading(make);
  }
  SECTION("writing") {
    check_writing(make);
  }
  SECTION("filemarks") {
    check_filemarks(make);
  }
  SECTION("locating") {
    check_locating(make);
  }
  SECTION("capacity") {
    check_capacity(make);
  }
  SECTION("protection") {
    check_protection(make);
  }
}

}  // namespace et::contract
