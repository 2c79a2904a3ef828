// An open cartridge image: its records by number, appended and truncated on disk.
//
// What a position, an early warning or an unloaded drive is, the virtual drive knows; this is only
// the file. What becomes durable when: sync(), and open() for what it found.
#pragma once

#include <filesystem>
#include <memory>
#include <span>

#include "storage/os/file.hpp"
#include "storage/tape/virtual_format.hpp"
#include "storage/tape/virtual_index.hpp"

namespace et::tape {

/// Makes a blank cartridge; durable on return. Precondition: nothing at `path`, a valid barcode.
caf::error create_image(const std::filesystem::path& path, const image_header& header);

/// Sets the write-protect flag of an image that no drive has loaded; durable on return. Errors:
/// corrupt, newer_version (not changed), locked, io_error.
caf::error set_image_write_protected(const std::filesystem::path& path, bool on);

/// Not thread safe.
class open_image {
 public:
  /// Opens the image and finds its records by their headers: the first one that is not whole is the
  /// end. Nothing is changed. Unless `read_only`, what was found is durable on return and the image
  /// is locked against other users. Errors: not_found, locked, corrupt, newer_version, io_error.
  static caf::expected<std::unique_ptr<open_image>> open(const std::filesystem::path& path,
                                                         bool read_only);

  const image_header& header() const { return header_; }
  const record_index& index() const { return index_; }
  /// Something was written since the last good sync().
  bool unflushed() const { return unflushed_; }
  /// A failure left it unknown what is on the disk: nothing more is written until opened again.
  bool in_doubt() const { return in_doubt_; }

  /// Reads the data of block `number` into the front of `buffer`. Preconditions: the record exists,
  /// is a block and fits. Error: medium_error when what lies there is not the record as written;
  /// `buffer` is then meaningless.
  caf::error read_block(uint64_t number, std::span<uint8_t> buffer) const;

  /// Checks the header of filemark `number`, which exists. Error: medium_error.
  caf::error check_filemark(uint64_t number) const;

  /// Makes `number` the end, for good before anything can be written there, so that no old record
  /// is ever taken for the successor of a new one. Errors: medium_error (in doubt).
  caf::error truncate(uint64_t number);

  /// Appends one block, 1 byte or more. Errors: no_space, medium_error; the image is then as
  /// before.
  caf::error append_block(std::span<const uint8_t> data);

  /// Appends `count` filemarks. Errors as append_block(): all or none are there.
  caf::error append_filemarks(uint64_t count);

  /// On success everything written is on the disk. Error: medium_error (in doubt).
  caf::error sync();

 private:
  open_image(unique_fd fd, image_header header) : fd_(std::move(fd)), header_(std::move(header)) {}
  caf::error scan();
  /// What to do after writing at the end failed with `errno_value`.
  caf::error undo_append(int errno_value);
  void appended(uint32_t data_bytes, uint64_t count);
  caf::error doubt(const caf::error& cause);

  unique_fd fd_;
  image_header header_;
  record_index index_;
  uint64_t file_bytes_ = 0;
  uint64_t writeback_from_ = 0;  ///< end of what the kernel was asked to write out
  bool unflushed_ = false;
  bool in_doubt_ = false;
};

}  // namespace et::tape
