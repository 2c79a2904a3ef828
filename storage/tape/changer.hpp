// A robot library's medium changer, as the system uses it. The virtual changer and the SCSI
// changer both pass tests/contract/changer_contract.hpp.
//
// Elements are numbered from 0 within their kind; an implementation maps them to its own addresses.
// Not thread safe.
#pragma once

#include <caf/expected.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "storage/error.hpp"
#include "storage/types.hpp"

namespace et::tape {

enum class element_kind : uint8_t { slot, drive, import_export };

/// One place that can hold a cartridge.
struct element {
  element_kind kind = element_kind::slot;
  uint32_t number = 0;

  friend auto operator<=>(const element&, const element&) = default;
};

/// `slot 3`, `drive 0`, `mail slot 1`.
std::string to_string(const element& where);

/// What an element holds.
struct element_status {
  element where;
  std::optional<barcode> cartridge;  ///< nullopt: empty
  /// The slot that a cartridge in a drive came from, where known.
  std::optional<uint32_t> home_slot;
};

class changer {
 public:
  virtual ~changer() = default;

  /// Name for logs and people, as in `library0`.
  virtual const std::string& name() const = 0;

  /// Every element: slots, then drives, then import/export, each ascending.
  virtual caf::expected<std::vector<element_status>> inventory() = 0;

  /// Moves the cartridge in `from` to `to`. A drive must have been unloaded first (device_error).
  /// Errors: no_medium (source empty), slot_occupied (destination full), invalid_argument (no such
  /// element). After an error nothing has moved.
  virtual caf::error move(element from, element to) = 0;
};

}  // namespace et::tape
