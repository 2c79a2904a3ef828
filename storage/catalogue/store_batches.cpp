#include <algorithm>

#include "storage/catalogue/alert_text.hpp"
#include "storage/catalogue/progress.hpp"
#include "storage/catalogue/store_impl.hpp"

namespace et {

using keys::family;

namespace {

std::string figures(const workspace_record& workspace, uint64_t asked_bytes) {
  return "quota " + std::to_string(workspace.quota_bytes) + " bytes, used " +
         std::to_string(workspace.used_bytes) + " bytes, asked " + std::to_string(asked_bytes) +
         " bytes";
}

void subtract(uint64_t& from, uint64_t amount) {
  from -= std::min(from, amount);
}

}  // namespace

caf::expected<batch_id> store::begin_batch(const batch_record& draft) {
  return writing([&]() -> caf::expected<batch_id> {
    auto workspace = now_.workspace(draft.workspace_name);
    if (!workspace) return workspace.error();
    if (!*workspace || (draft.workspace.value != 0 && draft.workspace != (*workspace)->id))
      return fail(errc::not_found, "there is no workspace " + draft.workspace_name);
    if (auto error = check_request(draft.requester, draft.request)) return error;
    auto t = begin();
    batch_record batch;
    batch.id = batch_id{t.next.next_batch++};
    batch.workspace = (*workspace)->id;
    batch.workspace_name = draft.workspace_name;
    batch.tag = draft.tag;
    batch.requester = draft.requester;
    batch.uid = draft.uid;
    batch.gid = draft.gid;
    put(t, batch);
    if (auto error = apply(t, false)) return error;
    hidden_[batch.id.value] = batch_phase::pending;
    if (!draft.request.empty()) requests_[batch.id.value] = draft.request;
    return batch.id;
  });
}

caf::expected<batch_record> store::commit_batch(batch_id id) {
  return writing([&]() -> caf::expected<batch_record> {
    auto pending = pending_batch(id);
    if (!pending) return pending.error();
    auto batch = std::move(*pending);
    if (batch.files == 0)
      return fail(errc::rejected, "batch " + std::to_string(id.value) + " has no files");
    auto found = workspace_of(batch);
    if (!found) return found.error();
    auto workspace = std::move(*found);
    if (workspace.used_bytes > workspace.quota_bytes ||
        batch.size_bytes > workspace.quota_bytes - workspace.used_bytes)
      return fail(errc::over_quota, "workspace " + workspace.name + " is over its quota: " +
                                        figures(workspace, batch.size_bytes));
    auto request = requests_.find(id.value);
    if (request != requests_.end()) {
      if (auto error = check_request(batch.requester, request->second)) return error;
    }
    auto percent = crossed_percent(workspace.quota_bytes, workspace.used_bytes,
                                   workspace.used_bytes + batch.size_bytes);
    workspace.used_bytes += batch.size_bytes;
    workspace.used_files += batch.files;
    ++workspace.batches;
    batch.phase = batch_phase::committed;
    batch.created_ns = now_ns();
    batch.state = derived_state(batch);

    auto t = begin();
    put(t, workspace);
    put(t, batch);
    t.changes.put(keys::workspace_batch(batch.workspace, batch.id), {});
    if (auto error = remember_request(t, batch)) return error;
    raise(t, batch, severity::info, alert_text::registered(batch));
    if (percent > 0)
      raise(t, batch,
            percent == 100  ? severity::error
            : percent == 95 ? severity::warning
                            : severity::info,
            alert_text::quota(workspace, percent));
    if (auto error = apply(t, true)) return error;
    hidden_.erase(id.value);
    requests_.erase(id.value);
    return batch;
  });
}

caf::expected<batch_record> store::remove_batch(batch_id id) {
  return writing([&]() -> caf::expected<batch_record> {
    auto found = committed_batch(id);
    if (!found) return found.error();
    auto workspace = workspace_of(*found);
    if (!workspace) return workspace.error();
    subtract(workspace->used_bytes, found->size_bytes - found->failed_bytes);
    subtract(workspace->used_files, found->files - found->failed_files);
    subtract(workspace->batches, 1);
    auto batch = *found;
    batch.phase = batch_phase::removing;

    auto t = begin();
    put(t, *workspace);
    put(t, batch);
    t.changes.erase(keys::workspace_batch(batch.workspace, batch.id));
    raise(t, batch, severity::info, alert_text::removed(batch.id));
    if (auto error = apply(t, true)) return error;
    hidden_[id.value] = batch_phase::removing;
    return std::move(*found);
  });
}

caf::expected<bool> store::purge_batch(batch_id id, size_t limit) {
  return writing([&]() -> caf::expected<bool> {
    auto found = now_.batch(id);
    if (!found) return found.error();
    if (!*found) return true;
    auto batch = std::move(**found);
    if (batch.phase == batch_phase::committed)
      return fail(errc::invalid_argument,
                  "batch " + std::to_string(id.value) + " is not removed: it cannot be purged");
    auto t = begin();
    auto budget = std::max<size_t>(limit, 1);
    auto reached = purged_to_[id.value];
    if (auto error = purge_files(t, batch, budget, reached)) return error;
    if (auto error = erase_all(t, keys::failures_of(id), budget)) return error;
    if (auto error = erase_all(t, keys::placements_of(id), budget)) return error;
    if (auto error = erase_all(t, keys::aggregations_of(id), budget)) return error;
    bool finished = budget > 0;
    if (finished) {
      t.changes.erase(keys::batch(id));
    } else if (batch.phase == batch_phase::pending) {
      // Half of it is gone: it must never be committed.
      batch.phase = batch_phase::removing;
      put(t, batch);
    }
    if (auto error = apply(t, false)) return error;
    if (finished) {
      hidden_.erase(id.value);
      purged_to_.erase(id.value);
      requests_.erase(id.value);
    } else {
      hidden_[id.value] = batch_phase::removing;
      purged_to_[id.value] = std::move(reached);
    }
    return finished;
  });
}

caf::error store::purge_files(transaction& t, const batch_record& batch, size_t& budget,
                              std::string& reached) const {
  // Not from the beginning: that is full of what has been deleted already.
  cursor<family::file> files{
      *db_,
      nullptr,
      {keys::file(batch.id, keys::path_behind(reached)), keys::files_of(batch.id).end},
      scan::listing};
  for (files.seek_first(); files.valid() && budget > 0; files.next(), --budget) {
    auto path = keys::path_of_file_key(files.key());
    if (!path) return fail(errc::corrupt, "the catalogue has a malformed key in file");
    t.changes.erase(keys::file(batch.id, *path));
    t.changes.erase(keys::path(batch.workspace, *path, batch.id));
    reached = *path;
  }
  return files.error();
}

}  // namespace et
