#include "storage/catalogue/row_walker.hpp"

#include "storage/catalogue/alert_text.hpp"

namespace et {

namespace {

constexpr const char* cancelled_reason = "cancelled before it was safe";

caf::error misplaced(aggregation_id id) {
  return fail(errc::corrupt, "the catalogue's placement of aggregation " + to_string(id) +
                                 " does not fit its files");
}

/// Whether the catalogue holds where the files of an aggregation lie.
bool has_placement(const aggregation_record& aggregation) {
  return aggregation.state == state::cached || aggregation.state == state::cached_synced ||
         aggregation.state == state::synced;
}

}  // namespace

row_walker::row_walker(const database& db, const rocksdb::Snapshot* snapshot,
                       const record_reader& records, const batch_record& batch, scan how)
    : batch_(batch),
      records_(records),
      files_(db, snapshot, keys::files_of(batch.id), how),
      aggregations_(db, snapshot, keys::aggregations_of(batch.id)),
      placements_(db, snapshot, keys::placements_of(batch.id)),
      failures_(db, snapshot, keys::failures_of(batch.id)) {}

caf::error row_walker::seek(const std::string& path) {
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

caf::error row_walker::take(file_row& row) {
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
    if (row.state == state::failed) row.reason = cancelled_reason;
    if (has_placement(aggregation_)) {
      if (auto error = enter_run(*path)) return error;
      const auto& placed = run_[in_run_++];
      row.has_checksum = !placed.failed;
      if (!placed.failed) {
        row.offset_bytes = placed.offset_bytes;
        row.checksum = placed.checksum;
      }
    }
  }
  if (auto error = join_failure(*path, row)) return error;
  files_.next();
  return {};
}

caf::error row_walker::skip() {
  auto path = keys::path_of_file_key(files_.key());
  if (!path) return fail(errc::corrupt, "the catalogue has a malformed key in file");
  if (auto error = enter_aggregation(*path)) return error;
  if (in_aggregation_ && covers(aggregation_, *path) && has_placement(aggregation_)) {
    if (auto error = enter_run(*path)) return error;
    ++in_run_;
  }
  files_.next();
  return {};
}

// The middle of an aggregation: finds the run that has `path`, counts the files before it, and
// leaves the file cursor on `path` again.
caf::error row_walker::seek_in_run(const std::string& path) {
  placements_.seek_back(keys::placement(aggregation_.id, path));
  if (auto error = load_run()) return error;
  files_.seek(keys::file(batch_.id, *keys::path_of_placement_key(placements_.key())));
  for (; files_.valid() && keys::path_of_file_key(files_.key()) < std::string_view{path};
       files_.next())
    ++in_run_;
  return files_.error();
}

// Decodes the run under the placement cursor, which must be one of the current aggregation.
caf::error row_walker::load_run() {
  if (auto error = placements_.error()) return error;
  if (!placements_.valid() || !keys::placements_of(aggregation_.id).begin.begins(placements_.key()))
    return misplaced(aggregation_.id);
  if (!values::decode(placements_.value(), run_))
    return values::undecodable(placements_.value(),
                               "a placement of aggregation " + to_string(aggregation_.id));
  in_run_ = 0;
  return {};
}

// Leaves aggregations that end before `path`.
caf::error row_walker::enter_aggregation(std::string_view path) {
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

// Makes `run_[in_run_]` the place of `path`, the file under the cursor.
caf::error row_walker::enter_run(std::string_view path) {
  if (in_run_ == run_.size()) {
    auto expected = keys::placement(aggregation_.id, path);
    placements_.seek(expected);
    if (placements_.valid() && placements_.key() != expected.bytes())
      return misplaced(aggregation_.id);
    if (auto error = load_run()) return error;
  }
  if (in_run_ >= run_.size()) return misplaced(aggregation_.id);
  return {};
}

caf::error row_walker::join_failure(std::string_view path, file_row& row) {
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

}  // namespace et
