// The catalogue as of one RocksDB snapshot.
#pragma once

#include "storage/catalogue/catalogue_log.hpp"
#include "storage/catalogue/database.hpp"
#include "storage/catalogue/record_reader.hpp"
#include "storage/catalogue/store.hpp"

namespace et {

class snapshot_view final : public catalogue_view {
 public:
  /// What `log` shows; without one, what is there now.
  snapshot_view(database& db, const catalogue_log* log)
      : db_(db),
        lease_(db),
        owned_(picture(log)),
        snapshot_(owned_.get()),
        records_(db, snapshot_) {}
  snapshot_view(const snapshot_view&) = delete;
  snapshot_view& operator=(const snapshot_view&) = delete;

  caf::expected<std::optional<workspace_record>> workspace(const std::string& name) override;
  caf::expected<std::vector<workspace_record>> workspaces() override;
  caf::expected<std::optional<batch_record>> batch(batch_id id) override;
  caf::expected<std::vector<batch_record>> batches(workspace_id workspace, batch_id after,
                                                   size_t limit) override;
  caf::expected<std::vector<batch_id>> batches_in_motion() override;
  caf::expected<std::vector<batch_record>> unfinished_removals() override;
  caf::expected<std::optional<aggregation_record>> aggregation(aggregation_id id) override;
  caf::expected<std::vector<aggregation_record>> aggregations(batch_id batch, uint32_t after,
                                                              size_t limit) override;
  caf::expected<std::vector<file_entry>> entries(batch_id batch, const std::string& after,
                                                 size_t limit) override;
  caf::expected<std::vector<file_entry>> entries_between(batch_id batch, const std::string& first,
                                                         const std::string& last,
                                                         size_t limit) override;
  caf::expected<std::vector<file_row>> rows(batch_id batch, const std::string& after, size_t limit,
                                            size_t limit_bytes) override;
  caf::expected<std::optional<file_row>> find_path(workspace_id workspace, const std::string& path,
                                                   batch_id only) override;
  caf::expected<found_rows> find(workspace_id workspace, const find_query& query, size_t limit,
                                 size_t limit_bytes) override;
  caf::expected<std::vector<file_failure>> failures(batch_id batch, const std::string& after,
                                                    size_t limit) override;
  caf::expected<std::vector<volume_record>> volumes() override;
  caf::expected<std::vector<alert_record>> alerts(uint64_t after, size_t limit) override;
  caf::expected<std::vector<alert_record>> alerts_before(uint64_t number, size_t limit) override;
  caf::expected<std::optional<retrieval_record>> retrieval(retrieval_id id) override;
  caf::expected<std::optional<token_record>> token(const std::string& hash) override;
  caf::expected<std::vector<token_record>> tokens() override;
  caf::expected<std::vector<audit_record>> audits(uint64_t after, size_t limit) override;
  caf::expected<std::optional<batch_id>> batch_of_request(const std::string& user,
                                                          const std::string& request) override;
  caf::error each_cached(const std::function<bool(const aggregation_record&)>& visit) override;

 private:
  /// Calls `visit` for every batch in any phase until it returns false.
  caf::error each_batch(const std::function<bool(batch_record&&)>& visit);
  caf::error each_aggregation(batch_id batch, uint32_t after,
                              const std::function<bool(aggregation_record&&)>& visit);
  caf::expected<std::vector<file_entry>> files_in(keys::range<keys::family::file> range,
                                                  size_t limit);
  /// The row of one file of a committed batch; nullopt: it does not hold `path`.
  caf::expected<std::optional<file_row>> row_of(const batch_record& batch, const std::string& path);

  /// What every call does first, and how it catches exceptions.
  template <class F>
  auto reading(F f) -> decltype(f()) {
    if (lease_.error()) return lease_.error();
    if (!snapshot_)
      return fail(errc::unavailable,
                  "the catalogue waits until its standby has what was written; try again");
    return guarded(f);
  }
  database::shared_snapshot picture(const catalogue_log* log) const {
    if (lease_.error()) return nullptr;
    return log ? log->shown_snapshot() : db_.snapshot();
  }

  database& db_;
  database::lease lease_;
  database::shared_snapshot owned_;  ///< goes before the lease
  const rocksdb::Snapshot* snapshot_;
  record_reader records_;
};

}  // namespace et
