#include "actors/monitor/holdings.hpp"

#include <algorithm>
#include <cstdio>
#include <deque>

#include "actors/defaults.hpp"
#include "actors/monitor/markup.hpp"

namespace et::monitor {

namespace {

caf::error no_batch(batch_id id) {
  return fail(errc::not_found, "there is no batch " + std::to_string(id.value));
}

/// An empty page is the end only while the batch is there.
caf::error check_held(catalogue_view& view, batch_id id) {
  auto batch = view.batch(id);
  if (!batch) return batch.error();
  return *batch ? caf::error{} : no_batch(id);
}

/// The time to tape of one file after the other, in path order.
class tape_times {
 public:
  caf::expected<std::string> of(catalogue_view& view, const file_row& row) {
    bool safe = row.state == state::cached_synced || row.state == state::synced;
    if (!safe || row.aggregation == 0) return std::string{};
    if (row.aggregation != number_) {
      auto found = view.aggregation({row.batch, row.aggregation});
      if (!found) return found.error();
      number_ = row.aggregation;
      text_ = *found ? time_text(time_to_tape_ns(**found)) : std::string{};
    }
    return text_;
  }

 private:
  uint32_t number_ = 0;
  std::string text_;
};

/// The batches of a workspace, a page of records at a time.
class batch_source {
 public:
  batch_source(catalogue_store& store, workspace_id workspace, batch_id only, size_t page)
      : store_(store), workspace_(workspace), only_(only), page_(page) {}

  /// Nothing: there are no more.
  caf::expected<std::optional<batch_record>> next() {
    if (ready_.empty() && !end_) {
      if (auto error = read()) return error;
    }
    std::optional<batch_record> result;
    if (ready_.empty()) return result;
    result = std::move(ready_.front());
    ready_.pop_front();
    return result;
  }

 private:
  caf::error read() {
    auto view = store_.view();
    if (only_.value != 0) {
      end_ = true;
      auto batch = view->batch(only_);
      if (!batch) return batch.error();
      if (!*batch || (*batch)->workspace != workspace_) return no_batch(only_);
      ready_.push_back(std::move(**batch));
      return {};
    }
    auto page = view->batches(workspace_, last_, page_);
    if (!page) return page.error();
    end_ = page->size() < page_;
    if (!page->empty()) last_ = page->back().id;
    ready_.assign(std::make_move_iterator(page->begin()), std::make_move_iterator(page->end()));
    return {};
  }

  catalogue_store& store_;
  workspace_id workspace_;
  batch_id only_;
  size_t page_;
  batch_id last_;
  bool end_ = false;
  std::deque<batch_record> ready_;
};

}  // namespace

caf::expected<std::vector<workspace_record>> seen_workspaces(catalogue_store& store,
                                                             const viewer& who) {
  auto all = store.view()->workspaces();
  if (all) std::erase_if(*all, [&](const auto& one) { return !who.sees(one); });
  return all;
}

caf::expected<workspace_record> find_workspace(catalogue_store& store, const viewer& who,
                                               const std::string& name) {
  auto found = store.view()->workspace(name);
  if (!found) return found.error();
  if (!*found || !who.sees(**found)) return fail(errc::not_found, "there is no workspace " + name);
  return std::move(**found);
}

caf::expected<std::optional<batch_record>> find_batch(catalogue_store& store, const viewer& who,
                                                      batch_id id) {
  auto view = store.view();
  auto batch = view->batch(id);
  if (!batch || !*batch) return batch;
  auto workspace = view->workspace((*batch)->workspace_name);
  if (!workspace) return workspace.error();
  if (!*workspace || (*workspace)->id != (*batch)->workspace || !who.sees(**workspace))
    return std::optional<batch_record>{};
  return batch;
}

caf::expected<batch_record> asked_batch(catalogue_store& store, const query& asked) {
  auto number = asked.number("batch");
  if (!number) return number.error();
  if (!*number) return fail(errc::invalid_argument, "the parameter batch is missing");
  auto name = asked.text("workspace");
  if (!name.empty()) {
    auto workspace = find_workspace(store, asked.who(), name);
    if (!workspace) return workspace.error();
  }
  batch_id id{**number};
  auto batch = find_batch(store, asked.who(), id);
  if (!batch) return batch.error();
  if (!*batch) return no_batch(id);
  if (!name.empty() && (*batch)->workspace_name != name)
    return fail(errc::not_found, "workspace " + name + " has no batch " + std::to_string(id.value));
  return std::move(**batch);
}

int64_t time_to_tape_ns(const aggregation_record& aggregation) {
  bool safe = aggregation.state == state::cached_synced || aggregation.state == state::synced;
  if (!safe) return 0;
  const auto& history = aggregation.history;
  auto first = std::find_if(history.begin(), history.end(), [](const state_change& change) {
    return change.to == state::cached_synced;
  });
  // A history that lost its beginning may only have the recalls that came later.
  bool whole = !history.empty() && history.front().to == state::registered;
  if (whole && first != history.end()) return first->time_ns;
  int64_t written_ns = 0;
  for (const auto& copy : aggregation.copies) written_ns = std::max(written_ns, copy.written_ns);
  return written_ns;
}

std::string checksum_text(const aggregation_record& aggregation) {
  char text[16];
  std::snprintf(text, sizeof text, "%08x", aggregation.checksum.adler32);
  return text;
}

caf::expected<uint64_t> count_aggregations(catalogue_store& store, workspace_id workspace) {
  batch_source batches{store, workspace, {}, defaults::page_records};
  uint64_t count = 0;
  for (;;) {
    auto batch = batches.next();
    if (!batch) return batch.error();
    if (!*batch) return count;
    count += (*batch)->aggregations;
  }
}

piece_writer each_file(catalogue_store& store, batch_id batch, row_writer write) {
  return [&store, batch, write = std::move(write), times = tape_times{},
          last = std::string{}](std::string& out) mutable -> caf::expected<bool> {
    auto view = store.view();
    auto rows = view->rows(batch, last, defaults::monitor_page_rows, max_packed_bytes);
    if (!rows) return rows.error();
    if (rows->empty()) {
      if (auto error = check_held(*view, batch)) return error;
      return false;
    }
    for (const auto& row : *rows) {
      auto time = times.of(*view, row);
      if (!time) return time.error();
      write(out, row, *time);
    }
    last = std::move(rows->back().entry.path);
    return true;
  };
}

piece_writer each_aggregation(catalogue_store& store, batch_id batch,
                              std::function<void(std::string&, const aggregation_record&)> write) {
  return [&store, batch, write = std::move(write),
          last = uint32_t{0}](std::string& out) mutable -> caf::expected<bool> {
    auto view = store.view();
    auto page = view->aggregations(batch, last, defaults::page_records);
    if (!page) return page.error();
    if (page->empty()) {
      if (auto error = check_held(*view, batch)) return error;
      return false;
    }
    for (const auto& record : *page) write(out, record);
    last = page->back().id.number;
    return true;
  };
}

piece_writer each_file_of(catalogue_store& store, const aggregation_record& aggregation,
                          std::function<void(std::string&, const file_entry&)> write) {
  return [&store, batch = aggregation.id.batch, from = aggregation.first_path,
          to = aggregation.last_path, begun = false,
          write = std::move(write)](std::string& out) mutable -> caf::expected<bool> {
    auto view = store.view();
    auto page = view->entries_between(batch, from, to, defaults::monitor_page_rows);
    if (!page) return page.error();
    if (auto error = check_held(*view, batch)) return error;
    // The page begins with the last file of the one before.
    for (size_t i = begun ? 1 : 0; i < page->size(); ++i) write(out, (*page)[i]);
    begun = true;
    if (page->size() < defaults::monitor_page_rows) return false;
    from = std::move(page->back().path);
    return true;
  };
}

piece_writer each_alert(catalogue_store& store, viewer who, std::string workspace,
                        std::function<void(std::string&, const alert_record&)> write) {
  return [&store, who = std::move(who), workspace = std::move(workspace), write = std::move(write),
          before = uint64_t{UINT64_MAX}](std::string& out) mutable -> caf::expected<bool> {
    auto page = store.view()->alerts_before(before, defaults::page_records);
    if (!page) return page.error();
    if (page->empty()) return false;
    auto seen = seen_workspaces(store, who);
    if (!seen) return seen.error();
    auto is_seen = [&](const std::string& name) {
      return who.administrator || std::any_of(seen->begin(), seen->end(),
                                              [&](const auto& one) { return one.name == name; });
    };
    for (const auto& alert : *page)
      if ((workspace.empty() || alert.workspace == workspace) && is_seen(alert.workspace))
        write(out, alert);
    before = page->back().number;
    return true;
  };
}

piece_writer each_batch(catalogue_store& store, workspace_id workspace, batch_id only,
                        batch_parts parts) {
  // While the files of one are listed, the records behind it would grow old.
  size_t page = parts.inside ? 1 : defaults::page_records;
  return [source = batch_source{store, workspace, only, page}, parts = std::move(parts),
          inside = piece_writer{}](std::string& out) mutable -> caf::expected<bool> {
    if (inside) {
      auto more = inside(out);
      if (!more || *more) return more;
      inside = nullptr;
      if (parts.end) parts.end(out);
      return true;
    }
    auto batch = source.next();
    if (!batch) return batch.error();
    if (!*batch) return false;
    parts.begin(out, **batch);
    if (parts.inside) inside = parts.inside(**batch);
    if (!parts.inside && parts.end) parts.end(out);
    return true;
  };
}

}  // namespace et::monitor
