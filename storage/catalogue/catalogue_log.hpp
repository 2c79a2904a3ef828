// What the catalogue has written, in its order, for a copy of it elsewhere (catalogue_copy.hpp),
// and the hold: while a copy counts, views show only what the copy has too.
//
// A sequence number names a write: each record of a write batch takes one, in the copy the same.
// Numbers alone do not tell a history: after a loss of power the end of the log may be missing, and
// what is written next takes the same numbers. So every opening of a catalogue by its writer begins
// a run, a random name that is written with the number it begins behind; a copy may go on where it
// is when the run it has seen last did not end before that number.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "storage/catalogue/database.hpp"

namespace et {

/// Runs that are remembered; a copy that has seen none of them starts anew.
constexpr size_t max_runs = 64;
/// Snapshots of writes that the copy has not acknowledged; with more, the newest stands for two.
constexpr size_t max_held_snapshots = 256;

/// Where a copy is. Without a catalogue: run empty.
struct copy_position {
  std::string families;   ///< the families and their numbers, as text; must be equal on both sides
  std::string run;        ///< the last one it has seen
  uint64_t sequence = 0;  ///< of its last write

  friend bool operator==(const copy_position&, const copy_position&) = default;

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, copy_position& x) {
    return f(caf::meta::type_name("copy_position"), x.families, x.run, x.sequence);
  }
};

/// A file of a checkpoint.
struct checkpoint_file {
  std::string name;  ///< without folders
  uint64_t size_bytes = 0;
  uint64_t checksum = 0;  ///< XXH3, 64 bits

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, checkpoint_file& x) {
    return f(caf::meta::type_name("checkpoint_file"), x.name, x.size_bytes, x.checksum);
  }
};

/// Who is the head: the node that promotion made it, and since when. Epoch 0: nobody was ever
/// promoted.
struct epoch_record {
  uint64_t epoch = 0;
  std::string node;
  int64_t since_ns = 0;

  friend bool operator==(const epoch_record&, const epoch_record&) = default;

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, epoch_record& x) {
    return f(caf::meta::type_name("epoch_record"), x.epoch, x.node, x.since_ns);
  }
};

/// XXH3 of a whole file. Errors: not_found, io_error.
caf::expected<uint64_t> checksum_of_file(const std::string& path);

/// The position of an open database, as the last write left it. Needs a lease, or to be the writer.
caf::expected<copy_position> position_of(const database& db);
/// The epoch in it; precondition as above.
caf::expected<epoch_record> epoch_of(const database& db);

/// Calls marked "writer" are for the one thread that writes; all others for any thread.
class catalogue_log {
 public:
  explicit catalogue_log(database& db);
  ~catalogue_log();
  catalogue_log(const catalogue_log&) = delete;
  catalogue_log& operator=(const catalogue_log&) = delete;

  /// The number of the last write; it grows with each. Writer.
  uint64_t sequence() const { return db_.raw().GetLatestSequenceNumber(); }
  /// Error: io_error while the catalogue is not open.
  caf::expected<copy_position> position() const;

  /// Whether a copy at `position` can go on with the log. No error: it can. not_found: it needs a
  /// checkpoint, and why.
  caf::error can_follow(const copy_position& position) const;

  /// A new folder with the catalogue's files as they are after some write; made of hard links
  /// where the file system is the same. Precondition: `folder` does not exist, its parent does.
  /// After a failure nothing is left of it. The caller removes it.
  caf::expected<std::vector<checkpoint_file>> checkpoint(const std::string& folder) const;

  /// `told` is called with the sequence number after each write. Writer; it must not call the
  /// store.
  void on_write(std::function<void(uint64_t)> told) { told_ = std::move(told); }

  /// From now on views show what is acknowledged. `all`: everything there is now is; otherwise
  /// views answer unavailable until it is. Writer.
  void hold(bool all);
  /// From now on views show everything. Writer.
  void let_go();
  bool holding() const { return holding_; }
  /// The copy has, durably, everything up to `sequence`. Writer.
  void acknowledge(uint64_t sequence);
  /// The number of the last write that views show. Writer.
  uint64_t shown() const;

  /// The epoch that is written in the catalogue.
  caf::expected<epoch_record> epoch() const;
  /// Writes a higher one; durable. Errors: invalid_argument when it is not higher. Writer.
  caf::error raise_epoch(const epoch_record& record);

  // For the store.
  /// Begins a run; durable. Writer, before any other write of an opening.
  caf::error begin_run();
  /// Something was written. Writer.
  void wrote();
  /// What a new view shows; null: nothing can be shown. Needs a lease.
  database::shared_snapshot shown_snapshot() const;

 private:
  friend class log_reader;

  struct held {
    uint64_t sequence = 0;
    database::shared_snapshot snapshot;
  };

  /// Before the files are closed: what was acknowledged cannot be shown any more.
  void forget_snapshots();

  database& db_;
  std::function<void(uint64_t)> told_;
  bool holding_ = false;
  uint64_t acknowledged_ = 0;
  std::deque<held> waiting_;  ///< by sequence

  mutable std::mutex mutex_;  ///< guards the rest
  bool restricted_ = false;   ///< as holding_, for views
  held shown_;
};

/// Reads the log from a sequence number on. One thread.
class log_reader {
 public:
  /// `log` outlives it. The first read gives what follows `after`.
  log_reader(const catalogue_log& log, uint64_t after);
  ~log_reader();
  log_reader(const log_reader&) = delete;
  log_reader& operator=(const log_reader&) = delete;

  /// The next writes as frames (docs/standby.md), whole, at least one and then up to about
  /// `limit_bytes`; empty when there is nothing new. Error not_found: the log does not reach back
  /// that far any more; a checkpoint is needed.
  caf::expected<std::string> read(size_t limit_bytes);
  /// The number of the last write that was read.
  uint64_t reached() const { return reached_; }

 private:
  caf::error open();
  caf::expected<bool> advance();

  const catalogue_log& log_;
  uint64_t reached_;
  uint64_t openings_ = 0;
  std::unique_ptr<rocksdb::TransactionLogIterator> at_;
  bool started_ = false;  ///< at_ has been asked for its first batch
};

/// One write in a stream of frames.
struct log_frame {
  uint64_t sequence = 0;
  std::string_view batch;  ///< a RocksDB write batch
};

/// Longest batch in a frame.
constexpr size_t max_frame_bytes = 64 * 1024 * 1024;

void append_frame(std::string& to, const log_frame& frame);
/// Takes a whole frame off the front of `from`; false: there is none yet. Error: corrupt.
caf::expected<bool> take_frame(std::string_view& from, log_frame& frame);

}  // namespace et
