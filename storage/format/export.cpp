#include "storage/format/export.hpp"

#include <optional>

#include "storage/format/hashes.hpp"
#include "storage/os/file.hpp"

namespace et {

namespace {

caf::expected<volume_entry> find_entry(tape::drive& drive, const std::string& which) {
  std::optional<volume_entry> found;
  auto listing = read_volume_labels(drive, [&](const volume_entry& entry) {
    if (to_string(entry.id) == which || std::to_string(entry.sequence) == which) found = entry;
    return true;
  });
  if (found) return *found;
  if (!listing) return listing.error();
  return fail(errc::not_found, "no aggregation " + which + " on volume " + listing->volume.value);
}

}  // namespace

caf::expected<std::vector<volume_entry>> list_volume(tape::drive& drive) {
  std::vector<volume_entry> entries;
  auto listing = read_volume_labels(drive, [&](const volume_entry& entry) {
    entries.push_back(entry);
    return true;
  });
  if (!listing) return listing.error();
  return entries;
}

caf::error export_aggregation(tape::drive& drive, const std::string& which, int out_fd) {
  auto entry = find_entry(drive, which);
  if (!entry) return entry.error();
  aggregation_hasher hasher;
  auto error = read_range(drive, entry->copy, 0, entry->size_bytes, [&](auto data) {
    hasher.update(data);
    return write_all(out_fd, data.data(), data.size());
  });
  if (error) return with_context(error, "aggregation " + to_string(entry->id));
  if (hasher.checksum() == entry->checksum) return {};
  return fail(errc::corrupt,
              "aggregation " + to_string(entry->id) + " does not have the checksum in its label");
}

}  // namespace et
