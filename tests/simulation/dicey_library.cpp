#include "tests/simulation/dicey_library.hpp"

#include "storage/tape/fault_drive.hpp"

namespace et::simulation {

namespace {

using tape::drive_operation;

/// Passes everything on to a drive of somebody else.
class borrowed_drive final : public tape::drive {
 public:
  explicit borrowed_drive(tape::drive& of) : of_(of) {}
  const std::string& name() const override { return of_.name(); }
  uint32_t max_block_bytes() const override { return of_.max_block_bytes(); }
  caf::error load() override { return of_.load(); }
  caf::error unload() override { return of_.unload(); }
  bool loaded() const override { return of_.loaded(); }
  caf::expected<tape::medium_info> medium() override { return of_.medium(); }
  caf::expected<tape::read_result> read(std::span<uint8_t> buffer) override {
    return of_.read(buffer);
  }
  caf::expected<tape::write_result> write(std::span<const uint8_t> block) override {
    return of_.write(block);
  }
  caf::expected<tape::write_result> write_filemarks(uint32_t count, bool flush) override {
    return of_.write_filemarks(count, flush);
  }
  caf::error locate(block_address address) override { return of_.locate(address); }
  caf::error locate_end_of_data() override { return of_.locate_end_of_data(); }
  caf::expected<block_address> position() override { return of_.position(); }

 private:
  tape::drive& of_;
};

class dicey_drive final : public tape::fault_drive {
 public:
  dicey_drive(tape::drive& of, dice& with, const faults& rates)
      : fault_drive(std::make_unique<borrowed_drive>(of)), dice_(with), rates_(rates) {}

  caf::error load() override {
    roll(drive_operation::load, rates_.load, errc::medium_error);
    return fault_drive::load();
  }
  caf::error unload() override {
    roll(drive_operation::unload, rates_.unload, errc::device_error);
    return fault_drive::unload();
  }
  caf::expected<tape::read_result> read(std::span<uint8_t> buffer) override {
    roll(drive_operation::read, rates_.read, errc::medium_error);
    auto result = fault_drive::read(buffer);
    // Labels are left out: a volume with a wrong one is quarantined, for people to look at.
    bool data = result && result->kind == tape::read_kind::block && result->size_bytes > 4096;
    if (data && rates_.misread > 0 && dice_.chance(rates_.misread))
      buffer[dice_.below(result->size_bytes)] ^= 1;
    return result;
  }
  caf::expected<tape::write_result> write(std::span<const uint8_t> block) override {
    if (rates_.early_end > 0 && dice_.chance(rates_.early_end))
      plan(drive_operation::write, errc::medium_full);
    else
      roll(drive_operation::write, rates_.write, errc::medium_error);
    return fault_drive::write(block);
  }
  caf::expected<tape::write_result> write_filemarks(uint32_t count, bool flush) override {
    if (flush)
      roll(drive_operation::flush, rates_.flush, errc::medium_error);
    else
      roll(drive_operation::write_filemarks, rates_.write, errc::device_error);
    return fault_drive::write_filemarks(count, flush);
  }
  caf::error locate(block_address address) override {
    roll(drive_operation::locate, rates_.locate, errc::device_error);
    return fault_drive::locate(address);
  }

 private:
  void roll(drive_operation what, double rate, errc code) {
    if (rate > 0 && dice_.chance(rate)) plan(what, code);
  }

  dice& dice_;
  const faults& rates_;
};

class dicey_changer final : public tape::changer {
 public:
  dicey_changer(tape::changer& of, dice& with, const faults& rates)
      : of_(of), dice_(with), rates_(rates) {}
  const std::string& name() const override { return of_.name(); }
  caf::expected<std::vector<tape::element_status>> inventory() override {
    if (refuses()) return fail(errc::device_error, "the changer does not answer");
    return of_.inventory();
  }
  caf::error move(tape::element from, tape::element to) override {
    if (refuses()) return fail(errc::device_error, "the arm does not move");
    return of_.move(from, to);
  }

 private:
  bool refuses() { return rates_.changer > 0 && dice_.chance(rates_.changer); }

  tape::changer& of_;
  dice& dice_;
  const faults& rates_;
};

class dicey_library final : public tape::virtual_library {
 public:
  dicey_library(std::unique_ptr<tape::virtual_library> inner, dice& with, const faults& rates)
      : inner_(std::move(inner)), changer_(inner_->changer(), with, rates) {
    for (size_t i = 0; i < inner_->drive_count(); ++i)
      drives_.push_back(std::make_unique<dicey_drive>(inner_->drive(i), with, rates));
  }
  tape::changer& changer() override { return changer_; }
  size_t drive_count() const override { return drives_.size(); }
  tape::drive& drive(size_t i) override { return *drives_[i]; }
  caf::error set_write_protected(const barcode& id, bool on) override {
    return inner_->set_write_protected(id, on);
  }
  std::vector<barcode> cartridges() const override { return inner_->cartridges(); }
  std::filesystem::path image_path(const barcode& id) const override {
    return inner_->image_path(id);
  }
  const std::vector<std::string>& remarks() const override { return inner_->remarks(); }

 private:
  std::unique_ptr<tape::virtual_library> inner_;
  dicey_changer changer_;
  std::vector<std::unique_ptr<dicey_drive>> drives_;
};

}  // namespace

caf::expected<std::unique_ptr<tape::virtual_library>> open_dicey_library(
    const std::filesystem::path& folder, const tape::virtual_library_options& options, dice& with,
    const faults& rates) {
  auto inner = tape::virtual_library::open(folder, options);
  if (!inner) return inner.error();
  return std::unique_ptr<tape::virtual_library>{
      std::make_unique<dicey_library>(std::move(*inner), with, rates)};
}

}  // namespace et::simulation
