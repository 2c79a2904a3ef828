// Single records by key, decoded, as of a snapshot or of now.
#pragma once

#include <optional>
#include <string>

#include "storage/catalogue/database.hpp"
#include "storage/catalogue/records.hpp"
#include "storage/catalogue/values.hpp"

namespace et {

class record_reader {
 public:
  /// `snapshot` null: every call reads what is there then.
  explicit record_reader(const database& db, const rocksdb::Snapshot* snapshot = nullptr)
      : db_(&db), snapshot_(snapshot) {}

  caf::expected<std::optional<workspace_record>> workspace(const std::string& name) const;
  /// In any phase.
  caf::expected<std::optional<batch_record>> batch(batch_id id) const;
  /// In phase committed.
  caf::expected<std::optional<batch_record>> committed_batch(batch_id id) const;
  caf::expected<std::optional<aggregation_record>> aggregation(aggregation_id id) const;
  /// The last aggregation of `batch` that begins at or before `path`; it covers `path` if any does.
  caf::expected<std::optional<aggregation_record>> aggregation_at(const batch_record& batch,
                                                                  std::string_view path) const;
  caf::expected<std::optional<file_entry>> file(batch_id batch, const std::string& path) const;
  caf::expected<std::optional<file_failure>> failure(batch_id batch, const std::string& path) const;
  caf::expected<std::optional<retrieval_record>> retrieval(retrieval_id id) const;
  caf::expected<std::optional<volume_record>> volume(const barcode& id) const;
  caf::expected<std::optional<token_record>> token(const std::string& hash) const;
  /// A counter of the family meta; 1 when it was never written.
  caf::expected<uint64_t> counter(const keys::key<keys::family::meta>& key) const;

 private:
  template <class Record, keys::family F>
  caf::expected<std::optional<Record>> load(const keys::key<F>& key, Record draft, const char* kind,
                                            const std::string& name) const;

  const database* db_;
  const rocksdb::Snapshot* snapshot_;
};

/// Whether an aggregation covers a path.
inline bool covers(const aggregation_record& aggregation, std::string_view path) {
  return path >= aggregation.first_path && path <= aggregation.last_path;
}

}  // namespace et
