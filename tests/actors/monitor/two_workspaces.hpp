// A catalogue with the workspaces `w` (of ann) and `other` (of bob), and a picture of a service
// that works for both.
#pragma once

#include <nlohmann/json.hpp>

#include "actors/metrics.hpp"
#include "tests/actors/monitor/support.hpp"

namespace et::test {

/// A picture that only the test changes.
class still_live final : public monitor::live_source {
 public:
  std::shared_ptr<const monitor::live_state> now() override {
    return std::make_shared<const monitor::live_state>(state);
  }
  std::vector<monitor::throughput_sample> throughput(bool minutes, size_t at_most) override {
    const auto& all = minutes ? by_minute : by_second;
    return {all.end() - static_cast<std::ptrdiff_t>(std::min(all.size(), at_most)), all.end()};
  }

  monitor::live_state state;
  std::vector<monitor::throughput_sample> by_second;
  std::vector<monitor::throughput_sample> by_minute;
};

const monitor::viewer everybody{};
const monitor::viewer ann{"ann", false};

/// Batch `mine` is of `w` with a hostile name in it, `theirs` of `other`; each with a retrieval
/// and alerts. Drive 0 recalls for `other`.
struct two_workspaces : fixture {
  two_workspaces() {
    workspace_record second;
    second.name = "other";
    second.roots = {"/"};
    second.managers = {"bob"};
    second.quota_bytes = 1000;
    need(store().add_workspace(second));
    auto entries = numbered_entries(10, "/data");
    entries.push_back(entry("/data/bytes\xff<script>", 7));
    mine = commit(entries);
    mine_ids = plan(mine, 4);
    for (auto id : mine_ids)
      cache(id, id.number == 2 ? std::vector<size_t>{1} : std::vector<size_t>{});
    write({mine_ids[0], mine_ids[1]});
    theirs = commit_other();
    retrieval.workspace = workspace();
    retrieval.workspace_name = "w";
    retrieval.batch = mine;
    retrieval.requester = "ann";
    retrieval = need(store().begin_retrieval(retrieval));
    their_retrieval.workspace = need(view()->workspace("other"))->id;
    their_retrieval.workspace_name = "other";
    their_retrieval.requester = "bob";
    their_retrieval = need(store().begin_retrieval(their_retrieval));
    alert_record for_operators;
    for_operators.level = severity::error;
    for_operators.text = "drive 1: does not answer";
    need(store().add_alert(for_operators));
    make_picture();
  }

  batch_id commit_other() {
    batch_record draft;
    draft.workspace_name = "other";
    draft.tag = "their tag";
    draft.requester = "bob";
    auto id = need(store().begin_batch(draft));
    need(store().add_files(id, {entry("/theirs/file", 5)}));
    need(store().commit_batch(id));
    return id;
  }

  void make_picture() {
    auto& state = live.state;
    state.time_ns = clock().now_ns();
    state.node = "node1";
    state.version = "0.1.0";
    state.started_ns = clock().now_ns() - 60'000'000'000;
    state.sessions = 2;
    state.batches = {batch(mine), batch(theirs)};
    state.batches_in_motion = 2;
    state.retrievals = {{retrieval, 10, 4, 1000, 400, "volume V1"},
                        {their_retrieval, 1, 0, 10, 0, {}}};
    state.drives = {{0, "reading", barcode{"VOL001L8"}, {}, {theirs, 1}, "other", 100, 20},
                    {1, "writing", barcode{"VOL002L8"}, "archive", {}, {}, 300, 0}};
    state.volumes = {
        {{barcode{"VOL001L8"}, "p", volume_status::appendable, {}, 1, 11, 1, 100}, true, 0},
        {{barcode{"VOL002L8"}, "archive", volume_status::full, {}, 1, 100, 1, 100}, true, 1},
        {{barcode{"VOL003L8"}, "", volume_status::blank, {}, 1, 0, 0, 0}, true, -1},
        {{barcode{"VOL004L8"}, "", volume_status::suspect, {}, 1, 0, 0, 0}, false, -1}};
    state.slots = 10;
    state.library_known = true;
    state.cache = {1000, 500, 100, 900, 700, 3, false};
    state.queues = {{"cache", 1, 100, 1500}, {"write archive", 2, 50, 300}};
    state.workspaces = need(view()->workspaces());
    state.alerts = need(view()->alerts_before(UINT64_MAX, 20));
    state.nodes = {{"node1", "up", "0.1.0", {"head", "io"}, state.started_ns}};
    live.by_second = {{1'700'000'000, 1, 2, 3, 4}, {1'700'000'001, 5, 6, 7, 8}};
    live.by_minute = {{1'699'999'980, 6, 8, 10, 12}};
  }

  monitor::page_context context() {
    return {&store(), "node1", "http://here:80", &live, &measures};
  }

  got ask(const std::string& target, const monitor::viewer& who = everybody) {
    return read_all(monitor::answer_to(context(), target, who));
  }
  /// The document at `target` below /api/v1/, which must be there.
  nlohmann::json api(const std::string& target, const monitor::viewer& who = everybody) {
    auto answer = ask("/api/v1/" + target, who);
    INFO(target << ": " << answer.text);
    REQUIRE(answer.status == 200);
    REQUIRE(answer.type == "application/json");
    return nlohmann::json::parse(answer.text);
  }
  int status(const std::string& target, const monitor::viewer& who = everybody) {
    return ask("/api/v1/" + target, who).status;
  }

  batch_id mine;
  std::vector<aggregation_id> mine_ids;
  batch_id theirs;
  retrieval_record retrieval;
  retrieval_record their_retrieval;
  still_live live;
  metrics measures;
};

}  // namespace et::test
