// Who sees what: things of others are not there, on any page.
#include <algorithm>

#include "tests/actors/monitor/fake_live.hpp"
#include "tests/actors/monitor/support.hpp"

using namespace et;
using namespace et::test;

namespace {

/// Workspace `w` of ann with batch 1 and retrieval 1, and `foreign` of zoe with batch 2 and
/// retrieval 2.
struct two_workspaces : fixture {
  two_workspaces() {
    workspace_record other;
    other.name = "foreign";
    other.roots = {"/foreignroot"};
    other.managers = {"zoe"};
    other.quota_bytes = 7'777'777'777;
    other = need((*this)->add_workspace(other));
    fill(need(view()->workspace("w")).value(), "own", "ann", "/data");
    fill(other, "foreigntag", "zoe", "/foreignroot");
    alert_record alert;
    alert.text = "foreigntrouble with a drive";
    need((*this)->add_alert(alert));
    look();
  }

  /// The live picture of all that.
  void look() {
    auto& state = live.state;
    state.node = "node1";
    state.library_known = true;
    auto now = view();
    state.workspaces = need(now->workspaces());
    state.alerts = need(now->alerts_before(UINT64_MAX, 20));
    for (uint64_t i : {1, 2}) {
      state.batches.push_back(need(now->batch(batch_id{i})).value());
      retrieval_status status;
      status.record = need(now->retrieval(retrieval_id{i})).value();
      state.retrievals.push_back(status);
      monitor::live_drive drive;
      drive.number = static_cast<uint32_t>(i - 1);
      drive.activity = "reading";
      drive.aggregation = {batch_id{i}, 1};
      drive.workspace_name = state.batches.back().workspace_name;
      state.drives.push_back(drive);
    }
    state.batches_in_motion = 2;
  }

  void fill(const workspace_record& of, const std::string& tag, const std::string& user,
            const std::string& root) {
    batch_record draft;
    draft.workspace = of.id;
    draft.workspace_name = of.name;
    draft.tag = tag;
    draft.requester = user;
    auto id = need((*this)->begin_batch(draft));
    CHECK(need((*this)->add_files(id, numbered_entries(3, root))).empty());
    need((*this)->commit_batch(id));
    for (auto aggregation : plan(id, 3)) cache(aggregation);
    retrieval_record retrieval;
    retrieval.workspace = of.id;
    retrieval.workspace_name = of.name;
    retrieval.batch = id;
    retrieval.requester = user;
    need((*this)->begin_retrieval(retrieval));
  }

  got as(const monitor::viewer& who, const std::string& target) {
    auto made = monitor::answer_to({&store(), "node1", "http://here:80", &live}, target, who);
    if (!made.events) return read_all(std::move(made));
    got stream;
    stream.status = made.status;
    CHECK(made.events(stream.text));
    return stream;
  }

  fake_live live;
};

const monitor::viewer ann{"ann", false};
const monitor::viewer boss{"boss", true};

const texts lists = {
    "/et_user/ET_Home.php",
    "/et_user/ET_Home.php?caller=zoe",
    "/et_user/ET_Home.php?caller=ann",
    "/et_user/ET_AlertWatch.php",
    "/et_user/ET_AlertWatch.php?workspace=w",
    "/et_user/ET_Holdings_Summary.php?workspace=w&level=files&caller=zoe",
    "/et_user/ET_Holdings_Summary_XML.php?level=file",
    "/et_user/ET_Holdings_Summary_XML.php?level=batch&caller=zoe",
    "/et_user/ET_Holdings_Summary_XML.php?level=top",
    "/et_user/ET_Batch_Input_Summary.php?batch=1",
    "/et_user/ET_Batch_Input_File_Details.php?batch=1",
    "/et_user/ET_Aggregation_File_Details.php?aggregation=1.1",
    "/et_user/RetrievalWatch.php?rr_id=1",
    "/et_admin/ET_WkspaceOverview-XML.php",
    "/et_admin/ET_Role_List.php",
    "/gws/etexport/",
    "/et_rss/ET_RSS_AlertWatch_atom.php",
    "/et_rss/ET_RSS_AlertWatch.php",
    "/et_rss/ET_RSS_AlertWatch.php?workspace=w",
    "/",
    "/?caller=zoe",
    "/workspaces",
    "/volumes",
    "/alerts",
    "/workspace/w",
    "/batch/1",
    "/drive/0",
    "/drive/1",
    "/retrieval/1",
    "/healthz",
    "/readyz",
    "/api/v1/overview",
    "/api/v1/throughput",
    "/api/v1/events",
    "/api/v1/workspaces",
    "/api/v1/workspaces/w",
    "/api/v1/workspaces/w/batches",
    "/api/v1/batches/1",
    "/api/v1/batches/1/aggregations",
    "/api/v1/batches/1/files",
    "/api/v1/aggregations/1.1",
    "/api/v1/retrievals",
    "/api/v1/retrievals/1",
    "/api/v1/drives",
    "/api/v1/drives/1",
    "/api/v1/volumes",
    "/api/v1/alerts",
    "/api/v1/nodes",
};

/// A thing of the other workspace, and the same question about one that does not exist.
struct hidden {
  std::string there;
  std::string missing;
};
const std::vector<hidden> things = {
    {"/et_user/ET_AlertWatch.php?workspace=foreign",
     "/et_user/ET_AlertWatch.php?workspace=nowhere"},
    {"/et_user/ET_Holdings_Summary.php?workspace=foreign",
     "/et_user/ET_Holdings_Summary.php?workspace=nowhere"},
    {"/et_user/ET_Holdings_Summary_XML.php?workspace=foreign",
     "/et_user/ET_Holdings_Summary_XML.php?workspace=nowhere"},
    {"/et_user/ET_Holdings_Summary_XML.php?batch=2",
     "/et_user/ET_Holdings_Summary_XML.php?batch=9"},
    {"/et_user/ET_Holdings_Summary_XML.php?batch=2&workspace=w",
     "/et_user/ET_Holdings_Summary_XML.php?batch=9&workspace=w"},
    {"/et_user/ET_Batch_Input_Summary.php?batch=2", "/et_user/ET_Batch_Input_Summary.php?batch=9"},
    {"/et_user/ET_Batch_Input_Summary.php?batch=2&workspace=foreign",
     "/et_user/ET_Batch_Input_Summary.php?batch=9&workspace=nowhere"},
    {"/et_user/ET_Batch_Input_Summary.php?batch=2&workspace=w",
     "/et_user/ET_Batch_Input_Summary.php?batch=9&workspace=w"},
    {"/et_user/ET_Batch_Input_File_Details.php?batch=2",
     "/et_user/ET_Batch_Input_File_Details.php?batch=9"},
    {"/et_user/ET_Aggregation_File_Details.php?aggregation=2.1",
     "/et_user/ET_Aggregation_File_Details.php?aggregation=9.1"},
    {"/et_user/RetrievalWatch.php?rr_id=2", "/et_user/RetrievalWatch.php?rr_id=9"},
    {"/et_user/RetrievalWatch.php?rr_id=2&workspace=w",
     "/et_user/RetrievalWatch.php?rr_id=9&workspace=w"},
    {"/et_rss/ET_RSS_AlertWatch_atom.php?workspace=foreign",
     "/et_rss/ET_RSS_AlertWatch_atom.php?workspace=nowhere"},
    {"/et_rss/ET_RSS_AlertWatch.php?workspace=foreign",
     "/et_rss/ET_RSS_AlertWatch.php?workspace=nowhere"},
    {"/workspace/foreign", "/workspace/nowhere"},
    {"/batch/2", "/batch/9"},
    {"/batch/2/files", "/batch/9/files"},
    {"/retrieval/2", "/retrieval/9"},
    {"/api/v1/workspaces/foreign", "/api/v1/workspaces/nowhere"},
    {"/api/v1/workspaces/foreign/batches", "/api/v1/workspaces/nowhere/batches"},
    {"/api/v1/batches/2", "/api/v1/batches/9"},
    {"/api/v1/batches/2/aggregations", "/api/v1/batches/9/aggregations"},
    {"/api/v1/batches/2/files", "/api/v1/batches/9/files"},
    {"/api/v1/aggregations/2.1", "/api/v1/aggregations/9.1"},
    {"/api/v1/retrievals/2", "/api/v1/retrievals/9"},
};

/// With the names of both questions made the same.
std::string without_names(std::string text) {
  for (const auto& [from, to] :
       std::vector<std::pair<std::string, std::string>>{{"nowhere", "foreign"},
                                                        {"batch 9", "batch 2"},
                                                        {"9.1", "2.1"},
                                                        {"retrieval 9", "retrieval 2"}})
    for (size_t at; (at = text.find(from)) != std::string::npos;) text.replace(at, from.size(), to);
  return text;
}

bool tells_of_others(const std::string& text) {
  return text.find("foreign") != std::string::npos || text.find("zoe") != std::string::npos ||
         text.find("7777777777") != std::string::npos;
}

}  // namespace

TEST_CASE("no page shows a manager anything of other workspaces") {
  two_workspaces f;
  for (const auto& target : lists) {
    INFO(target);
    auto answer = f.as(ann, target);
    CHECK(answer.status == 200);
    auto text = answer.text;
    // What the client itself said may come back in links.
    for (size_t at; (at = text.find("caller=zoe")) != std::string::npos;) text.erase(at, 10);
    auto sentence = text.find("zoe is not a manager");
    if (sentence != std::string::npos) text.erase(sentence, 3);
    INFO(text);
    CHECK_FALSE(tells_of_others(text));
  }
}

TEST_CASE("things of other workspaces are missing like those that do not exist") {
  two_workspaces f;
  for (const auto& [there, missing] : things) {
    INFO(there);
    auto answer = f.as(ann, there);
    CHECK(answer.status == 404);
    auto none = f.as(ann, missing);
    CHECK(none.status == 404);
    CHECK(without_names(answer.text) == without_names(none.text));
    // They are there all the same.
    auto wrong_workspace = there.ends_with("workspace=w");
    CHECK(f.as(boss, there).status == (wrong_workspace ? 404 : 200));
  }
}

TEST_CASE("administrators see everything, managers what is theirs") {
  two_workspaces f;
  for (const auto* target :
       {"/et_user/ET_Home.php", "/et_user/ET_AlertWatch.php",
        "/et_user/ET_Holdings_Summary_XML.php", "/gws/etexport/", "/et_admin/ET_Role_List.php",
        "/et_admin/ET_WkspaceOverview-XML.php", "/et_rss/ET_RSS_AlertWatch.php"}) {
    INFO(target);
    CHECK(tells_of_others(f.as(boss, target).text));
    CHECK(f.as(ann, target).text.size() < f.as(boss, target).text.size());
  }
  CHECK(f.as(boss, "/et_user/ET_AlertWatch.php").text.find("foreigntrouble") != std::string::npos);
  CHECK(parsed{f.as(ann, "/et_user/ET_Home.php")}.all("//table/tr/td[1]").size() == 1);
  monitor::viewer nobody{"nobody", false};
  CHECK(f.as(nobody, "/et_user/ET_Holdings_Summary_XML.php").text.find("et_wkspace>") ==
        std::string::npos);
}
