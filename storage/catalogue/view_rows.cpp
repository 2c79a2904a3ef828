// Pages of rows, and single ones.
#include <algorithm>

#include "storage/catalogue/row_walker.hpp"
#include "storage/catalogue/view.hpp"

namespace et {

using keys::family;

caf::expected<std::vector<file_row>> snapshot_view::rows(batch_id batch, const std::string& after,
                                                         size_t limit, size_t limit_bytes) {
  return reading([&]() -> caf::expected<std::vector<file_row>> {
    constexpr size_t usual_page_rows = 4096;
    std::vector<file_row> result;
    auto owner = records_.committed_batch(batch);
    if (!owner) return owner.error();
    if (!*owner || limit == 0) return result;
    row_walker walker{db_, snapshot_, records_, **owner, scan::listing};
    if (auto error = walker.seek(keys::path_behind(after))) return error;
    result.reserve(std::min(limit, usual_page_rows));
    size_t taken_bytes = 0;
    while (walker.valid() && result.size() < limit &&
           (result.empty() || taken_bytes < limit_bytes)) {
      auto& row = result.emplace_back();
      if (auto error = walker.take(row)) return error;
      taken_bytes += row.entry.path.size() + row.reason.size();
    }
    if (auto error = walker.error()) return error;
    return result;
  });
}

caf::expected<std::optional<file_row>> snapshot_view::row_of(const batch_record& batch,
                                                             const std::string& path) {
  row_walker walker{db_, snapshot_, records_, batch, scan::point};
  if (auto error = walker.seek(path)) return error;
  if (!walker.valid() || walker.path() != path) {
    if (auto error = walker.error()) return error;
    return std::optional<file_row>{};
  }
  std::optional<file_row> result{std::in_place};
  if (auto error = walker.take(*result)) return error;
  return result;
}

caf::expected<std::optional<file_row>> snapshot_view::find_path(workspace_id workspace,
                                                                const std::string& path,
                                                                batch_id only) {
  return reading([&]() -> caf::expected<std::optional<file_row>> {
    auto row_in = [&](batch_id id) -> caf::expected<std::optional<file_row>> {
      auto batch = records_.committed_batch(id);
      if (!batch) return batch.error();
      if (!*batch || (*batch)->workspace != workspace) return std::optional<file_row>{};
      return row_of(**batch, path);
    };
    if (path.empty() || path.find('\0') != std::string::npos) return std::optional<file_row>{};
    if (only.value != 0) return row_in(only);
    auto prefix = keys::path_prefix(workspace, path);
    cursor<family::path> holders{db_, snapshot_, keys::paths_of(workspace)};
    holders.seek_back(keys::path(workspace, path, batch_id{UINT64_MAX}));
    // A batch in which it failed does not hold it, but can say why.
    std::optional<file_row> failed;
    for (; holders.valid() && prefix.begins(holders.key()); holders.previous()) {
      auto id = keys::batch_of_path_key(holders.key());
      if (!id) return fail(errc::corrupt, "the catalogue has a malformed key in path");
      auto row = row_in(*id);
      if (!row) return row;
      if (*row && (*row)->state != state::failed) return row;
      if (*row && !failed) failed = std::move(*row);
    }
    if (auto error = holders.error()) return error;
    return failed;
  });
}

}  // namespace et
