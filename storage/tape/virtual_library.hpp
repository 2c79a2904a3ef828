// A tape library in a folder: cartridges are image files, drives read and write them, the changer
// moves them. Its grammar, and what is durable when: docs/virtual-library.md.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "storage/tape/changer.hpp"
#include "storage/tape/virtual_drive.hpp"

namespace et::tape {

struct virtual_library_options {
  std::string name = "library0";
  uint32_t cartridges = 20;  ///< made on the first start, and when the number grows; at most 9999
  uint64_t capacity_bytes = uint64_t{100} * 1000 * 1000 * 1000;  ///< of cartridges made from now on
  std::string barcode_prefix = "ET";  ///< barcodes are prefix, four digits from 0001, suffix
  std::string barcode_suffix = "L8";
  uint32_t drives = 2;
  uint32_t slots = 0;  ///< at least this many; never fewer than there are cartridges
  uint32_t mail_slots = 0;
  /// For all drives; their names are `drive0`, `drive1`, ....
  virtual_drive_options drive;
  /// Of single drives by their number, the fastest that they are; 0 and those behind: as `drive`.
  std::vector<uint64_t> drive_bytes_per_s;
};

/// Owns its changer and its drives. Each drive may be used from a thread of its own and the changer
/// from another; a cartridge that a drive has loaded is not moved. All must be idle when the
/// library is destroyed, which unloads the drives.
class virtual_library {
 public:
  /// Opens the library in `folder`, making the folder and what is missing in it. Image files found
  /// there become cartridges; what is wrong with one of them, its load reports. Cartridges are
  /// where they were, also in drives; one whose place is gone is put into a free slot. An image
  /// that is gone is not made again: its cartridge stays out until the file is back. Errors:
  /// invalid_argument, locked (another process uses the folder), newer_version, no_space, io_error.
  static caf::expected<std::unique_ptr<virtual_library>> open(
      const std::filesystem::path& folder, const virtual_library_options& options);

  virtual ~virtual_library() = default;

  virtual tape::changer& changer() = 0;
  virtual size_t drive_count() const = 0;
  /// Precondition: i < drive_count().
  virtual tape::drive& drive(size_t i) = 0;

  /// Sets the write-protect tab of a cartridge; durable on return. Thread safe. Errors: not_found,
  /// device_error (a drive has it loaded), medium_error (not a usable image), io_error.
  virtual caf::error set_write_protected(const barcode& id, bool on) = 0;

  /// Every cartridge, by barcode. Thread safe.
  virtual std::vector<barcode> cartridges() const = 0;

  /// Where the image of a cartridge lies, or would lie.
  virtual std::filesystem::path image_path(const barcode& id) const = 0;

  /// What open() found odd and went on without, one sentence each, for the log.
  virtual const std::vector<std::string>& remarks() const = 0;
};

}  // namespace et::tape
