#include "storage/catalogue/store.hpp"

#include "storage/catalogue/alert_text.hpp"
#include "storage/catalogue/codec.hpp"
#include "storage/catalogue/progress.hpp"
#include "storage/catalogue/store_impl.hpp"
#include "storage/catalogue/view.hpp"

namespace et {

caf::expected<std::unique_ptr<catalogue_store>> catalogue_store::open(const std::string& folder,
                                                                      const options& opts) {
  return guarded([&]() -> caf::expected<std::unique_ptr<catalogue_store>> {
    auto db = database::open(folder, opts.memory_bytes, opts.log_bytes);
    if (!db) return db.error();
    auto result = std::make_unique<store>(std::move(*db), opts);
    if (auto error = result->start(folder)) return error;
    return std::unique_ptr<catalogue_store>{std::move(result)};
  });
}

caf::error store::start(const std::string& folder) {
  rocksdb::PinnableSlice stored;
  auto found = db_->get(keys::version(), nullptr, stored);
  if (!found) return found.error();
  if (*found) {
    if (stored.size() != 4) return values::undecodable(stored.ToStringView(), "version");
    auto version = read_big_endian(stored.data(), 4);
    if (version > catalogue_version)
      return fail(errc::newer_version,
                  "the catalogue in " + folder + " has version " + std::to_string(version) +
                      ", this service knows version " + std::to_string(catalogue_version));
    if (version == 0) return fail(errc::corrupt, "the catalogue in " + folder + " has version 0");
    if (auto error = log_.begin_run()) return error;
    // What it holds is valid in this version too; from now on an older program refuses it.
    if (version < catalogue_version)
      if (auto error = put_version()) return error;
  } else {
    if (auto error = log_.begin_run()) return error;
    if (auto error = put_version()) return error;
  }
  return load();
}

caf::error store::put_version() {
  auto t = begin();
  t.changes.put(keys::version(), encoder{}.big_endian(catalogue_version, 4).take());
  return apply(t, true);
}

caf::error store::load() {
  struct {
    keys::key<keys::family::meta> key;
    uint64_t& value;
  } const all[] = {{keys::next_workspace(), counters_.next_workspace},
                   {keys::next_batch(), counters_.next_batch},
                   {keys::next_alert(), counters_.next_alert},
                   {keys::next_retrieval(), counters_.next_retrieval},
                   {keys::next_token(), counters_.next_token},
                   {keys::next_audit(), counters_.next_audit}};
  for (const auto& counter : all) {
    auto value = now_.counter(counter.key);
    if (!value) return value.error();
    counter.value = *value;
  }

  auto unfinished = snapshot_view{*db_, nullptr}.unfinished_removals();
  if (!unfinished) return unfinished.error();
  hidden_.clear();
  purged_to_.clear();
  for (const auto& batch : *unfinished) hidden_[batch.id.value] = batch.phase;
  openings_ = db_->openings();
  return {};
}

caf::error store::ready() {
  if (auto error = db_->ready()) return error;
  // After a failed write: what was in doubt is known now.
  if (db_->openings() == openings_) return {};
  if (auto error = log_.begin_run()) return error;
  return load();
}

std::unique_ptr<catalogue_view> store::view() {
  return std::make_unique<snapshot_view>(*db_, &log_);
}

caf::error store::compact() {
  return writing([&]() -> caf::error { return db_->compact(); });
}

caf::error store::apply(transaction& t, bool durable) {
  auto put_counter = [&t](const keys::key<keys::family::meta>& key, uint64_t before,
                          uint64_t after) {
    if (before != after) t.changes.put(key, values::encode_counter(after));
  };
  put_counter(keys::next_workspace(), counters_.next_workspace, t.next.next_workspace);
  put_counter(keys::next_batch(), counters_.next_batch, t.next.next_batch);
  put_counter(keys::next_alert(), counters_.next_alert, t.next.next_alert);
  put_counter(keys::next_retrieval(), counters_.next_retrieval, t.next.next_retrieval);
  put_counter(keys::next_token(), counters_.next_token, t.next.next_token);
  put_counter(keys::next_audit(), counters_.next_audit, t.next.next_audit);
  if (t.changes.empty()) return {};
  if (auto error = db_->write(t.changes, durable)) return error;
  bool raised = counters_.next_alert != t.next.next_alert;
  counters_ = t.next;
  log_.wrote();
  if (raised && told_) told_(counters_.next_alert - 1);
  return {};
}

void store::put(transaction& t, const workspace_record& record) {
  t.changes.put(keys::workspace(record.name), values::encode(record));
}

void store::put(transaction& t, const batch_record& record) {
  t.changes.put(keys::batch(record.id), values::encode(record));
}

void store::put(transaction& t, const aggregation_record& record) {
  t.changes.put(keys::aggregation(record.id), values::encode(record));
}

caf::error store::put(transaction& t, const volume_record& record, const std::string& why) const {
  auto before = now_.volume(record.id);
  if (!before) return before.error();
  t.changes.put(keys::volume(record.id), values::encode(record));
  using status = volume_status;
  auto was = *before ? (*before)->status : status::blank;
  if (record.status == was) return {};
  bool bad = record.status == status::suspect || record.status == status::quarantined;
  bool again = was == status::suspect || was == status::quarantined;
  if (!bad && !again && record.status != status::full) return {};
  raise(t, alert_record{0,
                        now_ns(),
                        bad ? severity::error : severity::info,
                        {},
                        {},
                        alert_text::volume(record, why)});
  return {};
}

alert_record store::raise(transaction& t, alert_record draft) const {
  draft.number = t.next.next_alert++;
  t.changes.put(keys::alert(draft.number), values::encode(draft));
  return draft;
}

void store::raise(transaction& t, const batch_record& batch, severity level,
                  std::string text) const {
  raise(t, alert_record{0, now_ns(), level, batch.workspace_name, batch.id, std::move(text)});
}

void store::finish_caching(transaction& t, batch_record& batch) const {
  if (et::finish_caching(batch)) raise(t, batch, severity::info, alert_text::cached(batch));
}

void store::finish_batch(transaction& t, batch_record& batch) const {
  if (!finish(batch, now_ns())) return;
  raise(t, batch, batch.failed_files > 0 ? severity::warning : severity::info,
        alert_text::finished(batch));
}

caf::expected<workspace_record> store::workspace_of(const batch_record& batch) const {
  auto found = now_.workspace(batch.workspace_name);
  if (!found) return found.error();
  if (!*found || (*found)->id != batch.workspace)
    return fail(errc::not_found, "there is no workspace " + batch.workspace_name);
  return std::move(**found);
}

caf::expected<batch_record> store::pending_batch(batch_id id) const {
  auto found = now_.batch(id);
  if (!found) return found.error();
  if (!*found || (*found)->phase != batch_phase::pending)
    return fail(errc::not_found, "batch " + std::to_string(id.value) + " is not being registered");
  return std::move(**found);
}

caf::expected<batch_record> store::committed_batch(batch_id id) const {
  auto found = now_.committed_batch(id);
  if (!found) return found.error();
  if (!*found) return fail(errc::not_found, "there is no batch " + std::to_string(id.value));
  return std::move(**found);
}

caf::expected<store::located> store::locate(aggregation_id id) const {
  auto batch = committed_batch(id.batch);
  if (!batch) return batch.error();
  auto aggregation = now_.aggregation(id);
  if (!aggregation) return aggregation.error();
  if (!*aggregation) return fail(errc::not_found, "there is no aggregation " + to_string(id));
  return located{std::move(*batch), std::move(**aggregation)};
}

}  // namespace et
