// Rows: files joined with their aggregations, placements and failures, by walking all four in step.
#include <algorithm>

#include "storage/catalogue/alert_text.hpp"
#include "storage/catalogue/view.hpp"

namespace et {

using keys::family;

namespace {

caf::error misplaced(aggregation_id id) {
  return fail(errc::corrupt, "the catalogue's placement of aggregation " + to_string(id) +
                                 " does not fit its files");
}

/// Whether the catalogue holds where the files of an aggregation lie.
bool has_placement(const aggregation_record& aggregation) {
  return aggregation.state == state::cached || aggregation.state == state::cached_synced ||
         aggregation.state == state::synced;
}

/// Goes through the files of one batch in path order and joins each.
class row_walker {
 public:
  row_walker(const database& db, const rocksdb::Snapshot* snapshot, const record_reader& records,
             const batch_record& batch, scan how)
      : batch_(batch),
        records_(records),
        files_(db, snapshot, keys::files_of(batch.id), how),
        aggregations_(db, snapshot, keys::aggregations_of(batch.id)),
        placements_(db, snapshot, keys::placements_of(batch.id)),
        failures_(db, snapshot, keys::failures_of(batch.id)) {}

  /// To the first file at or behind `path`.
  caf::error seek(const std::string& path) {
    files_.seek(keys::file(batch_.id, path));
    if (!files_.valid()) return files_.error();
    auto found = keys::path_of_file_key(files_.key());
    if (!found) return fail(errc::corrupt, "the catalogue has a malformed key in file");
    std::string first{*found};
    if (batch_.failed_files > 0) failures_.seek(keys::failure(batch_.id, first));
    if (batch_.aggregations == 0) return {};
    auto aggregation = records_.aggregation_at(batch_, first);
    if (!aggregation) return aggregation.error();
    if (!*aggregation) return {};
    aggregation_ = std::move(**aggregation);
    in_aggregation_ = true;
    aggregations_.seek(keys::aggregation(aggregation_.id));
    if (covers(aggregation_, first) && has_placement(aggregation_)) return seek_in_run(first);
    return {};
  }

  bool valid() const { return files_.valid(); }
  caf::error error() const { return files_.error(); }
  /// Empty for a malformed key. Precondition: valid().
  std::string_view path() const {
    return keys::path_of_file_key(files_.key()).value_or(std::string_view{});
  }

  /// Fills `row` with the current file and goes to the next.
  caf::error take(file_row& row) {
    auto path = keys::path_of_file_key(files_.key());
    if (!path) return fail(errc::corrupt, "the catalogue has a malformed key in file");
    row.batch = batch_.id;
    row.entry.path = *path;
    if (!values::decode(files_.value(), row.entry))
      return values::undecodable(files_.value(), "file " + printable(*path));
    if (auto error = enter_aggregation(*path)) return error;
    if (in_aggregation_ && covers(aggregation_, *path)) {
      row.aggregation = aggregation_.id.number;
      row.state = aggregation_.state;
      if (has_placement(aggregation_))
        if (auto error = take_placed(*path, row)) return error;
    }
    if (auto error = join_failure(*path, row)) return error;
    files_.next();
    return {};
  }

 private:
  /// The middle of an aggregation: finds the run that has `path`, counts the files before it, and
  /// leaves the file cursor on `path` again.
  caf::error seek_in_run(const std::string& path) {
    placements_.seek_back(keys::placement(aggregation_.id, path));
    if (auto error = load_run()) return error;
    files_.seek(keys::file(batch_.id, *keys::path_of_placement_key(placements_.key())));
    for (; files_.valid() && keys::path_of_file_key(files_.key()) < std::string_view{path};
         files_.next())
      ++in_run_;
    return files_.error();
  }

  /// Decodes the run under the placement cursor, which must be one of the current aggregation.
  caf::error load_run() {
    if (auto error = placements_.error()) return error;
    if (!placements_.valid() ||
        !keys::placements_of(aggregation_.id).begin.begins(placements_.key()))
      return misplaced(aggregation_.id);
    if (!values::decode(placements_.value(), run_))
      return values::undecodable(placements_.value(),
                                 "a placement of aggregation " + to_string(aggregation_.id));
    in_run_ = 0;
    return {};
  }

  /// Leaves aggregations that end before `path`.
  caf::error enter_aggregation(std::string_view path) {
    while (in_aggregation_ && path > aggregation_.last_path) {
      run_.clear();
      in_run_ = 0;
      aggregations_.next();
      if (!aggregations_.valid()) {
        in_aggregation_ = false;
        return aggregations_.error();
      }
      auto id = keys::aggregation_of_key(aggregations_.key());
      if (!id) return fail(errc::corrupt, "the catalogue has a malformed key in aggregation");
      aggregation_.id = *id;
      if (!values::decode(aggregations_.value(), aggregation_))
        return values::undecodable(aggregations_.value(), "aggregation " + to_string(*id));
    }
    return {};
  }

  caf::error take_placed(std::string_view path, file_row& row) {
    if (in_run_ == run_.size()) {
      auto expected = keys::placement(aggregation_.id, path);
      placements_.seek(expected);
      if (placements_.valid() && placements_.key() != expected.bytes())
        return misplaced(aggregation_.id);
      if (auto error = load_run()) return error;
    }
    if (in_run_ >= run_.size()) return misplaced(aggregation_.id);
    const auto& placed = run_[in_run_++];
    if (placed.failed) return {};
    row.has_checksum = true;
    row.offset_bytes = placed.offset_bytes;
    row.checksum = placed.checksum;
    return {};
  }

  caf::error join_failure(std::string_view path, file_row& row) {
    if (batch_.failed_files == 0) return {};
    while (failures_.valid() && keys::path_of_failure_key(failures_.key()) < path) failures_.next();
    if (!failures_.valid()) return failures_.error();
    if (keys::path_of_failure_key(failures_.key()) != path) return {};
    file_failure failure;
    if (!values::decode(failures_.value(), failure))
      return values::undecodable(failures_.value(), "the failure of " + printable(path));
    row.state = state::failed;
    row.reason = failure.reason.empty() ? to_string(failure.code) : std::move(failure.reason);
    return {};
  }

  const batch_record& batch_;
  const record_reader& records_;
  cursor<family::file> files_;
  cursor<family::aggregation> aggregations_;
  cursor<family::placement> placements_;
  cursor<family::failure> failures_;
  aggregation_record aggregation_;
  bool in_aggregation_ = false;
  std::vector<placed_file> run_;
  size_t in_run_ = 0;
};

}  // namespace

caf::expected<std::vector<file_row>> snapshot_view::rows(batch_id batch, const std::string& after,
                                                         size_t limit, size_t limit_bytes) {
  return reading([&]() -> caf::expected<std::vector<file_row>> {
    constexpr size_t usual_page_rows = 4096;
    std::vector<file_row> result;
    auto owner = records_.committed_batch(batch);
    if (!owner) return owner.error();
    if (!*owner || limit == 0) return result;
    row_walker walker{db_, snapshot_, records_, **owner, scan::listing};
    if (auto error = walker.seek(keys::path_behind(after))) return error;
    result.reserve(std::min(limit, usual_page_rows));
    size_t taken_bytes = 0;
    while (walker.valid() && result.size() < limit &&
           (result.empty() || taken_bytes < limit_bytes)) {
      auto& row = result.emplace_back();
      if (auto error = walker.take(row)) return error;
      taken_bytes += row.entry.path.size() + row.reason.size();
    }
    if (auto error = walker.error()) return error;
    return result;
  });
}

caf::expected<std::optional<file_row>> snapshot_view::row_of(const batch_record& batch,
                                                             const std::string& path) {
  row_walker walker{db_, snapshot_, records_, batch, scan::point};
  if (auto error = walker.seek(path)) return error;
  if (!walker.valid() || walker.path() != path) {
    if (auto error = walker.error()) return error;
    return std::optional<file_row>{};
  }
  std::optional<file_row> result{std::in_place};
  if (auto error = walker.take(*result)) return error;
  return result;
}

caf::expected<std::optional<file_row>> snapshot_view::find_path(workspace_id workspace,
                                                                const std::string& path,
                                                                batch_id only) {
  return reading([&]() -> caf::expected<std::optional<file_row>> {
    auto row_in = [&](batch_id id) -> caf::expected<std::optional<file_row>> {
      auto batch = records_.committed_batch(id);
      if (!batch) return batch.error();
      if (!*batch || (*batch)->workspace != workspace) return std::optional<file_row>{};
      return row_of(**batch, path);
    };
    if (path.empty() || path.find('\0') != std::string::npos) return std::optional<file_row>{};
    if (only.value != 0) return row_in(only);
    auto prefix = keys::path_prefix(workspace, path);
    cursor<family::path> holders{db_, snapshot_, keys::paths_of(workspace)};
    holders.seek_back(keys::path(workspace, path, batch_id{UINT64_MAX}));
    for (; holders.valid() && prefix.begins(holders.key()); holders.previous()) {
      auto id = keys::batch_of_path_key(holders.key());
      if (!id) return fail(errc::corrupt, "the catalogue has a malformed key in path");
      auto row = row_in(*id);
      if (!row || *row) return row;
    }
    if (auto error = holders.error()) return error;
    return std::optional<file_row>{};
  });
}

}  // namespace et
