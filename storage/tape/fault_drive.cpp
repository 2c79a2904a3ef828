#include "storage/tape/fault_drive.hpp"

#include <algorithm>
#include <utility>

namespace et::tape {

void fault_drive::plan(drive_operation operation, errc code, uint64_t skip, uint64_t count) {
  std::lock_guard guard{mutex_};
  faults_[operation] = {code, skip, count};
}

uint64_t fault_drive::struck() const {
  std::lock_guard guard{mutex_};
  return struck_;
}

caf::error fault_drive::strike(drive_operation operation) {
  std::lock_guard guard{mutex_};
  auto found = faults_.find(operation);
  if (found == faults_.end()) return caf::none;
  auto& planned = found->second;
  if (planned.skip > 0) {
    --planned.skip;
    return caf::none;
  }
  if (planned.count == 0) return caf::none;
  --planned.count;
  ++struck_;
  return fail(planned.code, "injected fault in " + inner_->name());
}

caf::error fault_drive::doubt() const {
  return fail(errc::medium_error, "writes since the last good flush are in doubt");
}

caf::error fault_drive::load() {
  if (auto err = strike(drive_operation::load)) {
    // What the inner drive says no longer matters to the caller.
    (void)inner_->unload();
    in_doubt_ = false;
    return err;
  }
  auto err = inner_->load();
  if (!err) in_doubt_ = false;
  return err;
}

caf::error fault_drive::unload() {
  auto injected = strike(drive_operation::unload);
  auto err = inner_->unload();
  if (std::exchange(in_doubt_, false) && !err) err = doubt();
  return injected ? injected : err;
}

caf::expected<read_result> fault_drive::read(std::span<uint8_t> buffer) {
  auto result = inner_->read(buffer);
  // Only a record can be bad: elsewhere the position has not moved, as a failed read promises.
  if (!result || result->kind == read_kind::end_of_data) return result;
  if (auto err = strike(drive_operation::read)) {
    std::fill_n(buffer.begin(), result->size_bytes, uint8_t{0xdb});
    return err;
  }
  return result;
}

caf::expected<write_result> fault_drive::write(std::span<const uint8_t> block) {
  if (in_doubt_) return doubt();
  if (auto err = strike(drive_operation::write)) return err;
  return inner_->write(block);
}

caf::expected<write_result> fault_drive::write_filemarks(uint32_t count, bool flush) {
  if (in_doubt_) return doubt();
  if (auto err = strike(drive_operation::write_filemarks)) return err;
  if (!flush) return inner_->write_filemarks(count, false);
  if (auto err = strike(drive_operation::flush)) {
    if (auto result = inner_->write_filemarks(count, false); !result) return result;
    in_doubt_ = true;
    return err;
  }
  return inner_->write_filemarks(count, true);
}

caf::error fault_drive::locate(block_address address) {
  if (auto err = strike(drive_operation::locate)) return err;
  return inner_->locate(address);
}

caf::error fault_drive::locate_end_of_data() {
  if (auto err = strike(drive_operation::locate)) return err;
  return inner_->locate_end_of_data();
}

}  // namespace et::tape
