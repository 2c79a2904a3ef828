// Which puts became which batches, for clients that ask again.
#include "storage/catalogue/store_impl.hpp"

namespace et {

using keys::family;

namespace {

/// A client may ask for so long what became of its put: seven days.
constexpr int64_t request_age_ns = int64_t{7} * 24 * 3600 * 1'000'000'000;
/// Looked at with every commit, which adds one: all of them are seen again and again.
constexpr size_t step_requests = 8;

}  // namespace

// By what is written, not by what views show: a batch that the standby does not have yet counts.
caf::error store::check_request(const std::string& user, const std::string& request) const {
  if (request.empty()) return caf::none;
  rocksdb::PinnableSlice stored;
  auto known = db_->get(keys::request(user, request), nullptr, stored);
  if (!known) return known.error();
  if (!*known) return caf::none;
  request_record record;
  if (!values::decode(stored.ToStringView(), record))
    return values::undecodable(stored.ToStringView(), "a request");
  if (!is_committed(record.batch)) return caf::none;
  return fail(errc::already_exists,
              "this put is batch " + std::to_string(record.batch.value) + " already");
}

caf::error store::remember_request(transaction& t, const batch_record& batch) {
  cursor<family::request> all{*db_, nullptr};
  auto from = keys::request_of_key(requests_seen_);
  if (from) {
    all.seek(*from);
    if (all.valid() && all.key() == requests_seen_) all.next();
  } else {
    all.seek_first();
  }
  auto oldest_ns = now_ns() - request_age_ns;
  std::string seen;
  for (size_t count = 0; all.valid() && count < step_requests; all.next(), ++count) {
    auto key = keys::request_of_key(all.key());
    request_record record;
    if (!key || !values::decode(all.value(), record))
      return values::undecodable(all.value(), "a request");
    seen = all.key();
    if (record.time_ns < oldest_ns || !is_committed(record.batch)) t.changes.erase(*key);
  }
  if (auto error = all.error()) return error;
  requests_seen_ = all.valid() ? std::move(seen) : std::string{};
  auto request = requests_.find(batch.id.value);
  if (request != requests_.end())
    t.changes.put(keys::request(batch.requester, request->second),
                  values::encode(request_record{batch.id, batch.created_ns}));
  return caf::none;
}

bool store::is_committed(batch_id id) const {
  auto batch = now_.batch(id);
  // What cannot be read is not forgotten.
  if (!batch) return true;
  return *batch && (*batch)->phase == batch_phase::committed;
}

}  // namespace et
