// The JSON interface: what is told, in pages, and to whom.
#include "actors/monitor/api/api.hpp"

#include "tests/actors/monitor/served.hpp"
#include "tests/actors/monitor/two_workspaces.hpp"

using namespace et;
using namespace et::test;
using nlohmann::json;

namespace {

std::string number(batch_id id) {
  return std::to_string(id.value);
}

/// Everything that a paged list gives, following its addresses.
std::vector<json> all_pages(two_workspaces& f, std::string target, const std::string& name) {
  std::vector<json> all;
  for (int pages = 0; pages < 100; ++pages) {
    auto page = f.api(target);
    for (auto& one : page[name]) all.push_back(one);
    if (page["next"].is_null()) return all;
    auto next = page["next"].get<std::string>();
    REQUIRE(next.starts_with("/api/v1/"));
    target = next.substr(8);
  }
  FAIL("there is no end");
  return all;
}

}  // namespace

TEST_CASE("api: a batch, its aggregations and files are told as the catalogue has them") {
  two_workspaces f;
  auto batch = f.api("batches/" + number(f.mine));
  CHECK(batch["workspace_name"] == "w");
  CHECK(batch["files"] == 11);
  CHECK(batch["failed_files"] == 1);
  CHECK(batch["in_state"]["CACHED"] == 1);
  CHECK(batch["created"] == "2023-11-14T22:13:20.000Z");
  CHECK(batch["safe"].is_null());
  CHECK(batch["progress"].get<double>() == Approx(2.5 / 3));
  auto aggregations = f.api("batches/" + number(f.mine) + "/aggregations")["aggregations"];
  REQUIRE(aggregations.size() == 3);
  CHECK(aggregations[0]["copies"][0]["volume"] == "VOL001L8");
  CHECK(aggregations[0]["history"][0]["to"] == "REGISTERED");
  CHECK(f.api("aggregations/" + number(f.mine) + ".1")["workspace_name"] == "w");
  auto files = f.api("batches/" + number(f.mine) + "/files")["files"];
  REQUIRE(files.size() == 11);
  CHECK(files[0]["path"] == "/data/bytes%FF<script>");
  CHECK(files[0]["path_base64"] == "L2RhdGEvYnl0ZXP/PHNjcmlwdD4=");
  CHECK_FALSE(files[1].contains("path_base64"));
  auto failed = f.api("batches/" + number(f.mine) + "/files?search=f00004")["files"];
  REQUIRE(failed.size() == 1);
  CHECK(failed[0]["state"] == "FAILED");
  CHECK(failed[0]["reason"] == "size changed");
}

TEST_CASE("api: lists come in pages that join without a gap") {
  two_workspaces f;
  auto base = "batches/" + number(f.mine);
  for (auto limit : {"1", "3", "11", "12"}) {
    INFO(limit);
    auto files = all_pages(f, base + "/files?limit=" + limit, "files");
    REQUIRE(files.size() == 11);
    CHECK(files[10]["path"] == "/data/f00009");
    CHECK(all_pages(f, base + "/files?search=f0000&limit=" + limit, "files").size() == 10);
    CHECK(all_pages(f, base + "/files?search=/data/f0000[0-3]&limit=" + limit, "files").size() ==
          4);
    CHECK(all_pages(f, base + "/aggregations?limit=" + limit, "aggregations").size() == 3);
    CHECK(all_pages(f, std::string{"workspaces/w/batches?limit="} + limit, "batches").size() == 1);
    CHECK(all_pages(f, std::string{"volumes?limit="} + limit, "volumes").size() == 4);
    auto alerts = all_pages(f, std::string{"alerts?limit="} + limit, "alerts");
    REQUIRE(alerts.size() == need(f.view()->alerts(0, 100)).size());
    CHECK(alerts.front()["text"] == "drive 1: does not answer");
    CHECK(alerts.back()["number"] == 1);
  }
  CHECK(f.api(base + "/files?limit=11")["next"].is_null());
}

TEST_CASE("api: to who does not manage a workspace, nothing of it exists") {
  two_workspaces f;
  auto theirs = number(f.theirs);
  for (const auto& target :
       {std::string{"workspaces/other"}, std::string{"workspaces/other/batches"},
        "batches/" + theirs, "batches/" + theirs + "/aggregations", "batches/" + theirs + "/files",
        "aggregations/" + theirs + ".1", std::string{"retrievals/2"},
        std::string{"alerts?workspace=other"}}) {
    INFO(target);
    auto seen = f.ask("/api/v1/" + target, ann);
    CHECK(seen.status == 404);
    CHECK(seen.type == "application/problem+json");
    // The same answer as for what nobody has.
    auto nothing = f.ask("/api/v1/" + target);
    if (target.starts_with("aggregations")) continue;
    CHECK(nothing.status == 200);
  }
  CHECK(f.api("workspaces", ann)["workspaces"].size() == 1);
  CHECK(f.api("workspaces")["workspaces"].size() == 2);
  CHECK(f.api("retrievals", ann)["retrievals"].size() == 1);
  auto alert_list = f.api("alerts", ann)["alerts"];
  for (auto& alert : alert_list) CHECK(alert["workspace"] == "w");
  auto drives = f.api("drives", ann)["drives"];
  CHECK(drives[0]["activity"] == "reading");
  CHECK(drives[0]["aggregation"].is_null());
  CHECK(f.api("drives")["drives"][0]["aggregation"] == theirs + ".1");
  auto overview = f.ask("/api/v1/overview", ann).text;
  CHECK(overview.find("other") == std::string::npos);
  CHECK(overview.find("bob") == std::string::npos);
  CHECK(overview.find("does not answer") == std::string::npos);
  auto document = json::parse(overview);
  CHECK(document["batches_in_motion"] == 1);
  CHECK(document["batches"].size() == 1);
  CHECK(document["cache"]["used_bytes"] == 500);
  CHECK(document["library"]["volumes"]["suspect"] == 1);
  CHECK(f.api("overview")["batches_in_motion"] == 2);
  // Only volumes and the numbers of the service are left to who manages nothing.
  auto stranger = json::parse(f.ask("/api/v1/overview", {"eve", false}).text);
  for (const auto* name : {"batches", "retrievals", "workspaces", "alerts"})
    CHECK(stranger[name].empty());
}

TEST_CASE("api: a manager finds older alerts of the workspace though others raise more") {
  two_workspaces f;
  alert_record old;
  old.workspace = "w";
  old.text = "old but mine";
  f.live.state.alerts.clear();
  for (uint64_t i = 0; i < 20; ++i) {
    alert_record theirs;
    theirs.number = 100 - i;
    theirs.workspace = "other";
    f.live.state.alerts.push_back(theirs);
  }
  f.live.state.older_alerts = {old};
  auto seen = monitor::visible_to(f.live.state, ann);
  REQUIRE(seen.alerts.size() == 1);
  CHECK(seen.alerts[0].text == "old but mine");
  CHECK(seen.volumes.size() == 4);
  CHECK(monitor::visible_to(f.live.state, everybody).alerts.size() == 20);
}

TEST_CASE("api: what is wrong with a request is a problem document") {
  two_workspaces f;
  for (const auto& [target, status] :
       std::vector<std::pair<std::string, int>>{{"nothing", 404},
                                                {"", 404},
                                                {"batches", 404},
                                                {"batches/x", 404},
                                                {"batches/99", 404},
                                                {"batches/-1", 404},
                                                {"batches/1/", 404},
                                                {"batches/1/files/more", 404},
                                                {"aggregations/1", 404},
                                                {"aggregations/1.99", 404},
                                                {"aggregations/1.1%26x", 404},
                                                {"drives/2", 404},
                                                {"drives/99999999999999999999", 404},
                                                {"volumes/NONE", 404},
                                                {"batches/1/files?limit=0", 400},
                                                {"batches/1/files?limit=1001", 400},
                                                {"batches/1/files?limit=many", 400},
                                                {"batches/1/files?search=[", 400},
                                                {"volumes?status=broken", 400},
                                                {"alerts?severity=loud", 400},
                                                {"alerts?severity=%zz", 400},
                                                {"alerts?before=-1", 400},
                                                {"throughput?minutes=2", 400}}) {
    INFO(target);
    auto answer = f.ask("/api/v1/" + target);
    CHECK(answer.status == status);
    REQUIRE(answer.type == "application/problem+json");
    auto problem = json::parse(answer.text);
    CHECK(problem["status"] == status);
    CHECK(problem["title"] == (status == 404 ? "Not found" : "Bad request"));
    CHECK_FALSE(problem["detail"].get<std::string>().empty());
  }
}

TEST_CASE("api: without a live picture the service's own things are not available") {
  fixture f;
  monitor::page_context context{&f.store(), "node1", "http://here:80"};
  CHECK(read_all(monitor::answer_to(context, "/api/v1/overview")).status == 503);
  CHECK(read_all(monitor::answer_to(context, "/api/v1/drives")).status == 503);
  CHECK(read_all(monitor::answer_to(context, "/api/v1/workspaces")).status == 200);
}

TEST_CASE("api: events tell the overview when it has changed, and each second's throughput") {
  two_workspaces f;
  auto made = monitor::answer_to(f.context(), "/api/v1/events", ann);
  REQUIRE(made.type == "text/event-stream");
  REQUIRE(made.events);
  std::string out;
  REQUIRE(made.events(out));
  CHECK(out.starts_with("event: throughput\ndata: {\"time\":\"2023-11-14T22:13:21.000Z\","));
  CHECK(out.find("event: overview\ndata: {") != std::string::npos);
  CHECK(out.find("other") == std::string::npos);
  // The time of the picture alone is no change.
  f.live.state.time_ns += 1'000'000'000;
  out.clear();
  REQUIRE(made.events(out));
  CHECK(out.empty());
  f.live.by_second.push_back({1'700'000'002, 9, 9, 9, 9});
  // Nor is what the viewer cannot see.
  f.live.state.retrievals[1].finished_bytes = 5;
  REQUIRE(made.events(out));
  CHECK(out.starts_with("event: throughput"));
  CHECK(out.find("event: overview") == std::string::npos);
  out.clear();
  f.live.state.retrievals[0].finished_bytes = 500;
  REQUIRE(made.events(out));
  REQUIRE(out.starts_with("event: overview\ndata: "));
  auto told = json::parse(out.substr(out.find('{')));
  CHECK(told["retrievals"][0]["finished_bytes"] == 500);
  CHECK(told["throughput"]["put_bytes"] == 9);
}

TEST_CASE("api: other methods than GET are refused with a document") {
  served f;
  auto client = f.client();
  auto refused = client.Post("/api/v1/workspaces", "{}", "application/json");
  REQUIRE(refused);
  CHECK(refused->status == 405);
  CHECK(refused->get_header_value("Content-Type") == "application/problem+json");
  CHECK(json::parse(refused->body)["title"] == "Method not allowed");
  CHECK(client.Get("/api/v1/workspaces")->status == 200);
}

TEST_CASE("api: who has no login is told so in a document, and readyz asks for none") {
  monitor::server_options options{"127.0.0.1:0"};
  options.access.kind = monitor::access_kind::token;
  served f{monitor::answer_to, options};
  auto client = f.client();
  auto refused = client.Get("/api/v1/workspaces");
  REQUIRE(refused);
  CHECK(refused->status == 401);
  CHECK(refused->has_header("WWW-Authenticate"));
  CHECK(refused->get_header_value("Content-Type") == "application/problem+json");
  CHECK(json::parse(refused->body)["status"] == 401);
  CHECK(client.Get("/metrics")->status == 401);
  CHECK(client.Get("/healthz")->status == 200);
}
