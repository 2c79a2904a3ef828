// A tape drive whose cartridges are image files (docs/virtual-library.md).
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "storage/tape/drive.hpp"
#include "storage/tape/virtual_cartridge.hpp"

namespace et::tape {

/// How long a drive pretends to take, beside what the disk takes. Zeros: as fast as the disk.
struct virtual_timing {
  uint64_t read_bytes_per_s = 0;
  uint64_t write_bytes_per_s = 0;
  std::chrono::nanoseconds load_time{};    ///< each load of a cartridge that was not loaded
  std::chrono::nanoseconds locate_time{};  ///< each locate that changes the position
  /// Called to let the time pass; needed when anything above is set. Short times are added up to
  /// max_owed before it is called.
  std::function<void(std::chrono::nanoseconds)> delay;

  static constexpr std::chrono::milliseconds max_owed{5};
};

struct virtual_drive_options {
  std::string name = "drive0";
  uint32_t max_block_bytes = 8 * 1024 * 1024;
  /// Early warning when less than this remains; by default 1 % of the capacity, but at least 4 MiB.
  /// Never more than half the capacity.
  std::optional<uint64_t> early_warning_bytes;
  virtual_timing timing;
};

/// invalid_argument unless `options` make sense.
caf::error check(const virtual_drive_options& options);

/// Where a drive finds the cartridge that the changer put into it. Thread safe.
class cartridge_bay {
 public:
  struct content {
    std::filesystem::path image;
    std::optional<barcode> id;  ///< that the image must have, if given
    bool read_only = false;     ///< loads as write protected
  };

  virtual ~cartridge_bay() = default;
  /// What lies in the bay; it stays there until release(). Error: no_medium.
  virtual caf::expected<content> take() = 0;
  /// The changer may have the cartridge. Once for each successful take().
  virtual void release() = 0;
};

/// A drive with the image at `path` loaded, for export and inspection: the image may lie anywhere
/// and under any name. `read_only` also works while a library uses the image, and then shows what
/// lay in it at the time of opening. Errors: not_found, locked, corrupt, newer_version, io_error.
caf::expected<std::unique_ptr<drive>> open_cartridge_image(const std::filesystem::path& path,
                                                           bool read_only);

class virtual_drive : public drive {
 public:
  /// Precondition: check(options) found nothing.
  virtual_drive(std::shared_ptr<cartridge_bay> bay, virtual_drive_options options);
  /// Unloads; a failed flush is not reported here.
  ~virtual_drive() override;
  virtual_drive(const virtual_drive&) = delete;
  virtual_drive& operator=(const virtual_drive&) = delete;

  const std::string& name() const override { return options_.name; }
  uint32_t max_block_bytes() const override { return options_.max_block_bytes; }
  caf::error load() override;
  caf::error unload() override;
  bool loaded() const override { return image_ != nullptr; }
  caf::expected<medium_info> medium() override;
  caf::expected<read_result> read(std::span<uint8_t> buffer) override;
  caf::expected<write_result> write(std::span<const uint8_t> block) override;
  caf::expected<write_result> write_filemarks(uint32_t count, bool flush) override;
  caf::error locate(block_address address) override;
  caf::error locate_end_of_data() override;
  caf::expected<block_address> position() override;

 private:
  friend caf::expected<std::unique_ptr<drive>> open_cartridge_image(const std::filesystem::path&,
                                                                    bool);

  caf::error open_content(const cartridge_bay::content& content);
  void use(std::unique_ptr<open_image> image, bool read_only);
  caf::error no_medium() const;
  /// Makes the position the end of data. Precondition: loaded. Nothing has changed after
  /// write_protected.
  caf::error make_writable();
  uint64_t remaining_bytes(uint64_t number) const;
  write_result result() const;
  void move_to(uint64_t number);
  void owe(uint64_t bytes, uint64_t bytes_per_s);
  void pay();

  std::shared_ptr<cartridge_bay> bay_;
  virtual_drive_options options_;
  std::unique_ptr<open_image> image_;
  bool write_protected_ = false;
  uint64_t reserve_bytes_ = 0;
  uint64_t position_ = 0;
  std::chrono::nanoseconds owed_{};
};

}  // namespace et::tape
