// A disk that loses its power, for tests: the files below one folder are what the program sees, and
// this object knows for each what a disk would still hold if the power went now.
//
// The model: data of a file is on the disk after fsync or fdatasync of it; a name (made, renamed,
// removed) after fsync of its folder. Until then a power loss keeps or loses it:
//  - of each write any 512-byte sectors; the size of the file is one that it had meanwhile, and
//  what
//    was never written below it reads as zeros;
//  - of the names of each folder the latest ones: they go in the order in which they were made, and
//    a rename between two folders binds both. A folder whose own name is lost goes with all in it.
// Modes, owners and times are always kept; sockets and links by name only are not looked after.
//
// A program that links this has the file functions of file_calls.cpp, and every change that it
// makes below the folder is seen, those of RocksDB among them. Changes by other programs are not.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

namespace et::test {

/// Calls that fail, each with a probability between 0 and 1. Which ones do depends on the seed, the
/// file's first name, and how many calls it has seen: not on the threads.
struct disk_faults {
  uint64_t seed = 0;
  double write_error = 0;  ///< EIO of a write or a truncation; nothing of it is done
  double short_write = 0;  ///< a write of more than one byte that does only a part
  double full = 0;         ///< ENOSPC of a write, a truncation, or a new name
  double sync_error = 0;   ///< EIO of fsync; what it should have kept stays in danger
  double read_error = 0;   ///< EIO
  std::string only;  ///< when not empty: only files with this in their path from the folder on
};

struct disk_figures {
  uint64_t writes = 0;
  uint64_t syncs = 0;  ///< of files
  uint64_t folder_syncs = 0;
  uint64_t faults = 0;  ///< calls that failed or were shortened, without those of power_off()
  uint64_t unsynced_files = 0;  ///< files with data in danger now
  uint64_t unsynced_names = 0;  ///< changes of names in danger now
};

class lossy_disk {
 public:
  /// `folder` is there, and all that is in it counts as being on the disk. Beside it, a folder of
  /// the same name with `.removed` keeps what may have to come back; both are on one file system.
  explicit lossy_disk(const std::filesystem::path& folder);
  /// Everything stays as the program saw it last.
  ~lossy_disk();
  lossy_disk(const lossy_disk&) = delete;
  lossy_disk& operator=(const lossy_disk&) = delete;

  void set_faults(const disk_faults& faults);
  /// From now on every change below the folder fails with EIO and changes nothing; reads go on.
  /// What runs on the folder can be ended then without reaching the disk.
  void power_off();
  /// Brings the folder into a state that a disk may be in when the power goes now, and gives power.
  /// The same for the same seed and the same calls before. Descriptors opened before are dead: all
  /// their changes fail with EIO. Nothing else may change the folder meanwhile.
  void power_loss(uint64_t seed);
  /// As sync(1): nothing is in danger any more.
  void sync_all();
  disk_figures figures() const;

 private:
  class state;
  std::unique_ptr<state> state_;
};

}  // namespace et::test
