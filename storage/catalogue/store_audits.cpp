#include "storage/catalogue/store_impl.hpp"

namespace et {

caf::expected<audit_record> store::add_audit(audit_record draft) {
  return writing([&]() -> caf::expected<audit_record> {
    auto t = begin();
    draft.number = t.next.next_audit++;
    if (draft.time_ns == 0) draft.time_ns = now_ns();
    t.changes.put(keys::audit(draft.number), values::encode(draft));
    if (auto error = apply(t, false)) return error;
    return std::move(draft);
  });
}

caf::expected<size_t> store::forget_audits(int64_t time_ns, size_t limit) {
  return writing([&]() -> caf::expected<size_t> {
    auto t = begin();
    size_t count = 0;
    cursor<keys::family::audit> all{*db_, nullptr};
    for (all.seek_first(); all.valid() && count < limit; all.next(), ++count) {
      audit_record record;
      auto number = keys::number_of_alert_key(all.key());
      if (!number || !values::decode(all.value(), record))
        return values::undecodable(all.value(), "an audit record");
      if (record.time_ns >= time_ns) break;
      t.changes.erase(keys::audit(*number));
    }
    if (auto error = all.error()) return error;
    if (auto error = apply(t, false)) return error;
    return count;
  });
}

}  // namespace et
