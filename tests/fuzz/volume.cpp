// A volume that lies in a drive, whatever is on it: its labels are read, and what they list can be
// exported.
#include "storage/format/volume_io.hpp"

#include "storage/format/export.hpp"
#include "tests/fuzz/memory_drive.hpp"

using namespace et;

namespace {

constexpr size_t most_exported = 4;

class output_file {
 public:
  output_file() : fd_(memfd_create("output", MFD_CLOEXEC)) { fuzz::require(fd_ >= 0, "a file"); }
  ~output_file() { ::close(fd_); }
  output_file(const output_file&) = delete;
  output_file& operator=(const output_file&) = delete;

  int fd() const { return fd_; }
  uint64_t size_bytes() const { return static_cast<uint64_t>(::lseek(fd_, 0, SEEK_END)); }

 private:
  int fd_;
};

void export_one(fuzz::memory_drive& drive, const volume_entry& entry, uint64_t on_tape_bytes) {
  output_file out;
  auto error = export_aggregation(drive, std::to_string(entry.sequence), out.fd());
  fuzz::require(out.size_bytes() <= on_tape_bytes, "nothing is exported that is not on the tape");
  if (!error)
    fuzz::require(out.size_bytes() == entry.size_bytes, "what is exported is as long as it should");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::choices input{data, size};
  fuzz::memory_drive drive{fuzz::records_of(input)};
  uint64_t on_tape_bytes = 0;
  for (const auto& one : drive.records()) on_tape_bytes += one.size();

  std::vector<volume_entry> entries;
  auto listing = read_volume_labels(drive, [&](const volume_entry& entry) {
    entries.push_back(entry);
    return true;
  });
  uint64_t behind = first_header_address.value;
  for (const auto& entry : entries) {
    fuzz::require(entry.copy.header.value >= behind, "aggregations follow each other");
    behind = entry.copy.data.value + entry.copy.blocks;
    fuzz::require(behind <= drive.records().size(), "an aggregation is on the tape");
  }
  if (listing) {
    fuzz::require(listing->aggregations == entries.size(), "every whole aggregation is told");
    fuzz::require(listing->next_header.value <= drive.records().size(), "its end is on the tape");
    fuzz::require(listing->next_header.value >= behind, "its end is behind the last one");
    auto checked = check_label(drive, listing->volume);
    fuzz::require(checked && *checked == label_check::matches, "it is the volume that it says");
  }
  [[maybe_unused]] auto other = check_label(drive, barcode{"ET0001L8"});
  // The last of a number counts.
  for (size_t i = entries.size(); i-- > 0 && entries.size() - i <= most_exported;) {
    bool last = true;
    for (size_t later = i + 1; later < entries.size(); ++later)
      last = last && entries[later].sequence != entries[i].sequence;
    if (last) export_one(drive, entries[i], on_tape_bytes);
  }
  return 0;
}
