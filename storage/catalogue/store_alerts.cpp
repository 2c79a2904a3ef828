#include <algorithm>

#include "storage/catalogue/alert_text.hpp"
#include "storage/catalogue/store_impl.hpp"

namespace et {

caf::expected<alert_record> store::add_alert(alert_record draft) {
  return writing([&]() -> caf::expected<alert_record> {
    if (draft.time_ns == 0) draft.time_ns = now_ns();
    auto t = begin();
    auto added = raise(t, std::move(draft));
    if (auto error = apply(t, true)) return error;
    return added;
  });
}

caf::expected<uint64_t> store::begin_delivery(const std::string& target) {
  return writing([&]() -> caf::expected<uint64_t> {
    auto key = keys::next_delivery(target);
    rocksdb::PinnableSlice stored;
    auto known = db_->get(key, nullptr, stored);
    if (!known) return known.error();
    if (*known) {
      uint64_t next = 0;
      if (!values::decode_counter(stored.ToStringView(), next) || next == 0)
        return values::undecodable(stored.ToStringView(), "the delivery to " + target);
      return next - 1;
    }
    auto t = begin();
    t.changes.put(key, values::encode_counter(t.next.next_alert));
    if (auto error = apply(t, true)) return error;
    return t.next.next_alert - 1;
  });
}

caf::error store::record_delivered(const std::string& target, uint64_t number) {
  return writing([&]() -> caf::error {
    auto key = keys::next_delivery(target);
    auto before = now_.counter(key);
    if (!before) return before.error();
    auto next = std::min(number, counters_.next_alert - 1) + 1;
    if (next <= *before) return {};
    auto t = begin();
    t.changes.put(key, values::encode_counter(next));
    return apply(t, false);
  });
}

caf::expected<retrieval_record> store::begin_retrieval(retrieval_record draft) {
  return writing([&]() -> caf::expected<retrieval_record> {
    auto t = begin();
    draft.id = retrieval_id{t.next.next_retrieval++};
    draft.state = retrieval_state::running;
    draft.started_ns = now_ns();
    draft.ended_ns = 0;
    t.changes.put(keys::retrieval(draft.id), values::encode(draft));
    raise(t, alert_record{0, draft.started_ns, severity::info, draft.workspace_name, draft.batch,
                          alert_text::retrieval_begun(draft)});
    if (auto error = apply(t, true)) return error;
    return std::move(draft);
  });
}

caf::error store::end_retrieval(const retrieval_record& ended) {
  return writing([&]() -> caf::error {
    auto found = now_.retrieval(ended.id);
    if (!found) return found.error();
    if (!*found)
      return fail(errc::not_found, "there is no retrieval " + std::to_string(ended.id.value));
    if (ended.state == retrieval_state::running)
      return fail(errc::invalid_argument, "a retrieval cannot end in the state running");
    auto record = std::move(**found);
    // Its end may be told twice, by a client that asks again; it is announced once.
    if (record.state != retrieval_state::running) return {};
    record.state = ended.state;
    record.files = ended.files;
    record.size_bytes = ended.size_bytes;
    record.bad_files = ended.bad_files;
    record.ended_ns = now_ns();
    auto t = begin();
    put_ended(t, record);
    return apply(t, true);
  });
}

void store::put_ended(transaction& t, const retrieval_record& record) const {
  t.changes.put(keys::retrieval(record.id), values::encode(record));
  bool good = record.state == retrieval_state::completed && record.bad_files == 0;
  raise(t, alert_record{0, record.ended_ns, good ? severity::info : severity::warning,
                        record.workspace_name, record.batch, alert_text::retrieval_ended(record)});
}

caf::expected<size_t> store::end_lost_retrievals() {
  return writing([&]() -> caf::expected<size_t> {
    auto t = begin();
    size_t lost = 0;
    cursor<keys::family::retrieval> all{*db_, nullptr};
    for (all.seek_first(); all.valid(); all.next()) {
      retrieval_record record;
      auto id = keys::retrieval_of_key(all.key());
      if (!id || !values::decode(all.value(), record))
        return values::undecodable(all.value(), "a retrieval");
      if (record.state != retrieval_state::running) continue;
      record.id = *id;
      record.state = retrieval_state::failed;
      record.ended_ns = now_ns();
      put_ended(t, record);
      ++lost;
    }
    if (auto error = all.error()) return error;
    if (auto error = apply(t, true)) return error;
    return lost;
  });
}

}  // namespace et
