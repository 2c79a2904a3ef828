// What is in motion and what waits: batches, retrievals, queues.
#include <algorithm>

#include "actors/defaults.hpp"
#include "actors/monitor/dashboard/dashboard.hpp"
#include "actors/monitor/dashboard/figures.hpp"
#include "actors/monitor/dashboard/health.hpp"

namespace et::monitor {

namespace {

/// A queue whose first has waited so long is worth a look.
constexpr int64_t long_wait_ms = 10 * 60 * 1000;

uint64_t in_state(const batch_record& batch, state which) {
  return batch.in_state[static_cast<size_t>(which)];
}

uint64_t safe_aggregations(const batch_record& batch) {
  return in_state(batch, state::cached_synced) + in_state(batch, state::synced);
}

/// What those that wait in a queue want.
std::string words_for(const std::string& queue) {
  constexpr std::string_view write = "write ";
  if (queue == "cache") return "to be read into the cache";
  if (queue == "recall room") return "room for recalls";
  if (queue == "recall") return "to be read from tape";
  if (queue == "batches") return "batches to be begun";
  if (queue.starts_with(write)) return "to be written, pool " + queue.substr(write.size());
  return queue;
}

/// Batch number, with its tag below.
void batch_cell(std::string& out, const batch_record& batch) {
  markup page{out};
  batch_link(out, batch.id);
  if (batch.tag.empty()) return;
  page.text(" ").open("small", {{"class", "tag"}});
  name(out, batch.tag);
  page.close("small");
}

}  // namespace

void batch_progress(std::string& out, const batch_record& batch) {
  auto safe = safe_aggregations(batch);
  auto cached = in_state(batch, state::cached);
  auto failed = in_state(batch, state::failed);
  auto whole = std::max<uint64_t>(batch.aggregations, 1);
  auto words = count_text(safe) + " safe, " + count_text(cached) + " cached, " +
               count_text(in_state(batch, state::registered)) + " registered, " +
               count_text(failed) + " failed of " + count_text(batch.aggregations) +
               " aggregations" + (batch.planned ? "" : " so far");
  bar(out, words, {{"safe", safe}, {"failed", failed}, {"cached", cached}}, whole);
  markup page{out};
  page.open("small", {{"class", "progress-words"}});
  page.text(count_text(safe) + " of " + count_text(batch.aggregations) + " safe");
  if (cached > 0) page.text(", " + count_text(cached) + " cached");
  if (failed > 0) page.text(", " + count_text(failed) + " failed");
  page.close("small");
}

void batch_table(std::string& out, const std::vector<batch_record>& batches,
                 const live_state& state, bool with_workspace) {
  std::vector<listing::column> columns{{"Batch"}};
  if (with_workspace) columns.push_back({"Workspace"});
  columns.insert(columns.end(), {{"Requester"},
                                 {"State"},
                                 {"Files", "number"},
                                 {"Size", "number"},
                                 {"Progress", "wide"},
                                 {"Now", "wait-words"},
                                 {"Age", "number"}});
  listing table{out, columns};
  for (const auto& batch : batches) {
    auto key = "batches." + std::to_string(batch.id.value) + ".";
    table.row("batch-" + std::to_string(batch.id.value));
    table.cell();
    batch_cell(out, batch);
    if (with_workspace) {
      table.cell();
      name_link(out, workspace_address(batch.workspace_name), batch.workspace_name);
    }
    table.cell();
    name(out, batch.requester);
    table.cell();
    badge(out, kind_of(batch.state), to_string(batch.state));
    table.cell();
    figure(out, key + "files", batch.files, unit::count);
    table.cell();
    figure(out, key + "size_bytes", batch.size_bytes, unit::bytes);
    table.cell();
    batch_progress(out, batch);
    table.cell().text(what_happens(batch, state));
    table.cell().text(age_text(state, batch.created_ns));
  }
  table.end();
}

void batches_card(std::string& out, const live_state& state) {
  auto all = std::max<uint64_t>(state.batches_in_motion, state.batches.size());
  begin_card(out, "batches", "Batches in motion", count_text(all));
  if (state.batches.empty()) {
    nothing(out, "No batch is on its way to tape.");
  } else {
    std::vector<batch_record> shown{
        state.batches.begin(),
        state.batches.begin() + static_cast<std::ptrdiff_t>(
                                    std::min(state.batches.size(), defaults::dashboard_batches))};
    batch_table(out, shown, state, true);
    if (all > shown.size())
      nothing(out, "The oldest " + count_text(shown.size()) + " of " +
                       counted(all, "batch").append("es") + ".");
  }
  end_card(out);
}

void retrieval_table(std::string& out, const std::vector<retrieval_status>& retrievals,
                     const live_state& state) {
  listing table{out,
                {{"Retrieval"},
                 {"Workspace"},
                 {"Requester"},
                 {"Batch"},
                 {"Progress", "wide"},
                 {"Waits for", "wait-words"},
                 {"Age", "number"}}};
  for (const auto& running : retrievals) {
    const auto& record = running.record;
    auto id = std::to_string(record.id.value);
    table.row("retrieval-" + id);
    table.cell().link("/retrieval/" + id, id);
    table.cell();
    name_link(out, workspace_address(record.workspace_name), record.workspace_name);
    table.cell();
    name(out, record.requester);
    table.cell();
    if (record.batch.value != 0) batch_link(out, record.batch);
    table.cell();
    auto words = bytes_text(running.finished_bytes) + " of " + bytes_text(running.wanted_bytes);
    bar(out, words, {{"fetched", running.finished_bytes}}, running.wanted_bytes);
    markup{out}.leaf("small", words, {{"class", "progress-words"}});
    table.cell().text(running.wait);
    table.cell().text(age_text(state, record.started_ns));
  }
  table.end();
}

void retrievals_card(std::string& out, const live_state& state) {
  begin_card(out, "retrievals", "Retrievals running", count_text(state.retrievals.size()));
  if (state.retrievals.empty()) {
    nothing(out, "Nobody is getting files.");
  } else {
    auto n = std::min(state.retrievals.size(), defaults::dashboard_retrievals);
    retrieval_table(
        out, {state.retrievals.begin(), state.retrievals.begin() + static_cast<std::ptrdiff_t>(n)},
        state);
    if (n < state.retrievals.size()) nothing(out, "The first " + count_text(n) + " of them.");
  }
  end_card(out);
}

void queues_card(std::string& out, const live_state& state) {
  begin_card(out, "queues", "Waiting");
  listing table{out,
                {{"What waits"}, {"Waiting", "number"}, {"Bytes", "number"}, {"Oldest", "number"}}};
  for (size_t i = 0; i < state.queues.size(); ++i) {
    const auto& queue = state.queues[i];
    auto key = "queues." + std::to_string(i) + ".";
    table.row("queue-" + queue.name);
    table.cell();
    name(out, words_for(queue.name));
    table.cell();
    figure(out, key + "waiting", queue.waiting, unit::count);
    table.cell();
    if (queue.waiting_bytes > 0)
      figure(out, key + "waiting_bytes", queue.waiting_bytes, unit::bytes);
    table.cell();
    if (queue.waiting == 0) continue;
    auto words = duration_text(queue.oldest_ms);
    if (queue.oldest_ms >= long_wait_ms)
      badge(out, "wait", words);
    else
      markup{out}.text(words);
  }
  table.end();
  if (state.queues.empty()) nothing(out, "No queue is known.");
  end_card(out);
}

}  // namespace et::monitor
