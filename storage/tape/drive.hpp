// One tape drive, as the system uses it. The virtual drive and the SCSI drive both pass
// tests/contract/drive_contract.hpp.
//
// Words: a *record* is a block or a filemark. The *position* is the block_address of the record
// that the next operation meets; blocks and filemarks both count, from 0 at the beginning of tape.
// Filemark, end of data and early warning are results. Errors end with the position as stated.
// Not thread safe: one thread at a time uses a drive. Every call may block for as long as the
// device takes.
#pragma once

#include <caf/expected.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "storage/error.hpp"
#include "storage/types.hpp"

namespace et::tape {

/// What a read met.
enum class read_kind : uint8_t {
  block,        ///< `size` bytes of a block; position is behind it
  filemark,     ///< a filemark, no bytes; position is behind it
  end_of_data,  ///< nothing was ever written here; position unchanged
};

struct read_result {
  read_kind kind = read_kind::end_of_data;
  size_t size_bytes = 0;
};

/// What a write says beside success.
struct write_result {
  /// Early warning: the end of the medium is near. What was written counts; the caller must finish
  /// with its filemarks and labels, for which there is room, and then stop.
  bool early_warning = false;
};

/// What is known about the cartridge in the drive.
struct medium_info {
  uint64_t capacity_bytes = 0;   ///< nominal, 0 when unknown
  uint64_t remaining_bytes = 0;  ///< estimate, 0 when unknown
  bool write_protected = false;
};

class drive {
 public:
  virtual ~drive() = default;

  /// Name for logs and people, as in `drive0`.
  virtual const std::string& name() const = 0;

  /// Largest block that read() and write() accept, in bytes.
  virtual uint32_t max_block_bytes() const = 0;

  /// Makes the cartridge that the changer put into the drive ready. Position after success: 0.
  /// Loading a loaded drive rewinds. Errors: no_medium; medium_error when it cannot be used.
  virtual caf::error load() = 0;

  /// Ends use of the cartridge so that the changer can take it. Unflushed writes are flushed first;
  /// a failure to do so is reported, and the cartridge is released all the same. Unloading an
  /// empty drive succeeds.
  virtual caf::error unload() = 0;

  /// True between a successful load() and unload().
  virtual bool loaded() const = 0;

  /// Precondition of everything below: loaded; else no_medium.
  virtual caf::expected<medium_info> medium() = 0;

  /// Reads one record into `buffer`, which the caller owns and which must be large enough for the
  /// block (buffer_bytes >= block), else invalid_argument and the position is unchanged.
  /// medium_error when the block's checksum or sequence number is wrong: the bytes in `buffer` are
  /// meaningless, position is behind the record so that reading can go on. A read never delivers
  /// bytes that fail their check.
  virtual caf::expected<read_result> read(std::span<uint8_t> buffer) = 0;

  /// Writes one block of 1..max_block_bytes() bytes at the position; everything behind it is gone
  /// (end of data is behind the block). Position after success: behind the block. The block is durable
  /// only after the next flushed filemark. Errors: invalid_argument (size), write_protected, no_space,
  /// medium_full (nothing was written, position unchanged; filemarks may still fit), medium_error
  /// (position unchanged, what lies at and behind it is undefined).
  virtual caf::expected<write_result> write(std::span<const uint8_t> block) = 0;

  /// Writes `count` filemarks like write(). With `flush`, returns only when they and everything
  /// before them are on the medium for good (a synchronous filemark; count 0 with flush
  /// only flushes). A failed flush leaves all writes since the last good flush in doubt, and so does
  /// every later call until the next load().
  virtual caf::expected<write_result> write_filemarks(uint32_t count, bool flush) = 0;

  /// Moves to `address`. Errors: wrong_position when it lies behind end of data, position is then
  /// end of data. Locating to end of data itself succeeds.
  virtual caf::error locate(block_address address) = 0;

  /// Moves to end of data.
  virtual caf::error locate_end_of_data() = 0;

  /// The position.
  virtual caf::expected<block_address> position() = 0;
};

}  // namespace et::tape
