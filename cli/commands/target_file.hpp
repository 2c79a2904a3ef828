// A file that a get writes: under a temporary name first, under its own when it is whole.
#pragma once

#include <xxhash.h>

#include <atomic>
#include <cstdint>
#include <span>

#include "storage/catalogue/records.hpp"
#include "storage/os/file.hpp"

namespace et {

/// Where a target_file goes. What the pointers point to must outlive the file.
struct target_place {
  int folder_fd = -1;
  const char* name = nullptr;       ///< in the folder
  const char* temporary = nullptr;  ///< in the folder, used by nobody else
  bool replace = false;             ///< what stands at `name` in the end
  /// Set to the errno of a change of owner that root was refused.
  std::atomic<int>* owner_errno = nullptr;
};

file_checksum checksum_of(std::span<const uint8_t> data);

/// Destroyed before finish() succeeded, it leaves nothing. Runs of zero bytes that cover whole
/// blocks of the file become holes. Errors that mean a full disk or quota have the code no_space
/// and say nothing but that.
class target_file {
 public:
  /// `row` must outlive this object.
  target_file(const target_place& place, const file_row& row) : place_(place), row_(row) {}
  ~target_file();
  target_file(const target_file&) = delete;
  target_file& operator=(const target_file&) = delete;

  /// Makes the temporary file; first. `verified`: its bytes are known to be right already, so
  /// write() need not look at them and others may read them at once. Errors: no_space, io_error.
  caf::error open(bool verified);
  /// The next bytes. Errors: no_space, io_error.
  caf::error write(std::span<const uint8_t> data);
  /// Checks size and checksum, sets owner (root only), mode and time, and gives the file its name.
  /// Setuid and setgid bits are only set where they give the rights of the registered owner.
  /// Errors: corrupt (not the registered bytes), already_exists, no_space, io_error.
  caf::error finish();

  /// Room that the bytes given so far need, holes not counted.
  uint64_t needed_bytes() const { return needed_bytes_; }

 private:
  caf::error check() const;
  caf::error write_run(const uint8_t* data, size_t size, uint64_t offset);
  caf::error set_attributes();
  caf::error give_name();

  const target_place place_;
  const file_row& row_;
  unique_fd file_;
  bool made_ = false;  // something stands under the temporary name
  bool verified_ = false;
  bool hole_at_end_ = false;
  uint64_t size_bytes_ = 0;
  uint64_t needed_bytes_ = 0;
  uint64_t going_out_bytes_ = 0;  // the disk has been told to write up to here
  XXH3_state_t* hash_ = nullptr;
};

}  // namespace et
