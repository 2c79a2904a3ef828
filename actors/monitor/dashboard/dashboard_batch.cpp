// `/batch/ID`: what became of a batch, and what it waits for.
#include <algorithm>

#include "actors/defaults.hpp"
#include "actors/monitor/dashboard/alerts_of.hpp"
#include "actors/monitor/dashboard/dashboard.hpp"
#include "actors/monitor/dashboard/dashboard_files.hpp"
#include "actors/monitor/dashboard/dashboard_pages.hpp"
#include "actors/monitor/dashboard/figures.hpp"
#include "actors/monitor/dashboard/health.hpp"
#include "actors/monitor/holdings.hpp"
#include "storage/catalogue/progress.hpp"

namespace et::monitor {

namespace {

/// What the page is made of, read at once.
struct batch_facts {
  batch_record batch;
  std::vector<aggregation_record> aggregations;
  std::vector<file_failure> failures;
  std::vector<alert_record> alerts;  ///< newest first
  uint32_t after = 0;
};

caf::expected<batch_facts> read(catalogue_view& view, batch_record batch, uint32_t after) {
  batch_facts facts;
  auto aggregations = view.aggregations(batch.id, after, defaults::dashboard_rows);
  if (!aggregations) return aggregations.error();
  auto failures = view.failures(batch.id, {}, defaults::dashboard_failures);
  if (!failures) return failures.error();
  auto alerts = alerts_of(view, {batch.workspace_name, severity::info, batch.id}, {}, UINT64_MAX,
                          defaults::dashboard_rows);
  if (!alerts) return alerts.error();
  facts.batch = std::move(batch);
  facts.aggregations = std::move(*aggregations);
  facts.failures = std::move(*failures);
  facts.alerts = std::move(alerts->found);
  facts.after = after;
  return facts;
}

void facts_card(std::string& out, const batch_record& batch, const live_state& state) {
  auto id = std::to_string(batch.id.value);
  auto key = "batch." + id + ".";
  begin_card(out, "batch", "Batch " + id);
  batch_progress(out, batch);
  fact_list facts{out};
  facts.fact("State");
  badge(out, kind_of(batch.state), to_string(batch.state));
  facts.fact("Workspace");
  name_link(out, workspace_address(batch.workspace_name), batch.workspace_name);
  facts.fact("Requester");
  name(out, batch.requester);
  facts.fact("Tag");
  name(out, batch.tag);
  facts.fact("Files");
  figure(out, key + "files", batch.files, unit::count);
  facts.fact("Size");
  figure(out, key + "size_bytes", batch.size_bytes, unit::bytes);
  facts.fact("Failed files");
  figure(out, key + "failed_files", batch.failed_files, unit::count);
  facts.fact("Aggregations");
  figure(out, key + "aggregations", batch.aggregations, unit::count);
  facts.fact("Registered").text(time_text(batch.created_ns));
  facts.fact("Settled").text(batch.safe_ns == 0 ? "not yet" : time_text(batch.safe_ns));
  if (auto words = what_happens(batch, state); !words.empty()) facts.fact("Now").text(words);
  facts.fact("Files of it").link(batch_address(batch.id) + "/files", "look and search");
  facts.end();
  end_card(out);
}

void history_card(std::string& out, const std::vector<alert_record>& alerts) {
  begin_card(out, "history", "History");
  if (alerts.empty()) nothing(out, "The last alerts do not speak of it.");
  listing table{out, {{"Time"}, {"Severity"}, {"What happened", "wide"}}};
  for (auto alert = alerts.rbegin(); alert != alerts.rend(); ++alert) {
    table.row("alert-" + std::to_string(alert->number));
    table.cell().text(time_text(alert->time_ns));
    table.cell();
    badge(out, kind_of(alert->level), to_string(alert->level));
    table.cell().leaf("bdi", alert->text);
  }
  table.end();
  end_card(out);
}

void failures_card(std::string& out, const batch_facts& facts) {
  if (facts.batch.failed_files == 0) return;
  begin_card(out, "failures", "Failed files", count_text(facts.batch.failed_files));
  listing table{out, {{"File", "path"}, {"Why", "wide"}}};
  for (const auto& failure : facts.failures) {
    table.row(failure.path);
    table.cell();
    name(out, failure.path);
    table.cell().leaf("bdi", failure.reason);
  }
  table.end();
  markup page{out};
  page.open("p", {{"class", "nothing"}});
  page.link(batch_address(facts.batch.id) + "/files?failed=1", "All failed files").close("p");
  end_card(out);
}

void copies_cell(std::string& out, const aggregation_record& aggregation) {
  markup page{out};
  for (const auto& copy : aggregation.copies) {
    volume_link(out, copy.volume);
    page.leaf("small", " block " + std::to_string(copy.header.value) + " ");
  }
}

void aggregations_card(std::string& out, const batch_facts& facts) {
  begin_card(out, "aggregations", "Aggregations", count_text(facts.batch.aggregations));
  if (facts.aggregations.empty()) nothing(out, "There is no aggregation here.");
  listing table{out,
                {{"Aggregation"},
                 {"State"},
                 {"Files", "number"},
                 {"Size", "number"},
                 {"Copies"},
                 {"Since"},
                 {"On tape"}}};
  for (const auto& aggregation : facts.aggregations) {
    auto id = to_string(aggregation.id);
    table.row("aggregation-" + id);
    table.cell().link("/et_user/ET_Aggregation_File_Details.php?aggregation=" + id, id);
    table.cell();
    badge(out, kind_of(aggregation.state), to_string(aggregation.state));
    table.cell().text(count_text(aggregation.files));
    table.cell().text(bytes_text(aggregation.size_bytes > 0 ? aggregation.size_bytes
                                                            : aggregation.content_bytes));
    table.cell();
    copies_cell(out, aggregation);
    const auto& history = aggregation.history;
    table.cell().text(history.empty() ? std::string{} : time_text(history.back().time_ns));
    table.cell().text(time_text(time_to_tape_ns(aggregation)));
  }
  table.end();
  auto here = batch_address(facts.batch.id);
  bool more = facts.aggregations.size() == defaults::dashboard_rows;
  pager(
      out, here,
      more ? here + "?after=" + std::to_string(facts.aggregations.back().id.number) : std::string{},
      facts.after == 0);
  end_card(out);
}

}  // namespace

caf::expected<answer> dashboard_batch(const page_context& context, const query& asked) {
  constexpr std::string_view prefix = "/batch/";
  auto number = number_in_path(asked.path(), prefix);
  if (!number) return number.error();
  auto batch = seen_batch(context, asked.who(), batch_id{*number});
  if (!batch) return batch.error();
  auto here = batch_address(batch->id);
  if (asked.path() == here + "/files") return dashboard_files(context, asked, *batch);
  if (asked.path() != here) return fail(errc::not_found, "there is no page " + asked.path());
  auto after = asked.number("after");
  if (!after) return after.error();
  auto first = static_cast<uint32_t>(std::min<uint64_t>(after->value_or(0), UINT32_MAX));
  auto facts = read(*context.store->view(), std::move(*batch), first);
  if (!facts) return facts.error();
  auto state = picture(context, asked.who());
  return dashboard_page([state, facts = std::move(*facts)](std::string& out) {
    begin_dashboard(out, "Batch " + std::to_string(facts.batch.id.value), *state, "",
                    is_settled(facts.batch) ? renewal::never : renewal::slowly);
    facts_card(out, facts.batch, *state);
    failures_card(out, facts);
    aggregations_card(out, facts);
    history_card(out, facts.alerts);
    end_dashboard(out);
  });
}

}  // namespace et::monitor
