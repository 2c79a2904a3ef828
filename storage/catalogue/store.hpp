// The catalogue: workspaces, batches, files, aggregations, volumes, alerts, retrievals and quota,
// in RocksDB. Key bytes: keys.hpp. Value bytes: records.cpp.
//
// One thread at a time writes (the registrar); any number of threads read through views. Each
// writing call is one atomic write batch, alerts that it causes included. "Durable" means that the
// write-ahead log is fsynced before the call returns. After a failed call nothing has changed.
// Errors of every call besides those named: io_error and no_space (disk), corrupt (a value that
// does not decode).
//
// Writing calls answer no_space while the disk has less than memory_bytes left, and work again when
// it has more. After a failed write the next writing call opens the files anew: it waits up to two
// seconds for views to go, and answers io_error if they stay. Do not hold views for long.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "storage/catalogue/records.hpp"
#include "storage/os/clock.hpp"

namespace et {

/// The version of keys and values that this code writes; stores with a higher one are refused,
/// those with a lower one raised when they are opened. Version 2 added logins (the family token)
/// and the value `quarantined` of a volume's status; version 3 the families audit and request, the
/// node of an aggregation, the workspace of a token.
constexpr uint32_t catalogue_version = 3;

/// What is wrong with one entry of a chunk.
struct entry_error {
  uint32_t index = 0;  ///< in the chunk
  errc code = errc::none;
  std::string reason;

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, entry_error& x) {
    return f(caf::meta::type_name("entry_error"), x.index, x.code, x.reason);
  }
};

/// What happens with entries whose path a committed batch of the workspace holds.
enum class held_rule : uint8_t {
  refuse,   ///< they are errors that name the batch
  changed,  ///< they are taken when size or mtime differ from those in the newest such batch
};

/// What the cache writer found when it wrote an aggregation.
struct cached_aggregation {
  aggregation_id id;
  uint64_t size_bytes = 0;
  aggregation_checksum checksum;
  std::vector<placed_file> placed;     ///< one for each registered file of it, in path order
  std::vector<file_failure> failures;  ///< one for each placed file with `failed`
  std::string node;                    ///< whose cache has it

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, cached_aggregation& x) {
    return f(caf::meta::type_name("cached_aggregation"), x.id, x.size_bytes, x.checksum, x.placed,
             x.failures, x.node);
  }
};

/// One aggregation of a flushed write session.
struct written_aggregation {
  aggregation_id id;
  copy_record copy;
  aggregation_checksum checksum;  ///< of what was written; of another layout it does not count

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, written_aggregation& x) {
    return f(caf::meta::type_name("written_aggregation"), x.id, x.copy, x.checksum);
  }
};

/// Which files of a workspace a find gives, and from where on.
struct find_query {
  std::string pattern;       ///< a glob on the path (glob.hpp); empty: every path
  batch_id batch;            ///< only this one; 0: all of the workspace
  bool failed_only = false;  ///< only files that failed
  batch_id from;             ///< go on in this batch ...
  std::string after;         ///< ... behind this path

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, find_query& x) {
    return f(caf::meta::type_name("find_query"), x.pattern, x.batch, x.failed_only, x.from,
             x.after);
  }
};

/// A page of a find, by batch and path. It may be empty before the end: a page also ends when
/// enough has been looked at.
struct found_rows {
  std::vector<file_row> rows;
  bool end = false;  ///< there is nothing more
  batch_id from;     ///< where the next page begins
  std::string after;
};

/// A consistent picture of the catalogue. Cheap; short-lived; must not outlive its store.
class catalogue_view {
 public:
  virtual ~catalogue_view() = default;

  virtual caf::expected<std::optional<workspace_record>> workspace(const std::string& name) = 0;
  virtual caf::expected<std::vector<workspace_record>> workspaces() = 0;

  /// The committed batch, or nullopt; pending and removed batches do not exist here.
  virtual caf::expected<std::optional<batch_record>> batch(batch_id id) = 0;
  /// Committed batches of a workspace with an id above `after`, ascending, at most `limit`.
  virtual caf::expected<std::vector<batch_record>> batches(workspace_id workspace, batch_id after,
                                                           size_t limit) = 0;
  /// Committed batches of all workspaces that are not finished: not planned, or with an aggregation
  /// REGISTERED or CACHED. For the restart.
  virtual caf::expected<std::vector<batch_id>> batches_in_motion() = 0;
  /// Batches in phase removing, and pending ones. For the restart.
  virtual caf::expected<std::vector<batch_record>> unfinished_removals() = 0;

  virtual caf::expected<std::optional<aggregation_record>> aggregation(aggregation_id id) = 0;
  /// Aggregations of a batch with a number above `after`, ascending, at most `limit`.
  virtual caf::expected<std::vector<aggregation_record>> aggregations(batch_id batch,
                                                                      uint32_t after,
                                                                      size_t limit) = 0;

  /// Registered files of a batch behind `after` (empty: from the first), in path order, at most
  /// `limit`; nothing joined. For planning.
  virtual caf::expected<std::vector<file_entry>> entries(batch_id batch, const std::string& after,
                                                         size_t limit) = 0;
  /// The same from `first` to `last`, both included. For the cache writer.
  virtual caf::expected<std::vector<file_entry>> entries_between(batch_id batch,
                                                                 const std::string& first,
                                                                 const std::string& last,
                                                                 size_t limit) = 0;
  /// Listing rows of a batch behind `after`, joined; stops at `limit` rows or about `limit_bytes`
  /// of paths.
  virtual caf::expected<std::vector<file_row>> rows(batch_id batch, const std::string& after,
                                                    size_t limit, size_t limit_bytes) = 0;
  /// The row of `path` in the newest committed batch that holds it, or else in the newest in which
  /// it failed; with `only` not 0, in that batch. nullopt: in none.
  virtual caf::expected<std::optional<file_row>> find_path(workspace_id workspace,
                                                           const std::string& path,
                                                           batch_id only) = 0;
  /// Files that match, joined, of the committed batches of a workspace; at most `limit` rows and
  /// about `limit_bytes` of paths. Error: invalid_argument for a malformed pattern.
  virtual caf::expected<found_rows> find(workspace_id workspace, const find_query& query,
                                         size_t limit, size_t limit_bytes) = 0;
  /// Failed files of a batch behind `after`, at most `limit`. Those of a cancelled batch that were
  /// never read are not among them.
  virtual caf::expected<std::vector<file_failure>> failures(batch_id batch,
                                                            const std::string& after,
                                                            size_t limit) = 0;

  virtual caf::expected<std::vector<volume_record>> volumes() = 0;
  /// Alerts with a number above `after`, ascending, at most `limit`.
  virtual caf::expected<std::vector<alert_record>> alerts(uint64_t after, size_t limit) = 0;
  /// Alerts with a number below `number`, descending, at most `limit`; UINT64_MAX: the newest.
  virtual caf::expected<std::vector<alert_record>> alerts_before(uint64_t number, size_t limit) = 0;
  virtual caf::expected<std::optional<retrieval_record>> retrieval(retrieval_id id) = 0;
  /// The login with this hash, expired or not.
  virtual caf::expected<std::optional<token_record>> token(const std::string& hash) = 0;
  virtual caf::expected<std::vector<token_record>> tokens() = 0;
  /// Audit records with a number above `after`, ascending, at most `limit`.
  virtual caf::expected<std::vector<audit_record>> audits(uint64_t after, size_t limit) = 0;
  /// The batch that a user's put became that the user's client called `request`; nullopt: none.
  virtual caf::expected<std::optional<batch_id>> batch_of_request(const std::string& user,
                                                                  const std::string& request) = 0;
  /// Every aggregation that has a cache copy by the catalogue: CACHED and CACHED_SYNCED. `visit`
  /// returns false to stop.
  virtual caf::error each_cached(const std::function<bool(const aggregation_record&)>& visit) = 0;
};

/// What is written, for a copy of the catalogue elsewhere: catalogue_log.hpp.
class catalogue_log;

class catalogue_store {
 public:
  struct options {
    const wall_clock* clock = &system_clock();
    uint32_t copies = 1;                       ///< copies on tape that make an aggregation safe
    uint64_t memory_bytes = 64 * 1024 * 1024;  ///< bound for memtables and block cache together
    uint64_t log_bytes = 0;  ///< of the log that is kept for a copy elsewhere; 0: no copy
  };

  /// Opens or creates the catalogue in `folder`. Errors: locked (another process has it),
  /// newer_version (names both versions).
  static caf::expected<std::unique_ptr<catalogue_store>> open(const std::string& folder,
                                                              const options& opts);
  virtual ~catalogue_store() = default;

  /// A picture of now; while log().holding() of what the copy elsewhere has too, whose calls answer
  /// unavailable as long as that is not known.
  virtual std::unique_ptr<catalogue_view> view() = 0;

  /// Adds (record.id 0: a number is given) or replaces roots, managers and quota of a workspace;
  /// durable. Errors: already_exists, not_found, invalid_argument (name not 1..64 of
  /// [A-Za-z0-9_.-], no root, a root that is not absolute or has an empty, `.` or `..` part).
  virtual caf::expected<workspace_record> add_workspace(const workspace_record& record) = 0;
  virtual caf::expected<workspace_record> set_workspace(const workspace_record& record) = 0;
  /// Errors: not_found; already_exists while it holds batches (their number is in the text).
  virtual caf::error remove_workspace(const std::string& name) = 0;

  /// Begins a pending batch. workspace, tag, requester, uid, gid are taken from `draft`. Not
  /// durable.
  virtual caf::expected<batch_id> begin_batch(const batch_record& draft) = 0;
  /// Adds a chunk to a pending batch, not durable. Entries that are a duplicate within the batch,
  /// already held by a committed batch of the workspace (the reason names the newest) or in another
  /// pending batch are not added and returned. With held_rule::changed, what is held with the same
  /// size and mtime is returned with errc::unchanged. `entries` may come in any order; path order
  /// is fastest.
  virtual caf::expected<std::vector<entry_error>> add_files(batch_id id,
                                                            const std::vector<file_entry>& entries,
                                                            held_rule rule = held_rule::refuse) = 0;
  /// Charges quota and makes the batch visible; durable. Raises an alert, and one more when 80, 95
  /// or 100 % of the quota are crossed. An empty batch is rejected. Error: over_quota (the text has
  /// quota, used, asked in bytes), not_found when it is not pending.
  virtual caf::expected<batch_record> commit_batch(batch_id id) = 0;

  /// Adds planned aggregations (numbers continue the existing ones); `last` marks the batch
  /// planned. Durable not needed: planning again gives the same.
  virtual caf::error add_aggregations(batch_id id, const std::vector<aggregation_record>& planned,
                                      bool last) = 0;
  /// REGISTERED → CACHED; durable. With all files failed: → FAILED, nothing to write. Raises an
  /// alert when there are failures, and one when nothing of the batch is REGISTERED any more for
  /// the first time. Error: not_found when the batch is removed meanwhile.
  virtual caf::expected<aggregation_record> record_cached(const cached_aggregation& cached) = 0;
  /// Adds copies and moves aggregations with enough of them to CACHED_SYNCED, updates the volume;
  /// durable; raises the alert when a batch becomes safe. Aggregations of removed batches are
  /// skipped (the volume update counts). Raises an alert when the volume becomes full or suspect.
  /// Returns the records as they are now.
  virtual caf::expected<std::vector<aggregation_record>> record_written(
      const std::vector<written_aggregation>& written, const volume_record& volume) = 0;
  /// CACHED → REGISTERED: the cache copy is lost; durable. Copies on tape and places of files are
  /// forgotten with it, files that failed stay failed.
  virtual caf::error record_cache_lost(aggregation_id id) = 0;
  /// CACHED_SYNCED in the cache of `node` → SYNCED, before the cache copies are deleted; durable.
  /// Others are left alone.
  virtual caf::error record_evicted(const std::vector<aggregation_id>& ids,
                                    const std::string& node) = 0;
  /// SYNCED → CACHED_SYNCED: a whole recall is in the cache of `node`; durable. Error:
  /// already_exists when another node's cache has it.
  virtual caf::error record_recalled(aggregation_id id, const std::string& node) = 0;
  /// Writes a volume record; durable. When it becomes full, suspect or quarantined, or ceases to be
  /// one of the last two, raises an alert with `why`.
  virtual caf::error put_volume(const volume_record& volume, const std::string& why = {}) = 0;

  /// Removes a committed batch from every listing and gives its quota back; durable. Returns the
  /// record as it was. Its keys go with purge_batch().
  virtual caf::expected<batch_record> remove_batch(batch_id id) = 0;
  /// Deletes up to `limit` files of a removed or pending batch; true when nothing is left.
  virtual caf::expected<bool> purge_batch(batch_id id, size_t limit) = 0;

  /// Gives up what is not safe yet of a committed batch: those aggregations, and one more for the
  /// files that are not planned, become FAILED, their files are not charged or held any more, and
  /// an alert names `by`; durable. What is safe stays. Errors: not_found; invalid_argument when
  /// nothing of it is in motion.
  virtual caf::expected<batch_record> cancel_batch(batch_id id, const std::string& by) = 0;

  /// Numbers and stores an alert; durable.
  virtual caf::expected<alert_record> add_alert(alert_record draft) = 0;
  /// The number of the last alert that has been delivered to `target` (any name). For a target that
  /// is not known, that of the last alert there is: what was before it is not for it; durable.
  virtual caf::expected<uint64_t> begin_delivery(const std::string& target) = 0;
  /// Everything up to alert `number` has been delivered to `target`. Never goes back. Not durable:
  /// after a crash of the machine, some may be delivered again.
  virtual caf::error record_delivered(const std::string& target, uint64_t number) = 0;
  /// `told` is called with the number of the last alert after each write that raised one, by the
  /// writing thread. It must not call the store.
  virtual void on_alert(std::function<void(uint64_t)> told) = 0;

  /// Begins a retrieval (the record's id is given); raises its alert; durable.
  virtual caf::expected<retrieval_record> begin_retrieval(retrieval_record draft) = 0;
  /// Ends it with its state, counts and alert; durable.
  virtual caf::error end_retrieval(const retrieval_record& ended) = 0;
  /// Ends the retrievals that a former run left running, as failed, each with its alert; durable.
  /// For the start. Returns how many there were.
  virtual caf::expected<size_t> end_lost_retrievals() = 0;

  /// Adds a login; id and created_ns are given here. Expired ones of the same user are removed with
  /// it. Durable. Errors: already_exists (hash), limit_reached when the user has `at_most`.
  virtual caf::expected<token_record> add_token(token_record draft, size_t at_most) = 0;
  /// Removes a login and returns what it was; durable. Error: not_found.
  virtual caf::expected<token_record> remove_token(uint64_t id) = 0;

  /// Numbers and stores who did what. Not durable by itself: the next durable call makes it so.
  virtual caf::expected<audit_record> add_audit(audit_record draft) = 0;
  /// Deletes up to `limit` of the oldest audit records from before `time_ns`; how many.
  virtual caf::expected<size_t> forget_audits(int64_t time_ns, size_t limit) = 0;

  /// Moves everything from the log to compacted files; takes seconds for millions of files. For
  /// after big removals, and benchmarks.
  virtual caf::error compact() = 0;
  /// Bytes on disk of the files of the catalogue. For the inspector and benchmarks.
  virtual uint64_t disk_bytes() = 0;
  /// What has been written, for a copy elsewhere. Lives as long as the store.
  virtual catalogue_log& log() = 0;
  /// no_space when the disk is too full for writing calls; any thread.
  virtual caf::error check_space() = 0;
};

}  // namespace et
