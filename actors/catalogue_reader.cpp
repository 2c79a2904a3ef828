#include "actors/catalogue_reader.hpp"

#include "actors/actor_base.hpp"
#include "actors/defaults.hpp"

namespace et {

namespace {

/// Failed files shown with a status.
constexpr size_t shown_failures = 100;

template <class T>
caf::result<T> found(caf::expected<std::optional<T>> value, const std::string& what) {
  if (!value) return value.error();
  if (!*value) return fail(errc::not_found, what);
  return std::move(**value);
}

}  // namespace

caf::expected<packed_page> catalogue_reader_state::list_files(batch_id id,
                                                              const std::string& after) {
  ++pages;
  // Half of what a message may hold, since rows are more than their paths.
  auto rows = store->view()->rows(id, after, defaults::page_rows, max_packed_bytes / 2);
  if (!rows) return rows.error();
  return pack_rows(*rows);
}

caf::expected<packed_page> catalogue_reader_state::find_files(workspace_id workspace, batch_id only,
                                                              const packed_page& packed) {
  ++pages;
  auto paths = unpack_strings(packed);
  if (!paths) return paths.error();
  if (paths->size() > defaults::page_rows)
    return fail(errc::limit_reached,
                "more than " + std::to_string(defaults::page_rows) + " paths in one message");
  auto view = store->view();
  std::vector<file_row> rows;
  rows.reserve(paths->size());
  for (auto& path : *paths) {
    auto row = view->find_path(workspace, path, only);
    if (!row) return row.error();
    if (*row) {
      rows.push_back(std::move(**row));
    } else {
      rows.emplace_back();
      rows.back().entry.path = std::move(path);
    }
  }
  return pack_rows(rows);
}

caf::expected<found_page> catalogue_reader_state::find(workspace_id workspace,
                                                       const find_query& query) {
  ++pages;
  auto found = store->view()->find(workspace, query, defaults::page_rows, max_packed_bytes / 2);
  if (!found) return found.error();
  return found_page{pack_rows(found->rows), found->end, found->from, std::move(found->after)};
}

catalogue_reader_actor::behavior_type catalogue_reader(
    catalogue_reader_actor::stateful_pointer<catalogue_reader_state> self, catalogue_store* store,
    uint32_t number) {
  guard(self);
  self->state.store = store;
  return {
      [=](report_atom) -> caf::result<std::vector<report>> {
        return std::vector<report>{report_of(self, "catalogue_reader " + std::to_string(number),
                                             {{"pages", std::to_string(self->state.pages)}})};
      },
      [=](list_workspaces_atom,
          const std::string& workspace) -> caf::result<std::vector<workspace_record>> {
        auto view = store->view();
        if (workspace.empty()) return view->workspaces();
        auto one = view->workspace(workspace);
        if (!one) return one.error();
        if (!*one) return fail(errc::not_found, "there is no workspace " + workspace);
        return std::vector<workspace_record>{**one};
      },
      [=](batch_atom, batch_id id) -> caf::result<batch_record> {
        return found(store->view()->batch(id), "there is no batch " + std::to_string(id.value));
      },
      [=](list_batches_atom, workspace_id workspace,
          batch_id after) -> caf::result<std::vector<batch_record>> {
        return store->view()->batches(workspace, after, defaults::page_records);
      },
      [=](motion_atom) -> caf::result<std::vector<batch_id>> {
        return store->view()->batches_in_motion();
      },
      [=](list_files_atom, batch_id id, const std::string& after) -> caf::result<packed_page> {
        return self->state.list_files(id, after);
      },
      [=](find_files_atom, workspace_id workspace, batch_id only, const packed_page& paths)
          -> caf::result<packed_page> { return self->state.find_files(workspace, only, paths); },
      [=](find_atom, workspace_id workspace, const find_query& query) -> caf::result<found_page> {
        return self->state.find(workspace, query);
      },
      [=](aggregation_atom, aggregation_id id) -> caf::result<aggregation_record> {
        return found(store->view()->aggregation(id), "there is no aggregation " + to_string(id));
      },
      [=](aggregations_atom, batch_id id,
          uint32_t after) -> caf::result<std::vector<aggregation_record>> {
        return store->view()->aggregations(id, after, defaults::page_records);
      },
      [=](entries_atom, batch_id id,
          const std::string& after) -> caf::result<std::vector<file_entry>> {
        return store->view()->entries(id, after, defaults::page_rows);
      },
      [=](entries_atom, batch_id id, const std::string& first,
          const std::string& last) -> caf::result<std::vector<file_entry>> {
        return store->view()->entries_between(id, first, last, defaults::max_files_per_aggregation);
      },
      [=](lost_atom, batch_id id) -> caf::result<std::vector<file_failure>> {
        return store->view()->failures(id, {}, shown_failures);
      },
      [=](volumes_atom) -> caf::result<std::vector<volume_record>> {
        return store->view()->volumes();
      },
      [=](admin_alerts_atom, uint64_t after) -> caf::result<std::vector<alert_record>> {
        return store->view()->alerts(after, defaults::page_records);
      },
      [=](status_atom, retrieval_id id) -> caf::result<retrieval_record> {
        return found(store->view()->retrieval(id),
                     "there is no retrieval " + std::to_string(id.value));
      },
      [=](token_list_atom) -> caf::result<std::vector<token_record>> {
        return store->view()->tokens();
      },
      [=](token_atom, const std::string& hash) -> caf::result<token_record> {
        return found(store->view()->token(hash), "there is no such token");
      },
      [=](audit_atom, uint64_t after) -> caf::result<std::vector<audit_record>> {
        return store->view()->audits(after, defaults::page_records);
      },
      [=](request_atom, const std::string& user,
          const std::string& request) -> caf::result<batch_id> {
        auto batch = store->view()->batch_of_request(user, request);
        if (!batch) return batch.error();
        return batch->value_or(batch_id{});
      },
  };
}

}  // namespace et
