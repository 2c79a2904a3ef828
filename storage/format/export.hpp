// Gets an aggregation off a cartridge without a catalogue.
#pragma once

#include <caf/expected.hpp>
#include <string>
#include <vector>

#include "storage/error.hpp"
#include "storage/format/volume_io.hpp"
#include "storage/tape/drive.hpp"

namespace et {

/// Every whole aggregation of the cartridge in `drive`, in the order on tape. Errors as
/// read_volume_labels(): damaged labels are corrupt, and export_aggregation() can still find what
/// lies before them.
caf::expected<std::vector<volume_entry>> list_volume(tape::drive& drive);

/// Copies the tar of one aggregation to `out_fd`, a file or a pipe: `... | tar x` restores its
/// files. `which` is the id, as in `17.2`, or the sequence number on the volume, as in `3`; with
/// several aggregations of one id, the last before any damage. Errors: not_found; corrupt when the
/// bytes, already copied then, do not have the checksum in the label; medium_error; io_error,
/// no_space.
caf::error export_aggregation(tape::drive& drive, const std::string& which, int out_fd);

}  // namespace et
