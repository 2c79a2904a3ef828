// Labels and aggregations on a volume, through a drive. Where things are:
//
//   block 0      VOL1
//   block 1      HDR1 of the first aggregation; on a volume without any, a filemark
//   block N      HDR1, N+1 HDR2, N+2 UHL1, N+3 filemark, N+4 the data, then
//                filemark, EOF1, EOF2, UTL1, filemark; the next HDR1 follows
//
// Appending starts where the catalogue says, whatever lies behind that. All functions need a loaded
// drive, leave its position behind what they touched last, and pass the drive's errors on with the
// volume's name; after an error the position is anywhere.
#pragma once

#include <caf/expected.hpp>
#include <cstdint>
#include <functional>
#include <optional>

#include "storage/catalogue/records.hpp"
#include "storage/error.hpp"
#include "storage/format/byte_io.hpp"
#include "storage/tape/drive.hpp"
#include "storage/types.hpp"

namespace et {

/// Where the first aggregation's HDR1 goes.
inline const block_address first_header_address{1};

/// Records of an aggregation beside its data blocks: six labels and three filemarks.
constexpr uint64_t records_around_data = 9;

/// Makes the cartridge in `drive` an empty volume: VOL1 and a flushed filemark at the beginning of
/// the tape; what it held is gone. The caller has made sure that it may go.
caf::error label_volume(tape::drive& drive, const barcode& volume);

enum class label_check : uint8_t {
  matches,  ///< labelled as the volume expected
  blank,    ///< nothing was ever written to it
};

/// Reads VOL1. Position after success: behind it. Errors: wrong_volume when the label names another
/// volume (the text has both) or the cartridge holds something without our label; corrupt.
caf::expected<label_check> check_label(tape::drive& drive, const barcode& volume);

/// An aggregation to be written.
struct aggregation_to_write {
  aggregation_id id;
  barcode volume;
  block_address header;   ///< where its HDR1 goes
  uint64_t sequence = 1;  ///< number of the aggregation on the volume, from 1
  uint64_t size_bytes = 0;
  aggregation_checksum checksum;
  uint32_t block_bytes = default_block_bytes;
  int64_t written_ns = 0;  ///< time for the labels
  bool flush = false;      ///< make it, and all before it, durable
};

struct aggregation_written {
  copy_record copy;            ///< durable only after a flush
  block_address next_header;   ///< where the next aggregation's HDR1 goes
  bool early_warning = false;  ///< the volume is full; everything of this aggregation fitted
};

/// Writes one aggregation with its labels. `source` gives exactly size_bytes in pieces that are
/// multiples of block_bytes (the last may be shorter). Precondition: the drive is at `header`, else
/// wrong_position and nothing is written. Errors: corrupt when the bytes of the source do not have
/// the checksum or the size (the labels behind the data are not written); medium_full; the
/// source's and the drive's own. After an error nothing behind `header` counts: the caller locates
/// there before it writes again, or gives the volume up.
caf::expected<aggregation_written> write_aggregation(tape::drive& drive,
                                                     const aggregation_to_write& what,
                                                     const byte_source& source);

/// Delivers the bytes [offset, offset + length) of an aggregation, reading only the blocks that
/// hold them. Errors: invalid_argument (beyond the copy's blocks), corrupt (a block is not as long
/// as it must be, or the data end early), medium_error, the sink's own. What was delivered before
/// an error is good: a drive never delivers bytes that fail their check.
caf::error read_range(tape::drive& drive, const copy_record& copy, uint64_t offset_bytes,
                      uint64_t length_bytes, const range_sink& sink);

/// An aggregation as a volume's labels tell it.
struct volume_entry {
  aggregation_id id;
  uint64_t sequence = 0;
  copy_record copy;
  uint64_t size_bytes = 0;
  aggregation_checksum checksum;
};

struct volume_listing {
  barcode volume;
  uint64_t aggregations = 0;  ///< whole ones
  block_address next_header;  ///< behind the last whole one
  bool torn_tail = false;     ///< there is an unfinished aggregation behind that
};

/// Walks a volume from its beginning by its labels, without reading the data; `visit` gets every
/// whole aggregation in order and returns false to stop. Errors: wrong_volume (no label of ours),
/// corrupt (labels damaged or contradicting each other; names the block).
caf::expected<volume_listing> read_volume_labels(
    tape::drive& drive, const std::function<bool(const volume_entry&)>& visit);

}  // namespace et
