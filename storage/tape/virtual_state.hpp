// What a virtual library remembers between two runs: which cartridge lies where. A small text file:
//
//   elastic-tape-library 1
//   slot 0 ET0001L8
//   drive 0 ET0002L8 1       (drive, number, barcode, home slot or -)
//   mail 0 ET0003L8
//   missing ET0004L8         (its image was gone at the last start)
//   end
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/tape/changer.hpp"

namespace et::tape {

/// The changer's elements, each kind by number.
struct library_state {
  struct place {
    std::optional<barcode> cartridge;
    std::optional<uint32_t> home_slot;  ///< of a cartridge in a drive, where known
  };

  std::vector<place> slots;
  std::vector<place> drives;
  std::vector<place> mail_slots;
  std::vector<barcode> missing;

  std::vector<place>& of(element_kind kind);
  /// nullptr: no such element.
  place* find(element where);
};

/// A line of the file.
struct state_line {
  std::optional<element> where;  ///< nullopt: missing
  barcode cartridge;
  std::optional<uint32_t> home_slot;
};

std::string format_state(const library_state& state);

/// Errors: corrupt for anything that format_state() does not produce, newer_version.
caf::expected<std::vector<state_line>> parse_state(std::string_view text);

}  // namespace et::tape
