// What changer.hpp promises, as tests that every implementation runs.
#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <functional>
#include <memory>
#include <vector>

#include "storage/tape/changer.hpp"
#include "storage/tape/drive.hpp"

namespace et::contract {

/// A library whose slots 0 and 1 hold cartridges, with at least one more slot, which is empty, and
/// at least one drive; all drives are empty.
struct changer_under_test {
  std::shared_ptr<void> world;  ///< keeps alive whatever the changer needs
  tape::changer* changer = nullptr;
  std::function<tape::drive&(uint32_t)> drive;  ///< by the number of its element
};

using changer_factory = std::function<changer_under_test()>;

/// One changer with shorthands.
class changer_tester {
 public:
  using element = tape::element;
  using kind = tape::element_kind;

  explicit changer_tester(changer_under_test setup) : setup_(std::move(setup)), c(*setup_.changer) {
    auto all = inventory();
    for (const auto& status : all) {
      if (status.where.kind == kind::slot && !status.cartridge) empty_slot = status.where;
      if (status.where.kind == kind::drive) ++drives;
    }
    first = *at({kind::slot, 0}).cartridge;
    second = *at({kind::slot, 1}).cartridge;
  }

  std::vector<tape::element_status> inventory() {
    auto all = c.inventory();
    REQUIRE(all);
    return *all;
  }
  tape::element_status at(element where) {
    auto all = inventory();
    auto found = std::find_if(all.begin(), all.end(), [&](auto& s) { return s.where == where; });
    REQUIRE(found != all.end());
    return *found;
  }
  bool empty(element where) { return !at(where).cartridge; }
  bool holds(element where, const barcode& id) { return at(where).cartridge == id; }
  void moves(element from, element to) {
    auto err = c.move(from, to);
    INFO(text_of(err));
    REQUIRE_FALSE(err);
  }
  /// The move fails with `code`, and nothing has moved.
  void refuses(element from, element to, errc code) {
    auto before = inventory();
    auto err = c.move(from, to);
    INFO(text_of(err));
    REQUIRE(std::string{to_string(code_of(err))} == to_string(code));
    auto after = inventory();
    REQUIRE(before.size() == after.size());
    for (size_t i = 0; i < before.size(); ++i) {
      REQUIRE(before[i].where == after[i].where);
      REQUIRE(before[i].cartridge == after[i].cartridge);
    }
  }
  tape::drive& drive(uint32_t number) { return setup_.drive(number); }

  const element slot0{kind::slot, 0};
  const element slot1{kind::slot, 1};
  const element drive0{kind::drive, 0};
  element empty_slot;
  uint32_t drives = 0;
  barcode first;
  barcode second;

 private:
  changer_under_test setup_;

 public:
  tape::changer& c;
};

inline void check_inventory(const changer_factory& make) {
  changer_tester t{make()};
  SECTION("slots, then drives, then import and export, each ascending from 0") {
    auto all = t.inventory();
    REQUIRE(
        std::is_sorted(all.begin(), all.end(), [](auto& a, auto& b) { return a.where < b.where; }));
    uint32_t expected = 0;
    for (size_t i = 0; i < all.size(); ++i) {
      if (i > 0 && all[i].where.kind != all[i - 1].where.kind) expected = 0;
      REQUIRE(all[i].where.number == expected++);
    }
    REQUIRE(t.drives >= 1);
    REQUIRE(t.first != t.second);
    REQUIRE_FALSE(t.c.name().empty());
  }
  SECTION("elements have names for people") {
    REQUIRE(to_string(tape::element{tape::element_kind::slot, 3}) == "slot 3");
    REQUIRE(to_string(tape::element{tape::element_kind::drive, 0}) == "drive 0");
    REQUIRE(to_string(tape::element{tape::element_kind::import_export, 1}) == "mail slot 1");
  }
}

inline void check_moves(const changer_factory& make) {
  changer_tester t{make()};
  SECTION("slot to slot and back") {
    t.moves(t.slot0, t.empty_slot);
    REQUIRE(t.empty(t.slot0));
    REQUIRE(t.holds(t.empty_slot, t.first));
    REQUIRE(t.holds(t.slot1, t.second));
    t.moves(t.empty_slot, t.slot0);
    REQUIRE(t.holds(t.slot0, t.first));
    REQUIRE(t.empty(t.empty_slot));
  }
  SECTION("a cartridge in a drive knows its home where that is known at all") {
    t.moves(t.slot1, t.drive0);
    REQUIRE(t.empty(t.slot1));
    REQUIRE(t.holds(t.drive0, t.second));
    auto home = t.at(t.drive0).home_slot;
    REQUIRE((!home || *home == 1));
    t.moves(t.drive0, t.slot1);
    REQUIRE(t.empty(t.drive0));
    REQUIRE(t.holds(t.slot1, t.second));
  }
  SECTION("from an empty element nothing can be moved") {
    t.refuses(t.empty_slot, t.drive0, errc::no_medium);
    t.refuses(t.drive0, t.empty_slot, errc::no_medium);
  }
  SECTION("onto a cartridge nothing can be moved") {
    t.refuses(t.slot0, t.slot1, errc::slot_occupied);
    t.moves(t.slot0, t.drive0);
    t.refuses(t.slot1, t.drive0, errc::slot_occupied);
    t.refuses(t.drive0, t.slot1, errc::slot_occupied);
  }
  SECTION("elements that do not exist") {
    tape::element no_slot{tape::element_kind::slot, 1'000'000};
    tape::element no_drive{tape::element_kind::drive, t.drives};
    t.refuses(no_slot, t.drive0, errc::invalid_argument);
    t.refuses(t.slot0, no_slot, errc::invalid_argument);
    t.refuses(t.slot0, no_drive, errc::invalid_argument);
    t.refuses(no_drive, t.slot0, errc::invalid_argument);
  }
}

inline void check_drives(const changer_factory& make) {
  changer_tester t{make()};
  const bytes block(100, 0x42);
  SECTION("a drive has what the changer put into it, and keeps it while it is loaded") {
    REQUIRE(code_of(t.drive(0).load()) == errc::no_medium);
    t.moves(t.slot0, t.drive0);
    REQUIRE_FALSE(t.drive(0).load());
    REQUIRE(t.drive(0).write(block));
    t.refuses(t.drive0, t.slot0, errc::device_error);
    REQUIRE(t.drive(0).loaded());
    REQUIRE(t.drive(0).position()->value == 1);
    REQUIRE_FALSE(t.drive(0).unload());
    t.moves(t.drive0, t.slot0);
    REQUIRE(code_of(t.drive(0).load()) == errc::no_medium);
  }
  SECTION("data goes with the cartridge") {
    t.moves(t.slot0, t.drive0);
    REQUIRE_FALSE(t.drive(0).load());
    REQUIRE(t.drive(0).write(block));
    REQUIRE_FALSE(t.drive(0).unload());
    t.moves(t.drive0, t.empty_slot);
    t.moves(t.slot1, t.drive0);
    bytes buffer(200);
    REQUIRE_FALSE(t.drive(0).load());
    REQUIRE(t.drive(0).read(buffer)->kind == tape::read_kind::end_of_data);
    REQUIRE_FALSE(t.drive(0).unload());
    t.moves(t.drive0, t.slot1);
    uint32_t last = t.drives - 1;
    t.moves(t.empty_slot, {tape::element_kind::drive, last});
    REQUIRE_FALSE(t.drive(last).load());
    auto result = t.drive(last).read(buffer);
    REQUIRE(result);
    REQUIRE(result->size_bytes == block.size());
    REQUIRE(std::equal(block.begin(), block.end(), buffer.begin()));
    REQUIRE_FALSE(t.drive(last).unload());
  }
}

/// To be called from one TEST_CASE.
inline void check_changer_contract(const changer_factory& make) {
  SECTION("inventory") {
    check_inventory(make);
  }
  SECTION("moves") {
    check_moves(make);
  }
  SECTION("drives") {
    check_drives(make);
  }
}

}  // namespace et::contract
