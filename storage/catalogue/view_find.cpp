// Finding files by pattern over the batches of a workspace.
#include <algorithm>

#include "storage/catalogue/glob.hpp"
#include "storage/catalogue/row_walker.hpp"
#include "storage/catalogue/view.hpp"

namespace et {

namespace {

// A page ends after so much looking, so that one question does not keep a reader to itself: some
// tens of milliseconds.
constexpr uint64_t max_looked_at = 65'536;
constexpr uint64_t max_match_steps = 10'000'000;
/// Beginning with another batch costs as much as looking at so many files.
constexpr uint64_t batch_cost = 64;
constexpr size_t batches_at_once = 64;

/// One page in the making.
class finder {
 public:
  finder(const database& db, const rocksdb::Snapshot* snapshot, const record_reader& records,
         const find_query& query, glob pattern, size_t limit, size_t limit_bytes)
      : db_(db),
        snapshot_(snapshot),
        records_(records),
        query_(query),
        pattern_(std::move(pattern)),
        limit_(limit),
        limit_bytes_(limit_bytes) {}

  bool full() const {
    return page_.rows.size() >= limit_ || bytes_ >= limit_bytes_ || looked_at_ >= max_looked_at ||
           steps_ >= max_match_steps;
  }

  /// Looks through `batch`, from behind `after` on.
  caf::error look(const batch_record& batch, const std::string& after) {
    page_.from = batch.id;
    page_.after = after;
    looked_at_ += batch_cost;
    if (query_.failed_only && batch.failed_files == 0) return {};
    row_walker walker{db_, snapshot_, records_, batch, scan::listing};
    if (auto error = walker.seek(std::max(keys::path_behind(after), pattern_.prefix())))
      return error;
    for (; walker.valid() && !full(); ++looked_at_) {
      auto path = walker.path();
      if (!path.starts_with(pattern_.prefix())) return {};
      page_.after = path;
      if (auto error = take_or_skip(walker, path)) return error;
    }
    return walker.error();
  }

  found_rows take_page() { return std::move(page_); }

 private:
  caf::error take_or_skip(row_walker& walker, std::string_view path) {
    if (!pattern_.matches(path, steps_)) return walker.skip();
    auto& row = page_.rows.emplace_back();
    if (auto error = walker.take(row)) return error;
    if (query_.failed_only && row.state != state::failed)
      page_.rows.pop_back();
    else
      bytes_ += row.entry.path.size() + row.reason.size();
    return {};
  }

  const database& db_;
  const rocksdb::Snapshot* snapshot_;
  const record_reader& records_;
  const find_query& query_;
  const glob pattern_;
  const size_t limit_;
  const size_t limit_bytes_;
  found_rows page_;
  size_t bytes_ = 0;
  uint64_t looked_at_ = 0;
  uint64_t steps_ = 0;
};

}  // namespace

caf::expected<found_rows> snapshot_view::find(workspace_id workspace, const find_query& query,
                                              size_t limit, size_t limit_bytes) {
  return reading([&]() -> caf::expected<found_rows> {
    auto pattern = glob::parse(query.pattern);
    if (!pattern) return pattern.error();
    finder page{db_, snapshot_, records_, query, std::move(*pattern), limit, limit_bytes};
    auto from = std::max(query.from, query.batch);
    // The page begins in the middle of `from`, when that is still there.
    batch_id before{from.value == 0 ? 0 : from.value - 1};
    for (;;) {
      auto some = batches(workspace, before, batches_at_once);
      if (!some) return some.error();
      for (const auto& batch : *some) {
        if (query.batch.value != 0 && batch.id != query.batch) break;
        if (auto error = page.look(batch, batch.id == query.from ? query.after : std::string{}))
          return error;
        if (page.full()) return page.take_page();
      }
      if (some->size() < batches_at_once || query.batch.value != 0) break;
      before = some->back().id;
    }
    auto last = page.take_page();
    last.end = true;
    return last;
  });
}

}  // namespace et
