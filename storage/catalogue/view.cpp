#include "storage/catalogue/view.hpp"

#include <algorithm>

namespace et {

using keys::family;

namespace {

caf::error malformed_key(family f) {
  return fail(errc::corrupt,
              std::string{"the catalogue has a malformed key in "} + keys::name_of(f));
}

/// A page's vector grows to its size in one step when it is of the usual kind.
size_t reserved(size_t limit) {
  return std::min<size_t>(limit, 4096);
}

caf::error take_alert(const cursor<family::alert>& at, std::vector<alert_record>& result) {
  auto number = keys::number_of_alert_key(at.key());
  if (!number) return malformed_key(family::alert);
  auto& record = result.emplace_back();
  record.number = *number;
  if (!values::decode(at.value(), record))
    return values::undecodable(at.value(), "alert " + std::to_string(*number));
  return {};
}

}  // namespace

caf::expected<std::optional<workspace_record>> snapshot_view::workspace(const std::string& name) {
  return reading([&] { return records_.workspace(name); });
}

caf::expected<std::vector<workspace_record>> snapshot_view::workspaces() {
  return reading([&]() -> caf::expected<std::vector<workspace_record>> {
    std::vector<workspace_record> result;
    cursor<family::workspace> all{db_, snapshot_};
    for (all.seek_first(); all.valid(); all.next()) {
      auto& record = result.emplace_back();
      record.name = all.key();
      if (!values::decode(all.value(), record))
        return values::undecodable(all.value(), "workspace " + record.name);
    }
    if (auto error = all.error()) return error;
    return result;
  });
}

caf::expected<std::optional<batch_record>> snapshot_view::batch(batch_id id) {
  return reading([&] { return records_.committed_batch(id); });
}

caf::expected<std::vector<batch_record>> snapshot_view::batches(workspace_id workspace,
                                                                batch_id after, size_t limit) {
  return reading([&]() -> caf::expected<std::vector<batch_record>> {
    std::vector<batch_record> result;
    if (after.value == UINT64_MAX) return result;
    cursor<family::workspace_batch> index{db_, snapshot_, keys::batches_of(workspace)};
    index.seek(keys::workspace_batch(workspace, batch_id{after.value + 1}));
    for (; index.valid() && result.size() < limit; index.next()) {
      auto id = keys::batch_of_workspace_batch_key(index.key());
      if (!id) return malformed_key(family::workspace_batch);
      auto record = records_.committed_batch(*id);
      if (!record) return record.error();
      if (!*record)
        return fail(errc::corrupt,
                    "the catalogue lists batch " + std::to_string(id->value) + " but has none");
      result.push_back(std::move(**record));
    }
    if (auto error = index.error()) return error;
    return result;
  });
}

caf::error snapshot_view::each_batch(const std::function<bool(batch_record&&)>& visit) {
  cursor<family::batch> all{db_, snapshot_};
  for (all.seek_first(); all.valid(); all.next()) {
    auto id = keys::batch_of_batch_key(all.key());
    if (!id) return malformed_key(family::batch);
    batch_record record;
    record.id = *id;
    if (!values::decode(all.value(), record))
      return values::undecodable(all.value(), "batch " + std::to_string(id->value));
    if (!visit(std::move(record))) return {};
  }
  return all.error();
}

caf::expected<std::vector<batch_id>> snapshot_view::batches_in_motion() {
  return reading([&]() -> caf::expected<std::vector<batch_id>> {
    std::vector<batch_id> result;
    auto error = each_batch([&](batch_record&& batch) {
      if (batch.phase == batch_phase::committed && batch.safe_ns == 0) result.push_back(batch.id);
      return true;
    });
    if (error) return error;
    return result;
  });
}

caf::expected<std::vector<batch_record>> snapshot_view::unfinished_removals() {
  return reading([&]() -> caf::expected<std::vector<batch_record>> {
    std::vector<batch_record> result;
    auto error = each_batch([&](batch_record&& batch) {
      if (batch.phase != batch_phase::committed) result.push_back(std::move(batch));
      return true;
    });
    if (error) return error;
    return result;
  });
}

caf::expected<std::optional<aggregation_record>> snapshot_view::aggregation(aggregation_id id) {
  return reading([&]() -> caf::expected<std::optional<aggregation_record>> {
    auto batch = records_.committed_batch(id.batch);
    if (!batch) return batch.error();
    if (!*batch) return std::optional<aggregation_record>{};
    return records_.aggregation(id);
  });
}

caf::error snapshot_view::each_aggregation(batch_id batch, uint32_t after,
                                           const std::function<bool(aggregation_record&&)>& visit) {
  if (after == UINT32_MAX) return {};
  cursor<family::aggregation> all{db_, snapshot_, keys::aggregations_of(batch)};
  for (all.seek(keys::aggregation({batch, after + 1})); all.valid(); all.next()) {
    auto id = keys::aggregation_of_key(all.key());
    if (!id) return malformed_key(family::aggregation);
    aggregation_record record;
    record.id = *id;
    if (!values::decode(all.value(), record))
      return values::undecodable(all.value(), "aggregation " + to_string(*id));
    if (!visit(std::move(record))) return {};
  }
  return all.error();
}

caf::expected<std::vector<aggregation_record>> snapshot_view::aggregations(batch_id batch,
                                                                           uint32_t after,
                                                                           size_t limit) {
  return reading([&]() -> caf::expected<std::vector<aggregation_record>> {
    std::vector<aggregation_record> result;
    auto owner = records_.committed_batch(batch);
    if (!owner) return owner.error();
    if (!*owner || limit == 0) return result;
    auto error = each_aggregation(batch, after, [&](aggregation_record&& record) {
      result.push_back(std::move(record));
      return result.size() < limit;
    });
    if (error) return error;
    return result;
  });
}

caf::expected<std::vector<file_entry>> snapshot_view::files_in(keys::range<family::file> range,
                                                               size_t limit) {
  std::vector<file_entry> result;
  // RocksDB takes a range that ends before it begins for a programming error.
  if (range.end <= range.begin) return result;
  result.reserve(reserved(limit));
  cursor<family::file> files{db_, snapshot_, std::move(range), scan::listing};
  for (files.seek_first(); files.valid() && result.size() < limit; files.next()) {
    auto path = keys::path_of_file_key(files.key());
    if (!path) return malformed_key(family::file);
    auto& entry = result.emplace_back();
    entry.path = *path;
    if (!values::decode(files.value(), entry))
      return values::undecodable(files.value(), "a file of a batch");
  }
  if (auto error = files.error()) return error;
  return result;
}

caf::expected<std::vector<file_entry>> snapshot_view::entries(batch_id batch,
                                                              const std::string& after,
                                                              size_t limit) {
  return reading([&]() -> caf::expected<std::vector<file_entry>> {
    auto owner = records_.committed_batch(batch);
    if (!owner) return owner.error();
    if (!*owner) return std::vector<file_entry>{};
    return files_in({keys::file(batch, keys::path_behind(after)), keys::files_of(batch).end},
                    limit);
  });
}

caf::expected<std::vector<file_entry>> snapshot_view::entries_between(batch_id batch,
                                                                      const std::string& first,
                                                                      const std::string& last,
                                                                      size_t limit) {
  return reading([&]() -> caf::expected<std::vector<file_entry>> {
    auto owner = records_.committed_batch(batch);
    if (!owner) return owner.error();
    if (!*owner) return std::vector<file_entry>{};
    return files_in({keys::file(batch, first), keys::file(batch, keys::path_behind(last))}, limit);
  });
}

caf::expected<std::vector<file_failure>> snapshot_view::failures(batch_id batch,
                                                                 const std::string& after,
                                                                 size_t limit) {
  return reading([&]() -> caf::expected<std::vector<file_failure>> {
    std::vector<file_failure> result;
    auto owner = records_.committed_batch(batch);
    if (!owner) return owner.error();
    if (!*owner) return result;
    cursor<family::failure> all{
        db_,
        snapshot_,
        {keys::failure(batch, keys::path_behind(after)), keys::failures_of(batch).end}};
    for (all.seek_first(); all.valid() && result.size() < limit; all.next()) {
      auto path = keys::path_of_failure_key(all.key());
      if (!path) return malformed_key(family::failure);
      auto& failure = result.emplace_back();
      failure.path = *path;
      if (!values::decode(all.value(), failure))
        return values::undecodable(all.value(),
                                   "a failure of batch " + std::to_string(batch.value));
    }
    if (auto error = all.error()) return error;
    return result;
  });
}

caf::expected<std::vector<volume_record>> snapshot_view::volumes() {
  return reading([&]() -> caf::expected<std::vector<volume_record>> {
    std::vector<volume_record> result;
    cursor<family::volume> all{db_, snapshot_};
    for (all.seek_first(); all.valid(); all.next()) {
      auto& record = result.emplace_back();
      record.id = barcode{std::string{all.key()}};
      if (!values::decode(all.value(), record))
        return values::undecodable(all.value(), "volume " + record.id.value);
    }
    if (auto error = all.error()) return error;
    return result;
  });
}

caf::expected<std::vector<alert_record>> snapshot_view::alerts(uint64_t after, size_t limit) {
  return reading([&]() -> caf::expected<std::vector<alert_record>> {
    std::vector<alert_record> result;
    if (after == UINT64_MAX) return result;
    cursor<family::alert> all{db_, snapshot_};
    for (all.seek(keys::alert(after + 1)); all.valid() && result.size() < limit; all.next()) {
      if (auto error = take_alert(all, result)) return error;
    }
    if (auto error = all.error()) return error;
    return result;
  });
}

caf::expected<std::vector<alert_record>> snapshot_view::alerts_before(uint64_t number,
                                                                      size_t limit) {
  return reading([&]() -> caf::expected<std::vector<alert_record>> {
    std::vector<alert_record> result;
    if (number == 0) return result;
    cursor<family::alert> all{db_, snapshot_};
    for (all.seek_back(keys::alert(number - 1)); all.valid() && result.size() < limit;
         all.previous()) {
      if (auto error = take_alert(all, result)) return error;
    }
    if (auto error = all.error()) return error;
    return result;
  });
}

caf::expected<std::optional<retrieval_record>> snapshot_view::retrieval(retrieval_id id) {
  return reading([&] { return records_.retrieval(id); });
}

caf::expected<std::optional<token_record>> snapshot_view::token(const std::string& hash) {
  return reading([&] { return records_.token(hash); });
}

caf::expected<std::vector<token_record>> snapshot_view::tokens() {
  return reading([&]() -> caf::expected<std::vector<token_record>> {
    std::vector<token_record> result;
    cursor<family::token> all{db_, snapshot_};
    for (all.seek_first(); all.valid(); all.next()) {
      auto& record = result.emplace_back();
      record.hash = all.key();
      if (!values::decode(all.value(), record))
        return values::undecodable(all.value(), "a token of the monitor");
    }
    if (auto error = all.error()) return error;
    return result;
  });
}

caf::expected<std::vector<audit_record>> snapshot_view::audits(uint64_t after, size_t limit) {
  return reading([&]() -> caf::expected<std::vector<audit_record>> {
    std::vector<audit_record> result;
    if (after == UINT64_MAX) return result;
    cursor<family::audit> all{db_, snapshot_};
    for (all.seek(keys::audit(after + 1)); all.valid() && result.size() < limit; all.next()) {
      auto& record = result.emplace_back();
      auto number = keys::number_of_alert_key(all.key());
      if (!number || !values::decode(all.value(), record))
        return values::undecodable(all.value(), "an audit record");
      record.number = *number;
    }
    if (auto error = all.error()) return error;
    return result;
  });
}

caf::expected<std::optional<batch_id>> snapshot_view::batch_of_request(const std::string& user,
                                                                       const std::string& request) {
  return reading([&]() -> caf::expected<std::optional<batch_id>> {
    rocksdb::PinnableSlice stored;
    auto known = db_.get(keys::request(user, request), snapshot_, stored);
    if (!known) return known.error();
    if (!*known) return std::optional<batch_id>{};
    request_record record;
    if (!values::decode(stored.ToStringView(), record))
      return values::undecodable(stored.ToStringView(), "a request");
    auto found = batch(record.batch);
    if (!found) return found.error();
    if (!*found || (*found)->phase != batch_phase::committed) return std::optional<batch_id>{};
    return std::optional{record.batch};
  });
}

caf::error snapshot_view::each_cached(const std::function<bool(const aggregation_record&)>& visit) {
  return reading([&]() -> caf::error {
    bool going_on = true;
    caf::error failed;
    auto error = each_batch([&](batch_record&& batch) {
      auto cached = batch.in_state[static_cast<size_t>(state::cached)] +
                    batch.in_state[static_cast<size_t>(state::cached_synced)];
      if (batch.phase != batch_phase::committed || cached == 0) return true;
      failed = each_aggregation(batch.id, 0, [&](aggregation_record&& record) {
        if (record.state == state::cached || record.state == state::cached_synced)
          going_on = visit(record);
        return going_on;
      });
      return going_on && !failed;
    });
    return failed ? failed : error;
  });
}

}  // namespace et
