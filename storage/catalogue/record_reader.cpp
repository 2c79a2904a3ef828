#include "storage/catalogue/record_reader.hpp"

#include "storage/catalogue/alert_text.hpp"

namespace et {

template <class Record, keys::family F>
caf::expected<std::optional<Record>> record_reader::load(const keys::key<F>& key, Record draft,
                                                         const char* kind,
                                                         const std::string& name) const {
  rocksdb::PinnableSlice value;
  auto found = db_->get(key, snapshot_, value);
  if (!found) return found.error();
  if (!*found) return std::optional<Record>{};
  if (!values::decode(value.ToStringView(), draft))
    return values::undecodable(value.ToStringView(), kind + (" " + printable(name)));
  return std::optional<Record>{std::move(draft)};
}

caf::expected<std::optional<workspace_record>> record_reader::workspace(
    const std::string& name) const {
  workspace_record draft;
  draft.name = name;
  return load(keys::workspace(name), std::move(draft), "workspace", name);
}

caf::expected<std::optional<batch_record>> record_reader::batch(batch_id id) const {
  batch_record draft;
  draft.id = id;
  return load(keys::batch(id), std::move(draft), "batch", std::to_string(id.value));
}

caf::expected<std::optional<batch_record>> record_reader::committed_batch(batch_id id) const {
  auto found = batch(id);
  if (found && *found && (*found)->phase != batch_phase::committed)
    return std::optional<batch_record>{};
  return found;
}

caf::expected<std::optional<aggregation_record>> record_reader::aggregation(
    aggregation_id id) const {
  aggregation_record draft;
  draft.id = id;
  return load(keys::aggregation(id), std::move(draft), "aggregation", to_string(id));
}

caf::expected<std::optional<aggregation_record>> record_reader::aggregation_at(
    const batch_record& batch, std::string_view path) const {
  // Numbers run without gaps in path order: bisect them.
  uint32_t below = 0;
  uint32_t above = batch.aggregations + 1;
  std::optional<aggregation_record> result;
  while (above - below > 1) {
    auto middle = below + (above - below) / 2;
    auto found = aggregation({batch.id, middle});
    if (!found) return found.error();
    if (!*found)
      return fail(errc::corrupt, "the catalogue has no aggregation " +
                                     to_string(aggregation_id{batch.id, middle}) +
                                     " though batch " + std::to_string(batch.id.value) + " has " +
                                     std::to_string(batch.aggregations));
    if (path < (*found)->first_path) {
      above = middle;
    } else {
      below = middle;
      result = std::move(*found);
    }
  }
  return result;
}

caf::expected<std::optional<file_entry>> record_reader::file(batch_id batch,
                                                             const std::string& path) const {
  file_entry draft;
  draft.path = path;
  return load(keys::file(batch, path), std::move(draft), "file", path);
}

caf::expected<std::optional<file_failure>> record_reader::failure(batch_id batch,
                                                                  const std::string& path) const {
  file_failure draft;
  draft.path = path;
  return load(keys::failure(batch, path), std::move(draft), "failure of", path);
}

caf::expected<std::optional<retrieval_record>> record_reader::retrieval(retrieval_id id) const {
  retrieval_record draft;
  draft.id = id;
  return load(keys::retrieval(id), std::move(draft), "retrieval", std::to_string(id.value));
}

caf::expected<std::optional<volume_record>> record_reader::volume(const barcode& id) const {
  volume_record draft;
  draft.id = id;
  return load(keys::volume(id), std::move(draft), "volume", id.value);
}

caf::expected<std::optional<token_record>> record_reader::token(const std::string& hash) const {
  token_record draft;
  draft.hash = hash;
  return load(keys::token(hash), std::move(draft), "token", "of the monitor");
}

caf::expected<uint64_t> record_reader::counter(const keys::key<keys::family::meta>& key) const {
  rocksdb::PinnableSlice value;
  auto found = db_->get(key, snapshot_, value);
  if (!found) return found.error();
  uint64_t number = 1;
  if (*found && !values::decode_counter(value.ToStringView(), number))
    return values::undecodable(value.ToStringView(), key.bytes());
  return number;
}

}  // namespace et
