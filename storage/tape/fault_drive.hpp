// A drive that fails when told to, in front of one that works: for tests of what the service
// does then. The medium stays as the inner drive made it; a fault is only what the user of the
// drive sees.
#pragma once

#include <map>
#include <mutex>

#include "storage/tape/drive.hpp"

namespace et::tape {

/// Where a fault strikes. A flush is a write_filemarks() with flush, apart from its filemarks.
enum class drive_operation : uint8_t { load, unload, read, write, write_filemarks, flush, locate };

/// Keeps the contract of drives, also when failing:
/// - a read that fails has moved behind the record;
/// - a write or filemarks that fail have written nothing;
/// - after a flush that failed its filemarks are there, but every write and flush fails with
///   medium_error until the next load, and so does the unload, which releases the cartridge;
/// - a load that fails leaves the drive unloaded, a locate that fails the position unchanged.
class fault_drive : public drive {
 public:
  explicit fault_drive(std::unique_ptr<drive> inner) : inner_(std::move(inner)) {}

  /// Lets `skip` calls of `operation` pass and the `count` calls after them fail with `code`;
  /// replaces what was planned for the operation. Thread safe.
  void plan(drive_operation operation, errc code, uint64_t skip = 0, uint64_t count = 1);

  /// Faults that have struck so far. Thread safe.
  uint64_t struck() const;

  const std::string& name() const override { return inner_->name(); }
  uint32_t max_block_bytes() const override { return inner_->max_block_bytes(); }
  caf::error load() override;
  caf::error unload() override;
  bool loaded() const override { return inner_->loaded(); }
  caf::expected<medium_info> medium() override { return inner_->medium(); }
  caf::expected<read_result> read(std::span<uint8_t> buffer) override;
  caf::expected<write_result> write(std::span<const uint8_t> block) override;
  caf::expected<write_result> write_filemarks(uint32_t count, bool flush) override;
  caf::error locate(block_address address) override;
  caf::error locate_end_of_data() override;
  caf::expected<block_address> position() override { return inner_->position(); }

 private:
  struct fault {
    errc code = errc::none;
    uint64_t skip = 0;
    uint64_t count = 0;
  };

  /// Counts one call of `operation`; the error that it must end with, if any.
  caf::error strike(drive_operation operation);
  caf::error doubt() const;

  std::unique_ptr<drive> inner_;
  mutable std::mutex mutex_;  ///< of the two below
  std::map<drive_operation, fault> faults_;
  uint64_t struck_ = 0;
  bool in_doubt_ = false;
};

}  // namespace et::tape
