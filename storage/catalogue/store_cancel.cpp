// Giving up what is not safe yet of a batch.
#include <algorithm>

#include "storage/catalogue/alert_text.hpp"
#include "storage/catalogue/progress.hpp"
#include "storage/catalogue/store_impl.hpp"

namespace et {

using keys::family;

caf::expected<store::amount> store::give_up(transaction& t, batch_record& batch,
                                            aggregation_record& aggregation) const {
  amount lost{aggregation.files, aggregation.content_bytes};
  // What failed when it was read has been given back then.
  cursor<family::failure> earlier{
      *db_,
      nullptr,
      {keys::failure(batch.id, aggregation.first_path),
       keys::failure(batch.id, keys::path_behind(aggregation.last_path))}};
  if (aggregation.failed_files > 0) {
    for (earlier.seek_first(); earlier.valid(); earlier.next()) {
      auto path = keys::path_of_failure_key(earlier.key());
      if (!path) return fail(errc::corrupt, "the catalogue has a malformed key in failure");
      auto entry = now_.file(batch.id, std::string{*path});
      if (!entry) return entry.error();
      --lost.files;
      if (*entry) lost.size_bytes -= std::min(lost.size_bytes, (*entry)->size_bytes);
    }
    if (auto error = earlier.error()) return error;
  }
  auto no_limit = SIZE_MAX;
  if (auto error = erase_all(t, keys::placements_of(aggregation.id), no_limit)) return error;
  aggregation.failed_files = aggregation.files;
  aggregation.size_bytes = 0;
  aggregation.checksum = {};
  aggregation.copies.clear();
  move_to(batch, aggregation, state::failed, now_ns());
  put(t, aggregation);
  return lost;
}

caf::expected<store::amount> store::give_up_unplanned(transaction& t, batch_record& batch) const {
  auto planned = planned_files(batch.id);
  if (!planned) return planned.error();
  amount lost{batch.files - planned->files, batch.size_bytes - planned->size_bytes};
  batch.planned = true;
  if (lost.files == 0) return lost;
  std::string behind;
  if (batch.aggregations > 0) {
    auto last = now_.aggregation({batch.id, batch.aggregations});
    if (!last) return last.error();
    if (*last) behind = (*last)->last_path;
  }
  aggregation_record rest;
  rest.id = {batch.id, ++batch.aggregations};
  cursor<family::file> files{*db_, nullptr, keys::files_of(batch.id)};
  files.seek(keys::file(batch.id, keys::path_behind(behind)));
  if (files.valid()) rest.first_path = keys::path_of_file_key(files.key()).value_or("");
  files.seek_back(keys::files_of(batch.id).end);
  if (files.valid()) rest.last_path = keys::path_of_file_key(files.key()).value_or("");
  if (auto error = files.error()) return error;
  if (rest.first_path.empty() || rest.last_path < rest.first_path)
    return fail(errc::corrupt,
                "the catalogue lacks files of batch " + std::to_string(batch.id.value));
  rest.files = rest.failed_files = lost.files;
  rest.content_bytes = lost.size_bytes;
  rest.history = {{state::registered, now_ns()}};
  ++batch.in_state[static_cast<size_t>(state::registered)];
  move_to(batch, rest, state::failed, now_ns());
  put(t, rest);
  return lost;
}

caf::expected<batch_record> store::cancel_batch(batch_id id, const std::string& by) {
  return writing([&]() -> caf::expected<batch_record> {
    auto found = committed_batch(id);
    if (!found) return found.error();
    auto batch = std::move(*found);
    if (batch.safe_ns != 0)
      return fail(errc::invalid_argument, "batch " + std::to_string(id.value) + " is " +
                                              to_string(batch.state) +
                                              ": nothing of it is in motion");
    auto workspace = workspace_of(batch);
    if (!workspace) return workspace.error();
    auto t = begin();
    amount lost;
    auto add = [&](const amount& more) {
      lost.files += more.files;
      lost.size_bytes += more.size_bytes;
    };
    if (!batch.planned) {
      auto rest = give_up_unplanned(t, batch);
      if (!rest) return rest.error();
      add(*rest);
    }
    cursor<family::aggregation> all{*db_, nullptr, keys::aggregations_of(id)};
    for (all.seek_first(); all.valid(); all.next()) {
      aggregation_record record;
      record.id = keys::aggregation_of_key(all.key()).value_or(aggregation_id{});
      if (!values::decode(all.value(), record))
        return values::undecodable(all.value(),
                                   "an aggregation of batch " + std::to_string(id.value));
      if (record.state != state::registered && record.state != state::cached) continue;
      auto given_up = give_up(t, batch, record);
      if (!given_up) return given_up.error();
      add(*given_up);
    }
    if (auto error = all.error()) return error;
    batch.failed_files += lost.files;
    batch.failed_bytes += lost.size_bytes;
    batch.state = derived_state(batch);
    workspace->used_bytes -= std::min(workspace->used_bytes, lost.size_bytes);
    workspace->used_files -= std::min(workspace->used_files, lost.files);
    // Nothing of it waits any more; the alert says more than the one of an ordinary end.
    finish(batch, now_ns());
    put(t, *workspace);
    put(t, batch);
    raise(t, batch, severity::warning, alert_text::cancelled(id, by, lost.files));
    if (auto error = apply(t, true)) return error;
    return batch;
  });
}

}  // namespace et
