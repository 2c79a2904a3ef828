// The JSON interface's view on the catalogue: workspaces, batches, aggregations, files.
#include <chrono>

#include "actors/defaults.hpp"
#include "actors/monitor/api/api_support.hpp"

namespace et::monitor {

namespace {

using std::chrono::steady_clock;

/// A page of a search ends after this with what has been found.
constexpr auto search_time = std::chrono::milliseconds{500};

caf::expected<batch_record> batch_in(const page_context& context, const query& asked,
                                     const path_words& words) {
  auto number = number_in(words.front());
  if (!number) return number.error();
  return seen_batch(context, asked, batch_id{*number});
}

/// A pattern as it is; anything else is looked for anywhere in the path.
std::string pattern_of(const std::string& search) {
  if (search.find_first_of("*?[\\") != std::string::npos) return search;
  return "*" + search + "*";
}

caf::expected<answer> all_files(const page_context& context, const query& asked,
                                const batch_record& batch, size_t limit) {
  list_document list{"files"};
  auto last = asked.text("after");
  while (list.size() < limit) {
    // One more than wanted, so that the last page has no next one.
    auto rows =
        context.store->view()->rows(batch.id, last, limit - list.size() + 1, max_packed_bytes);
    if (!rows) return rows.error();
    if (rows->empty()) return list.end({});
    for (const auto& row : *rows) {
      if (list.size() == limit) return list.end(next_page(asked, "after", last));
      list.add(json_of(row));
      last = row.entry.path;
    }
  }
  auto more = context.store->view()->rows(batch.id, last, 1, max_packed_bytes);
  if (!more) return more.error();
  return list.end(more->empty() ? std::string{} : next_page(asked, "after", last));
}

caf::expected<answer> matching_files(const page_context& context, const query& asked,
                                     const batch_record& batch, size_t limit) {
  find_query find;
  find.pattern = pattern_of(asked.text("search"));
  find.batch = batch.id;
  find.after = asked.text("after");
  if (!find.after.empty()) find.from = batch.id;
  list_document list{"files"};
  auto end = steady_clock::now() + search_time;
  while (list.size() < limit && steady_clock::now() < end) {
    auto found =
        context.store->view()->find(batch.workspace, find, limit - list.size(), max_packed_bytes);
    if (!found) return found.error();
    for (const auto& row : found->rows) list.add(json_of(row));
    if (found->end) return list.end({});
    find.from = found->from;
    find.after = found->after;
  }
  return list.end(next_page(asked, "after", find.after));
}

}  // namespace

caf::expected<answer> api_workspaces(const page_context& context, const query& asked,
                                     const path_words&) {
  auto all = context.store->view()->workspaces();
  if (!all) return all.error();
  std::erase_if(*all, [&](const auto& one) { return !asked.who().sees(one); });
  return document({{"workspaces", json_list(*all)}, {"next", nullptr}});
}

caf::expected<answer> api_workspace(const page_context& context, const query& asked,
                                    const path_words& words) {
  auto found = seen_workspace(context, asked, words.front());
  if (!found) return found.error();
  return document(json_of(*found));
}

caf::expected<answer> api_workspace_batches(const page_context& context, const query& asked,
                                            const path_words& words) {
  auto workspace = seen_workspace(context, asked, words.front());
  if (!workspace) return workspace.error();
  auto after = number_of(asked, "after", 0);
  if (!after) return after.error();
  auto limit = limit_of(asked, 100);
  if (!limit) return limit.error();
  auto page = context.store->view()->batches(workspace->id, batch_id{*after}, *limit + 1);
  if (!page) return page.error();
  list_document list{"batches"};
  for (size_t i = 0; i < std::min(page->size(), *limit); ++i) list.add(json_of((*page)[i]));
  if (page->size() <= *limit) return list.end({});
  return list.end(next_page(asked, "after", std::to_string((*page)[*limit - 1].id.value)));
}

caf::expected<answer> api_batch(const page_context& context, const query& asked,
                                const path_words& words) {
  auto batch = batch_in(context, asked, words);
  if (!batch) return batch.error();
  return document(json_of(*batch));
}

caf::expected<answer> api_batch_aggregations(const page_context& context, const query& asked,
                                             const path_words& words) {
  auto batch = batch_in(context, asked, words);
  if (!batch) return batch.error();
  auto after = number_of(asked, "after", 0);
  if (!after) return after.error();
  auto limit = limit_of(asked, 100);
  if (!limit) return limit.error();
  auto first = static_cast<uint32_t>(std::min<uint64_t>(*after, UINT32_MAX));
  auto page = context.store->view()->aggregations(batch->id, first, *limit + 1);
  if (!page) return page.error();
  list_document list{"aggregations"};
  for (size_t i = 0; i < std::min(page->size(), *limit); ++i) list.add(json_of((*page)[i]));
  if (page->size() <= *limit) return list.end({});
  return list.end(next_page(asked, "after", std::to_string((*page)[*limit - 1].id.number)));
}

caf::expected<answer> api_batch_files(const page_context& context, const query& asked,
                                      const path_words& words) {
  auto batch = batch_in(context, asked, words);
  if (!batch) return batch.error();
  auto limit = limit_of(asked, 100);
  if (!limit) return limit.error();
  return asked.text("search").empty() ? all_files(context, asked, *batch, *limit)
                                      : matching_files(context, asked, *batch, *limit);
}

caf::expected<answer> api_aggregation(const page_context& context, const query& asked,
                                      const path_words& words) {
  auto none = [&] { return fail(errc::not_found, "there is no aggregation " + words.front()); };
  auto dot = words.front().find('.');
  if (dot == std::string::npos) return none();
  auto of = number_in(words.front().substr(0, dot));
  auto number = number_in(words.front().substr(dot + 1));
  if (!of || !number || *number > UINT32_MAX) return none();
  aggregation_id id{batch_id{*of}, static_cast<uint32_t>(*number)};
  auto batch = seen_batch(context, asked, id.batch);
  if (!batch) return code_of(batch.error()) == errc::not_found ? none() : batch.error();
  auto found = context.store->view()->aggregation(id);
  if (!found) return found.error();
  if (!*found) return none();
  auto result = json_of(**found);
  result["workspace_name"] = batch->workspace_name;
  return document(result);
}

}  // namespace et::monitor
