// `/retrieval/ID`.
#include <algorithm>

#include "actors/monitor/dashboard/dashboard.hpp"
#include "actors/monitor/dashboard/dashboard_pages.hpp"
#include "actors/monitor/dashboard/figures.hpp"
#include "actors/monitor/holdings.hpp"

namespace et::monitor {

namespace {

/// The record, or not_found, with the same words for one that the viewer may not see.
caf::expected<retrieval_record> seen_retrieval(const page_context& context, const viewer& who,
                                               uint64_t number) {
  auto found = context.store->view()->retrieval(retrieval_id{number});
  if (!found) return found.error();
  bool seen = found->has_value();
  if (seen && !who.administrator)
    seen = static_cast<bool>(find_workspace(*context.store, who, (*found)->workspace_name));
  if (!seen) return fail(errc::not_found, "there is no retrieval " + std::to_string(number));
  return std::move(**found);
}

void progress(std::string& out, const retrieval_status& running) {
  auto words = bytes_text(running.finished_bytes) + " of " + bytes_text(running.wanted_bytes);
  bar(out, words, {{"fetched", running.finished_bytes}}, running.wanted_bytes);
  markup{out}.leaf("small", words, {{"class", "progress-words"}});
}

void facts_of(std::string& out, const retrieval_record& record, const retrieval_status* running) {
  auto key = "retrieval." + std::to_string(record.id.value) + ".";
  fact_list facts{out};
  facts.fact("State");
  badge(out, kind_of(record.state), to_string(record.state));
  facts.fact("Workspace");
  name_link(out, workspace_address(record.workspace_name), record.workspace_name);
  facts.fact("Requester");
  name(out, record.requester);
  facts.fact("Batch");
  if (record.batch.value != 0)
    batch_link(out, record.batch);
  else
    markup{out}.text("a list of files");
  facts.fact("Started").text(time_text(record.started_ns));
  if (record.ended_ns != 0) {
    facts.fact("Ended").text(time_text(record.ended_ns));
    facts.fact("Files");
    figure(out, key + "files", record.files, unit::count);
    facts.fact("Bytes");
    figure(out, key + "size_bytes", record.size_bytes, unit::bytes);
    facts.fact("Bad files");
    figure(out, key + "bad_files", record.bad_files, unit::count);
  }
  if (running) {
    facts.fact("Ranges").text(count_text(running->finished_ranges) + " of " +
                              count_text(running->wanted_ranges));
    facts.fact("Waits for").text(running->wait.empty() ? "nothing" : running->wait);
  }
  facts.end();
}

}  // namespace

caf::expected<answer> dashboard_retrieval(const page_context& context, const query& asked) {
  auto number = number_in_path(asked.path(), "/retrieval/");
  if (!number) return number.error();
  if (asked.path() != "/retrieval/" + std::to_string(*number))
    return fail(errc::not_found, "there is no page " + asked.path());
  auto record = seen_retrieval(context, asked.who(), *number);
  if (!record) return record.error();
  auto state = picture(context, asked.who());
  return dashboard_page([state, record = std::move(*record)](std::string& out) {
    auto id = std::to_string(record.id.value);
    auto found = std::find_if(state->retrievals.begin(), state->retrievals.end(),
                              [&](const auto& one) { return one.record.id == record.id; });
    const auto* running = found == state->retrievals.end() ? nullptr : &*found;
    begin_dashboard(out, "Retrieval " + id, *state, "",
                    record.state == retrieval_state::running ? renewal::slowly : renewal::never);
    begin_card(out, "retrieval", "Retrieval " + id);
    if (running) progress(out, *running);
    facts_of(out, record, running);
    end_card(out);
    end_dashboard(out);
  });
}

}  // namespace et::monitor
