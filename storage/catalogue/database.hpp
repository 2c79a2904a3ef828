// RocksDB as the catalogue uses it: families by name, typed keys, statuses as errors, recovery from
// a full disk. Nothing above this file sees a rocksdb::Status.
#pragma once

#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <array>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "storage/catalogue/keys.hpp"
#include "storage/error.hpp"

namespace et {

/// `status` of an attempt to `doing` as an error: no_space, corrupt, io_error or internal.
caf::error to_error(const rocksdb::Status& status, const std::string& doing);

/// Runs `f`, whose result can hold an error; what it throws becomes errc::internal.
template <class F>
auto guarded(F f) -> decltype(f()) {
  try {
    return f();
  } catch (const std::exception& e) {
    return fail(errc::internal, std::string{"the catalogue failed: "} + e.what());
  }
}

class database;

/// How long the log is kept for a copy elsewhere, at most.
constexpr std::chrono::hours log_kept_time{24};

/// Puts and deletions that become visible together or not at all. Ranges are deleted key by key:
/// merging files with deleted ranges fails assertions of Debian's RocksDB 7.8.
class change_set {
 public:
  explicit change_set(const database& db, size_t expected_bytes = 0)
      : db_(db), batch_(expected_bytes) {}

  template <keys::family F>
  void put(const keys::key<F>& key, std::string_view value) {
    put(F, key.bytes(), value);
  }
  template <keys::family F>
  void erase(const keys::key<F>& key) {
    erase(F, key.bytes());
  }
  bool empty() const { return batch_.Count() == 0; }
  /// How many sequence numbers it takes.
  uint64_t count() const { return static_cast<uint64_t>(batch_.Count()); }
  /// Becomes the write batch with these bytes, from the log of another catalogue. Error: corrupt.
  caf::error assign(std::string_view batch);

 private:
  friend class database;

  void put(keys::family f, std::string_view key, std::string_view value);
  void erase(keys::family f, std::string_view key);

  const database& db_;
  rocksdb::WriteBatch batch_;
};

class database {
 public:
  /// Opens or creates all families in `folder`. Errors: locked, newer_version (when the families of
  /// a newer version are there), io_error, no_space, corrupt.
  /// With `log_bytes` not 0 the write-ahead log is kept, up to that size and for log_kept_time,
  /// when its content is in the files already.
  static caf::expected<std::unique_ptr<database>> open(const std::string& folder,
                                                       uint64_t memory_bytes,
                                                       uint64_t log_bytes = 0);
  ~database();
  database(const database&) = delete;
  database& operator=(const database&) = delete;

  /// To be called by the writer before anything else it does. Keeps some space free on the disk, so
  /// that RocksDB does not run into its end: no_space when there is too little. After a failed
  /// write opens everything anew, which can wait a little for leases to end; when that fails
  /// reading goes on if it can.
  caf::error ready();
  /// Applies `changes`; `durable` fsyncs the write-ahead log, which makes all earlier writes
  /// durable too. After a failure nothing has changed, or, when it was the sync that failed, the
  /// changes may appear with the next opening. Precondition: ready() returned no error.
  caf::error write(change_set& changes, bool durable);
  /// Counts how often the database has been opened: what was read before may be out of date.
  uint64_t openings() const { return openings_; }

  /// The value of `key` as of `snapshot` (null: now) in `value`; false: there is none.
  template <keys::family F>
  caf::expected<bool> get(const keys::key<F>& key, const rocksdb::Snapshot* snapshot,
                          rocksdb::PinnableSlice& value) const {
    return get(F, key.bytes(), snapshot, value);
  }

  rocksdb::ColumnFamilyHandle* handle(keys::family f) const {
    return handles_[static_cast<size_t>(f)];
  }
  rocksdb::DB& raw() const { return *db_; }
  const std::string& folder() const { return folder_; }

  /// A snapshot, owned. It must be gone before the database closes: hold a lease, or let go of it
  /// in on_close().
  using shared_snapshot = std::shared_ptr<const rocksdb::Snapshot>;
  shared_snapshot snapshot() const;
  /// `let_go` is called by the writer before the files are closed, when no lease is held.
  void on_close(std::function<void()> let_go) { let_go_ = std::move(let_go); }

  /// Writes all memtables to files and merges the files of each family.
  caf::error compact();
  /// Bytes of all files in the folder.
  uint64_t disk_bytes() const;
  /// no_space while the disk has less than the memory bound left.
  caf::error check_space() const;

  /// Keeps the database open as it is. Everyone but the writer holds one while reading.
  class lease {
   public:
    explicit lease(database& db);
    ~lease();
    lease(const lease&) = delete;
    lease& operator=(const lease&) = delete;
    /// Why nothing can be read; no error: it can.
    const caf::error& error() const { return error_; }

   private:
    database& db_;
    caf::error error_;
  };

 private:
  class background_errors;

  database() = default;
  caf::error open_files(bool read_only);
  void close_files();
  caf::error reopen();
  caf::expected<bool> get(keys::family f, std::string_view key, const rocksdb::Snapshot* snapshot,
                          rocksdb::PinnableSlice& value) const;

  std::string folder_;
  uint64_t memory_bytes_ = 0;
  uint64_t log_bytes_ = 0;
  std::function<void()> let_go_;
  std::shared_ptr<background_errors> errors_;
  std::unique_ptr<rocksdb::DB> db_;  ///< null when it could not be opened again
  bool read_only_ = false;
  uint64_t openings_ = 0;
  std::array<rocksdb::ColumnFamilyHandle*, keys::family_count> handles_{};

  std::mutex mutex_;  ///< guards the rest
  std::condition_variable changed_;
  size_t leases_ = 0;
  bool closing_ = false;
};

/// How much a cursor is going to read.
enum class scan {
  point,    ///< a few keys; blocks are kept in the cache
  listing,  ///< many keys once; reads ahead and leaves the cache alone
};

/// Walks the keys of a range. Usage: seek, then while valid(); afterwards error() tells the end of
/// the range from a failed read. The views that key() and value() return last until the next move.
template <keys::family F>
class cursor {
 public:
  cursor(const database& db, const rocksdb::Snapshot* snapshot, keys::range<F> range,
         scan how = scan::point)
      : range_(std::move(range)), lower_(range_.begin.bytes()), upper_(range_.end.bytes()) {
    rocksdb::ReadOptions options;
    options.snapshot = snapshot;
    options.iterate_lower_bound = &lower_;
    options.iterate_upper_bound = &upper_;
    options.total_order_seek = true;
    if (how == scan::listing) {
      options.fill_cache = false;
      options.readahead_size = 256 * 1024;
    }
    iterator_.reset(db.raw().NewIterator(options, db.handle(F)));
  }
  /// Over the whole family.
  cursor(const database& db, const rocksdb::Snapshot* snapshot)
      : range_{keys::key<F>{{}}, keys::key<F>{{}}} {
    rocksdb::ReadOptions options;
    options.snapshot = snapshot;
    options.fill_cache = false;
    iterator_.reset(db.raw().NewIterator(options, db.handle(F)));
  }
  cursor(const cursor&) = delete;
  cursor& operator=(const cursor&) = delete;

  void seek_first() { iterator_->SeekToFirst(); }
  /// To the first key at or behind `key`.
  void seek(const keys::key<F>& key) { iterator_->Seek(key.bytes()); }
  /// To the last key at or before `key`.
  void seek_back(const keys::key<F>& key) { iterator_->SeekForPrev(key.bytes()); }
  void next() { iterator_->Next(); }
  void previous() { iterator_->Prev(); }

  bool valid() const { return iterator_->Valid(); }
  std::string_view key() const { return iterator_->key().ToStringView(); }
  std::string_view value() const { return iterator_->value().ToStringView(); }
  caf::error error() const {
    auto status = iterator_->status();
    if (status.ok()) return {};
    return to_error(status, "read the catalogue");
  }

 private:
  keys::range<F> range_;
  rocksdb::Slice lower_;
  rocksdb::Slice upper_;
  std::unique_ptr<rocksdb::Iterator> iterator_;
};

}  // namespace et
