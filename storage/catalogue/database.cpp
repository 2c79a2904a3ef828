#include "storage/catalogue/database.hpp"

#include <rocksdb/cache.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/table.h>
#include <rocksdb/write_buffer_manager.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>

#include "storage/catalogue/codec.hpp"
#include "storage/catalogue/engine_log.hpp"
#include "storage/catalogue/store.hpp"
#include "storage/os/file.hpp"

namespace et {

using keys::family;

namespace {

constexpr uint64_t kib = 1024;
constexpr uint64_t mib = 1024 * kib;
/// Its sequence number and count.
constexpr size_t write_batch_header_bytes = 12;

bool mentions(const rocksdb::Status& status, const char* text) {
  return status.ToString().find(text) != std::string::npos;
}

/// One file in a million: these families grow with the files, the others do not.
bool is_large(family f) {
  return f == family::file || f == family::path || f == family::placement;
}

rocksdb::ColumnFamilyOptions family_options(family f, uint64_t memory_bytes,
                                            const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.block_size = 16 * kib;
  table.format_version = 5;
  table.cache_index_and_filter_blocks = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  // Only these are asked for keys that are mostly not there.
  if (f == family::failure) table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));

  rocksdb::ColumnFamilyOptions options;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  options.write_buffer_size = std::max(memory_bytes / (is_large(f) ? 4 : 32), 256 * kib);
  options.max_write_buffer_number = 3;
  options.target_file_size_base = 16 * mib;
  options.max_bytes_for_level_base = 64 * mib;
  options.level_compaction_dynamic_level_bytes = true;
  // Checksums do not compress.
  if (f == family::placement) {
    options.compression = rocksdb::kNoCompression;
  } else {
    options.compression = rocksdb::kLZ4Compression;
    options.bottommost_compression = rocksdb::kZSTD;
  }
  return options;
}

rocksdb::DBOptions database_options(uint64_t memory_bytes, uint64_t log_bytes,
                                    const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::DBOptions options;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  options.max_background_jobs = 2;
  // Memtables are charged to the cache, so that its capacity bounds both.
  options.write_buffer_manager =
      std::make_shared<rocksdb::WriteBufferManager>(memory_bytes / 2, cache);
  options.max_total_wal_size = std::max(memory_bytes / 2, 4 * mib);
  // Chunks go to the disk while the next ones arrive: the sync of the commit finds little to do.
  options.wal_bytes_per_sync = 512 * kib;
  options.bytes_per_sync = mib;
  options.max_open_files = 256;
  options.max_manifest_file_size = 16 * mib;
  options.info_log = make_engine_log();
  // No thread of ours wakes up while nothing happens.
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.skip_stats_update_on_db_open = true;
  if (log_bytes > 0) {
    options.WAL_ttl_seconds = std::chrono::seconds{log_kept_time}.count();
    options.WAL_size_limit_MB = std::max<uint64_t>(log_bytes / mib, 1);
  }
  // Recovery is tried by the next write (database::ready), not by a polling thread.
  options.max_bgerror_resume_count = 0;
  return options;
}

/// The version that is stored in `folder`, whatever families are there; 0: none can be found.
uint32_t stored_version(const std::string& folder) {
  rocksdb::DB* opened = nullptr;
  rocksdb::Options options;
  options.info_log = make_engine_log();
  if (!rocksdb::DB::OpenForReadOnly(options, folder, &opened).ok()) return 0;
  std::unique_ptr<rocksdb::DB> db{opened};
  std::string value;
  auto status = db->Get(rocksdb::ReadOptions{}, keys::version().bytes(), &value);
  return status.ok() && value.size() == 4 ? static_cast<uint32_t>(read_big_endian(value.data(), 4))
                                          : 0;
}

/// Refuses families that this version does not know.
caf::error check_families(const std::string& folder) {
  std::vector<std::string> found;
  // Of a folder without a database nothing can be listed, and that is well.
  if (!rocksdb::DB::ListColumnFamilies(rocksdb::DBOptions{}, folder, &found).ok()) return {};
  for (const auto& name : found) {
    bool known = false;
    for (size_t i = 0; i < keys::family_count; ++i)
      known = known || name == keys::name_of(static_cast<family>(i));
    if (known) continue;
    auto version = stored_version(folder);
    if (version > catalogue_version)
      return fail(errc::newer_version,
                  "the catalogue in " + folder + " has version " + std::to_string(version) +
                      ", this service knows version " + std::to_string(catalogue_version));
    return fail(errc::corrupt,
                "the catalogue in " + folder + " has an unknown family of keys: " + name);
  }
  return {};
}

}  // namespace

caf::error to_error(const rocksdb::Status& status, const std::string& doing) {
  if (status.ok()) return {};
  auto code = errc::internal;
  if (status.IsNoSpace() || mentions(status, "No space left on device") ||
      mentions(status, "Disk quota exceeded"))
    code = errc::no_space;
  else if (status.IsCorruption())
    code = errc::corrupt;
  else if (status.IsIOError() || status.IsBusy() || status.IsTimedOut() || status.IsIncomplete() ||
           status.IsShutdownInProgress() || status.IsAborted())
    code = errc::io_error;
  return fail(code, "cannot " + doing + ": " + status.ToString());
}

void change_set::put(family f, std::string_view key, std::string_view value) {
  batch_.Put(db_.handle(f), key, value).PermitUncheckedError();
}

void change_set::erase(family f, std::string_view key) {
  batch_.Delete(db_.handle(f), key).PermitUncheckedError();
}

namespace {

/// Records of a RocksDB write batch (its numbers on disk); a default family has its own two.
enum batch_tag : uint8_t {
  tag_deletion = 0,
  tag_value = 1,
  tag_family_deletion = 4,
  tag_family_value = 5,
};

/// Whether there is nothing in a write batch but what change_set makes, puts and deletions in
/// families that `is_known`, as many as the batch says. A batch: sequence number (8 bytes), count
/// (4), both little-endian; then records: tag, family (varint), key (string), value (string).
template <class Known>
bool is_plain(std::string_view batch, const Known& is_known) {
  constexpr size_t count_offset = 8;
  uint32_t count = 0;
  for (size_t i = 4; i-- > 0;) count = count << 8 | static_cast<uint8_t>(batch[count_offset + i]);
  decoder records{batch.substr(write_batch_header_bytes)};
  uint32_t found = 0;
  while (records.left() > 0) {
    auto tag = records.u8();
    if (tag != tag_deletion && tag != tag_value && tag != tag_family_deletion &&
        tag != tag_family_value)
      return false;
    bool has_family = tag == tag_family_deletion || tag == tag_family_value;
    if (!is_known(has_family ? records.varint32() : 0)) return false;
    records.string();
    if (tag == tag_value || tag == tag_family_value) records.string();
    ++found;
  }
  return records.complete() && found == count;
}

}  // namespace

caf::error change_set::assign(std::string_view batch) {
  auto is_known = [this](uint32_t id) {
    for (size_t f = 0; f < keys::family_count; ++f)
      if (db_.handle(static_cast<family>(f))->GetID() == id) return true;
    return false;
  };
  // RocksDB finds damage while it applies a batch, when that is in its own log already: then the
  // catalogue can never be opened again. Or an assertion of it fails.
  if (batch.size() < write_batch_header_bytes || !is_plain(batch, is_known))
    return fail(errc::corrupt, "a write of the log is no write of a catalogue");
  batch_ = rocksdb::WriteBatch{std::string{batch}};
  return {};
}

/// Remembers the worst that has happened since the opening. Called from RocksDB's threads.
class database::background_errors : public rocksdb::EventListener {
 public:
  using severity = rocksdb::Status::Severity;

  void OnBackgroundError(rocksdb::BackgroundErrorReason, rocksdb::Status* status) override {
    note(status->severity());
  }
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status,
                            bool* auto_recovery) override {
    *auto_recovery = false;
  }
  void note(severity s) {
    auto known = worst_.load();
    while (known < s && !worst_.compare_exchange_weak(known, s)) {
    }
  }
  /// A merge of files failed; it can be tried again.
  bool take_soft() {
    auto soft = severity::kSoftError;
    return worst_.compare_exchange_strong(soft, severity::kNoError);
  }
  bool hard() const { return worst_.load() > severity::kSoftError; }
  void clear() { worst_ = severity::kNoError; }

 private:
  std::atomic<severity> worst_{severity::kNoError};
};

caf::expected<std::unique_ptr<database>> database::open(const std::string& folder,
                                                        uint64_t memory_bytes, uint64_t log_bytes) {
  if (auto error = make_folders(folder)) return error;

  std::unique_ptr<database> result{new database};
  result->folder_ = folder;
  result->memory_bytes_ = memory_bytes;
  result->log_bytes_ = log_bytes;
  result->errors_ = std::make_shared<background_errors>();
  if (auto error = check_families(folder)) return error;
  if (auto error = result->open_files(false)) return error;
  return result;
}

caf::error database::open_files(bool read_only) {
  auto cache = rocksdb::NewLRUCache(memory_bytes_, 4);
  auto options = database_options(memory_bytes_, log_bytes_, cache);
  options.listeners.push_back(errors_);
  // A disk that was unmounted must not be mistaken for an empty catalogue.
  options.create_if_missing = openings_ == 0;
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (size_t i = 0; i < keys::family_count; ++i) {
    auto f = static_cast<family>(i);
    families.emplace_back(keys::name_of(f), family_options(f, memory_bytes_, cache));
  }
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* opened = nullptr;
  auto status = read_only
                    ? rocksdb::DB::OpenForReadOnly(options, folder_, families, &handles, &opened)
                    : rocksdb::DB::Open(options, folder_, families, &handles, &opened);
  if (status.IsIOError() &&
      (mentions(status, "While lock file") || mentions(status, "lock hold by current process")))
    return fail(errc::locked, "another process uses the catalogue in " + folder_);
  if (!status.ok()) return to_error(status, "open the catalogue in " + folder_);
  db_.reset(opened);
  std::copy(handles.begin(), handles.end(), handles_.begin());
  read_only_ = read_only;
  ++openings_;
  return {};
}

void database::close_files() {
  if (!db_) return;
  if (let_go_) let_go_();
  for (auto* handle : handles_) db_->DestroyColumnFamilyHandle(handle).PermitUncheckedError();
  db_->Close().PermitUncheckedError();
  db_.reset();
}

database::shared_snapshot database::snapshot() const {
  auto* db = db_.get();
  return {db->GetSnapshot(), [db](const rocksdb::Snapshot* one) { db->ReleaseSnapshot(one); }};
}

database::~database() {
  close_files();
}

caf::error database::check_space() const {
  std::error_code ec;
  auto space = std::filesystem::space(folder_, ec);
  // Memtables of that size, and the merge of what they become, may still have to be written.
  auto needed_bytes = memory_bytes_;
  if (ec || space.available >= needed_bytes) return {};
  return fail(errc::no_space, "the disk of the catalogue in " + folder_ + " has " +
                                  std::to_string(space.available) +
                                  " bytes left, it needs at least " + std::to_string(needed_bytes));
}

caf::error database::ready() {
  if (auto error = check_space()) return error;
  if (db_ && !read_only_ && !errors_->hard()) {
    if (errors_->take_soft()) db_->Resume().PermitUncheckedError();
    return {};
  }
  return reopen();
}

// RocksDB's own way back after a failed write (Resume) can hang, or leave a log that it aborts on.
caf::error database::reopen() {
  constexpr std::chrono::seconds patience{2};
  std::unique_lock lock{mutex_};
  closing_ = true;
  caf::error result;
  if (changed_.wait_for(lock, patience, [this] { return leases_ == 0; })) {
    close_files();
    errors_->clear();
    result = open_files(false);
    // Whatever this gives: there is the result of the first attempt to tell.
    if (result) open_files(true);
  } else {
    result =
        fail(errc::io_error, "the catalogue cannot recover from a failed write while it is read");
  }
  closing_ = false;
  changed_.notify_all();
  return result;
}

database::lease::lease(database& db) : db_(db) {
  std::unique_lock lock{db.mutex_};
  db.changed_.wait(lock, [&db] { return !db.closing_; });
  ++db.leases_;
  if (!db.db_) error_ = fail(errc::io_error, "the catalogue in " + db.folder_ + " is not open");
}

database::lease::~lease() {
  std::lock_guard lock{db_.mutex_};
  --db_.leases_;
  db_.changed_.notify_all();
}

caf::error database::write(change_set& changes, bool durable) {
  rocksdb::WriteOptions options;
  options.sync = durable;
  auto status = db_->Write(options, &changes.batch_);
  if (!status.ok()) errors_->note(background_errors::severity::kHardError);
  return to_error(status, "write to the catalogue");
}

caf::expected<bool> database::get(family f, std::string_view key, const rocksdb::Snapshot* snapshot,
                                  rocksdb::PinnableSlice& value) const {
  rocksdb::ReadOptions options;
  options.snapshot = snapshot;
  value.Reset();
  auto status = db_->Get(options, handle(f), key, &value);
  if (status.ok()) return true;
  if (status.IsNotFound()) return false;
  return to_error(status, "read the catalogue");
}

caf::error database::compact() {
  rocksdb::CompactRangeOptions options;
  options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForceOptimized;
  std::vector<rocksdb::ColumnFamilyHandle*> all{handles_.begin(), handles_.end()};
  auto status = db_->Flush(rocksdb::FlushOptions{}, all);
  for (auto* handle : all)
    if (status.ok()) status = db_->CompactRange(options, handle, nullptr, nullptr);
  return to_error(status, "compact the catalogue");
}

uint64_t database::disk_bytes() const {
  uint64_t total_bytes = 0;
  std::error_code ec;
  for (std::filesystem::directory_iterator it{folder_, ec}, end; !ec && it != end;
       it.increment(ec)) {
    // A file may go between its listing and this call.
    std::error_code gone;
    auto size = it->file_size(gone);
    if (!gone) total_bytes += size;
  }
  return total_bytes;
}

}  // namespace et
