// The store over RocksDB. One writing thread: what is in memory changes only after the write that
// it mirrors has succeeded.
#pragma once

#include <unordered_map>

#include "storage/catalogue/catalogue_log.hpp"
#include "storage/catalogue/database.hpp"
#include "storage/catalogue/record_reader.hpp"
#include "storage/catalogue/store.hpp"

namespace et {

class store final : public catalogue_store {
 public:
  store(std::unique_ptr<database> db, const options& opts)
      : opts_(opts), db_(std::move(db)), now_(*db_), log_(*db_) {}

  /// Checks or writes the version, reads counters and the phases of batches nobody sees.
  caf::error start(const std::string& folder);

  std::unique_ptr<catalogue_view> view() override;

  caf::expected<workspace_record> add_workspace(const workspace_record& record) override;
  caf::expected<workspace_record> set_workspace(const workspace_record& record) override;
  caf::error remove_workspace(const std::string& name) override;

  caf::expected<batch_id> begin_batch(const batch_record& draft) override;
  caf::expected<std::vector<entry_error>> add_files(batch_id id,
                                                    const std::vector<file_entry>& entries,
                                                    held_rule rule) override;
  caf::expected<batch_record> commit_batch(batch_id id) override;
  caf::expected<batch_record> remove_batch(batch_id id) override;
  caf::expected<bool> purge_batch(batch_id id, size_t limit) override;
  caf::expected<batch_record> cancel_batch(batch_id id, const std::string& by) override;

  caf::error add_aggregations(batch_id id, const std::vector<aggregation_record>& planned,
                              bool last) override;
  caf::expected<aggregation_record> record_cached(const cached_aggregation& cached) override;
  caf::expected<std::vector<aggregation_record>> record_written(
      const std::vector<written_aggregation>& written, const volume_record& volume) override;
  caf::error record_cache_lost(aggregation_id id) override;
  caf::error record_evicted(const std::vector<aggregation_id>& ids,
                            const std::string& node) override;
  caf::error record_recalled(aggregation_id id, const std::string& node) override;
  caf::error put_volume(const volume_record& volume, const std::string& why) override;

  caf::expected<alert_record> add_alert(alert_record draft) override;
  caf::expected<uint64_t> begin_delivery(const std::string& target) override;
  caf::error record_delivered(const std::string& target, uint64_t number) override;
  void on_alert(std::function<void(uint64_t)> told) override { told_ = std::move(told); }
  caf::expected<retrieval_record> begin_retrieval(retrieval_record draft) override;
  caf::error end_retrieval(const retrieval_record& ended) override;
  caf::expected<size_t> end_lost_retrievals() override;

  caf::expected<token_record> add_token(token_record draft, size_t at_most) override;
  caf::expected<token_record> remove_token(uint64_t id) override;
  caf::expected<audit_record> add_audit(audit_record draft) override;
  caf::expected<size_t> forget_audits(int64_t time_ns, size_t limit) override;
  catalogue_log& log() override { return log_; }

  caf::error compact() override;
  uint64_t disk_bytes() override { return db_->disk_bytes(); }
  caf::error check_space() override { return db_->check_space(); }

 private:
  struct counters {
    uint64_t next_workspace = 1;
    uint64_t next_batch = 1;
    uint64_t next_alert = 1;
    uint64_t next_retrieval = 1;
    uint64_t next_token = 1;
    uint64_t next_audit = 1;
  };
  /// One call's changes, and the counters as they will be.
  struct transaction {
    change_set changes;
    counters next;
  };
  /// The records that one aggregation's change concerns.
  struct located {
    batch_record batch;
    aggregation_record aggregation;
  };
  /// already_exists when the put that the user's client calls `request` is a batch.
  caf::error check_request(const std::string& user, const std::string& request) const;
  /// Records what the client calls the put that becomes `batch`, and forgets some of what is too
  /// old or whose batch is gone: so many records are looked at, behind those of the time before.
  caf::error remember_request(transaction& t, const batch_record& batch);
  bool is_committed(batch_id id) const;
  caf::error put_version();
  /// Counters and phases as they are stored.
  caf::error load();
  /// The database can be written and what is in memory belongs to it.
  caf::error ready();
  /// What every writing call does first, and how it catches exceptions.
  template <class F>
  auto writing(F f) -> decltype(f()) {
    return guarded([&]() -> decltype(f()) {
      if (auto error = ready()) return error;
      return f();
    });
  }

  transaction begin(size_t expected_bytes = 0) const {
    return {change_set{*db_, expected_bytes}, counters_};
  }
  caf::error apply(transaction& t, bool durable);
  static void put(transaction& t, const workspace_record& record);
  static void put(transaction& t, const batch_record& record);
  static void put(transaction& t, const aggregation_record& record);
  /// With an alert when its status becomes one that an operator wants to know.
  caf::error put(transaction& t, const volume_record& record, const std::string& why) const;
  alert_record raise(transaction& t, alert_record draft) const;
  /// Stores a retrieval that has ended, with its alert.
  void put_ended(transaction& t, const retrieval_record& record) const;
  void raise(transaction& t, const batch_record& batch, severity level, std::string text) const;
  /// Raises the alert when all of `batch` is in the cache now.
  void finish_caching(transaction& t, batch_record& batch) const;
  /// Sets safe_ns and raises the alert when nothing of `batch` waits any more.
  void finish_batch(transaction& t, batch_record& batch) const;

  int64_t now_ns() const { return opts_.clock->now_ns(); }
  caf::expected<workspace_record> workspace_of(const batch_record& batch) const;
  caf::expected<batch_record> pending_batch(batch_id id) const;
  caf::expected<batch_record> committed_batch(batch_id id) const;
  caf::expected<located> locate(aggregation_id id) const;

  /// Files and bytes.
  struct amount {
    uint64_t files = 0;
    uint64_t size_bytes = 0;
  };
  /// What the aggregations of a batch cover.
  caf::expected<amount> planned_files(batch_id id) const;
  /// Moves an aggregation to FAILED; returns what it lost that had not failed before.
  caf::expected<amount> give_up(transaction& t, batch_record& batch,
                                aggregation_record& aggregation) const;
  /// Covers the files behind the last aggregation with one that has failed.
  caf::expected<amount> give_up_unplanned(transaction& t, batch_record& batch) const;
  caf::error purge_files(transaction& t, const batch_record& batch, size_t& budget,
                         std::string& reached) const;
  /// Deletes keys of `range`, at most `budget`, which shrinks by their number.
  template <keys::family F>
  caf::error erase_all(transaction& t, keys::range<F> range, size_t& budget) const {
    cursor<F> all{*db_, nullptr, std::move(range)};
    for (all.seek_first(); all.valid() && budget > 0; all.next(), --budget)
      t.changes.erase(keys::key<F>{std::string{all.key()}});
    return all.error();
  }

  options opts_;
  std::unique_ptr<database> db_;
  record_reader now_;
  counters counters_;
  /// Batches that are pending or being removed; all others are committed.
  std::unordered_map<uint64_t, batch_phase> hidden_;
  /// How far purge_batch() has come with each batch since the opening.
  std::unordered_map<uint64_t, std::string> purged_to_;
  /// What the clients of pending batches call their puts.
  std::unordered_map<uint64_t, std::string> requests_;
  std::string requests_seen_;  ///< key of the request that was looked at last; empty: begin anew
  catalogue_log log_;
  std::function<void(uint64_t)> told_;
  uint64_t openings_ = 0;  ///< of the database, when counters_ and hidden_ were read
};

}  // namespace et
