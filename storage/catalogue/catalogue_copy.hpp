// The other side of catalogue_log: a catalogue that holds what another one has written, with the
// same sequence numbers, and nothing else. It becomes a catalogue that is written by opening it as
// a catalogue_store.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "storage/catalogue/catalogue_log.hpp"
#include "storage/os/file.hpp"

namespace et {

/// Files and bytes of a checkpoint that is accepted.
constexpr size_t max_checkpoint_files = 1'000'000;
/// The longest name of a file in one.
constexpr size_t max_checkpoint_name_bytes = 255;

/// One thread.
class catalogue_copy {
 public:
  /// Opens the copy in `folder`. Errors: not_found when there is none; locked; newer_version;
  /// io_error, corrupt: it may be replaced by a checkpoint.
  static caf::expected<std::unique_ptr<catalogue_copy>> open(const std::string& folder,
                                                             uint64_t memory_bytes);

  caf::expected<copy_position> position() const { return position_of(*db_); }
  uint64_t sequence() const { return db_->raw().GetLatestSequenceNumber(); }
  caf::expected<epoch_record> epoch() const { return epoch_of(*db_); }

  /// Applies the next piece of a stream of frames, which may end within a frame: the rest is kept
  /// for the next call. What was applied is durable after sync(). Errors: wrong_position for a
  /// write that is not the next one (a gap, a repeat, another order); corrupt; io_error, no_space.
  /// After an error the writes before the bad one are applied, and the stream must begin anew
  /// behind sequence().
  caf::error apply(std::string_view piece);
  /// Forgets the part of a frame that was kept.
  void forget_partial() { partial_.clear(); }
  /// Everything applied is on the disk afterwards.
  caf::error sync();

 private:
  explicit catalogue_copy(std::unique_ptr<database> db) : db_(std::move(db)) {}
  caf::error apply(const log_frame& frame);

  std::unique_ptr<database> db_;
  std::string partial_;
};

/// Receives the files of a checkpoint into a folder beside the copy's, and puts it into its place
/// when all of it is there. One thread.
class checkpoint_receiver {
 public:
  /// `folder`: where the copy is to be. What an earlier attempt left beside it is deleted. Errors:
  /// protocol for names that are no plain file names, twice the same, or too many; io_error.
  static caf::expected<std::unique_ptr<checkpoint_receiver>> begin(
      const std::string& folder, std::vector<checkpoint_file> files);

  /// The next bytes of the file at hand; files come in the order of the list. Empty files take
  /// none. Errors: protocol when there are more bytes than the list says; io_error, no_space.
  caf::error add(std::string_view data);
  bool complete() const { return at_ == files_.size(); }
  uint64_t received_bytes() const { return received_bytes_; }

  /// Checks every file's checksum, makes all durable and replaces what is in the folder, which is
  /// kept as `aside` when that is not empty (it must not exist) and else deleted. Precondition:
  /// complete(), nobody has the folder open. Errors: corrupt, io_error; the folder is as it was, or
  /// missing, so that the next copy begins anew.
  caf::error install(const std::string& aside);

 private:
  checkpoint_receiver(std::string folder, std::vector<checkpoint_file> files)
      : folder_(std::move(folder)), files_(std::move(files)) {}
  caf::error open_next();

  std::string folder_;
  std::string temporary_;
  std::vector<checkpoint_file> files_;
  size_t at_ = 0;
  uint64_t offset_ = 0;
  uint64_t received_bytes_ = 0;
  unique_fd file_;
};

}  // namespace et
