#include "cli/commands/ls.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <csignal>
#include <sstream>

#include "cli/commands/rm.hpp"
#include "cli/commands/status.hpp"
#include "tests/cli/command_fixture.hpp"

using namespace et;
using namespace et::test;

namespace {

struct ls_fixture : command_fixture {
  ls_options options;

  ls_fixture() {
    options.workspace = "ws";
    service.hold(3, "/d/a\tb\n\\c", "12345");
    service.hold(3, "/d/z, \"q\"\xff", "");
    service.hold(8, "/d/x", "1");
    service.rows[8][0].has_checksum = false;
    service.rows[8][0].state = state::registered;
    service.batches[3].tag = "tag";
    service.batches[3].created_ns = 1'700'000'000'000'000'000;
    service.workspaces_held.push_back({workspace_id{1}, "ws", {"/"}, {"user"}, 1000, 6, 3, 2});
    service.workspaces_held.push_back({workspace_id{2}, "other", {"/"}, {}, 10, 0, 0, 0});
  }
  std::string ls(int code = exit_ok) {
    auto before = out_fd.text().size();
    CHECK(run(run_ls, options) == code);
    return out_fd.text().substr(before);
  }
};

std::string sum(const std::string& content) {
  return to_string(fake_service::checksum(content));
}

}  // namespace

TEST_CASE_METHOD(ls_fixture, "text at every level") {
  CHECK(ls() ==
        "B\t3\ttag\tCACHED_SYNCED\t2023-11-14T22:13:20Z\t2\t5\tuser\n"
        "B\t8\t-\tCACHED_SYNCED\t1970-01-01T00:00:00Z\t1\t1\tuser\n");
  options.level = ls_level::file;
  options.header = true;
  CHECK(ls() ==
        "H\tbatch\tstate\tsize\tmtime\tchecksum\tpath\n"
        "F\t3\tCACHED_SYNCED\t5\t2020-09-13T12:26:40Z\t" +
            sum("12345") +
            "\t/d/a\\tb\\n\\\\c\n"
            "F\t3\tCACHED_SYNCED\t0\t2020-09-13T12:26:40Z\t" +
            sum("") +
            "\t/d/z, \"q\"\xff\n"
            "F\t8\tREGISTERED\t1\t2020-09-13T12:26:40Z\t-\t/d/x\n");
  options.level = ls_level::workspace;
  CHECK(ls() ==
        "H\tworkspace\tbatches\tfiles\tbytes\tquota\tquota used\nW\tws\t2\t3\t6\t1000\t6\n");
  options.workspace.clear();
  options.header = false;
  CHECK(ls() == "W\tws\t2\t3\t6\t1000\t6\nW\tother\t0\t0\t0\t10\t0\n");
}

TEST_CASE_METHOD(ls_fixture, "CSV") {
  options.format = ls_format::csv;
  options.header = true;
  options.level = ls_level::file;
  options.batch = batch_id{3};
  CHECK(ls() ==
        "batch,state,size,mtime,checksum,path\r\n"
        "3,CACHED_SYNCED,5,2020-09-13T12:26:40Z," +
            sum("12345") +
            ",\"/d/a\tb\n\\c\"\r\n"
            "3,CACHED_SYNCED,0,2020-09-13T12:26:40Z," +
            sum("") + ",\"/d/z, \"\"q\"\"\xff\"\r\n");
}

TEST_CASE_METHOD(ls_fixture, "JSON lines") {
  options.format = ls_format::json;
  options.header = true;
  options.level = ls_level::file;
  std::istringstream lines{ls()};
  std::vector<nlohmann::json> rows;
  for (std::string line; std::getline(lines, line);) rows.push_back(nlohmann::json::parse(line));
  REQUIRE(rows.size() == 3);
  CHECK(rows[0]["path"] == "/d/a\tb\n\\c");
  CHECK(rows[0]["size"] == 5);
  CHECK(rows[0]["mtime_ns"] == 1'600'000'000'123'456'789);
  CHECK(rows[0]["checksum"] == sum("12345"));
  CHECK(rows[1]["path"]["bytes"] == base64_encode("/d/z, \"q\"\xff"));
  CHECK(rows[2]["checksum"].is_null());
  options.level = ls_level::batch;
  CHECK(nlohmann::json::parse(ls().substr(0, ls().find('\n')))["tag"] == "tag");
  options.level = ls_level::workspace;
  CHECK(nlohmann::json::parse(ls())["quota_used"] == 6);
}

TEST_CASE_METHOD(ls_fixture, "one batch, no batch, somebody else's") {
  options.batch = batch_id{8};
  CHECK(ls() == "B\t8\t-\tCACHED_SYNCED\t1970-01-01T00:00:00Z\t1\t1\tuser\n");
  options.batch = batch_id{5};
  CHECK(ls(exit_parameters).empty());
  options.batch = {};
  options.workspace = "theirs";
  CHECK(ls(exit_refused).empty());
  service.batches.clear();
  options.workspace = "ws";
  CHECK(ls().empty());
}

TEST_CASE_METHOD(ls_fixture, "a reader that goes away ends the listing with 4, quietly") {
  std::signal(SIGPIPE, SIG_IGN);
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  close(ends[0]);
  output out{ends[1]};
  reporter report{"et_ls", err_fd.get(), false};
  command_context context{out, report, [this] { return connect(); }, {}, 1};
  CHECK(run_ls(options, context) == exit_interrupted);
  CHECK(err_fd.text().empty());
  close(ends[1]);
}

TEST_CASE_METHOD(ls_fixture, "rm") {
  CHECK(run(run_rm, rm_options{"ws", batch_id{3}}) == exit_ok);
  CHECK(service.batches.count(3) == 0);
  CHECK(run(run_rm, rm_options{"ws", batch_id{3}}) == exit_parameters);
  CHECK(run(run_rm, rm_options{"theirs", batch_id{8}}) == exit_refused);
  CHECK(out_fd.text().empty());
}

TEST_CASE_METHOD(ls_fixture, "status as text and JSON") {
  status_options status{"ws", batch_id{3}, false, false, {}, false};
  CHECK(run(run_status, status) == exit_ok);
  CHECK(out_fd.text() ==
        "Batch 3 (tag) of workspace ws: CACHED_SYNCED\n"
        "  put by user at 2023-11-14T22:13:20Z\n"
        "  2 files, 5 B\n"
        "  0 aggregations so far\n"
        "  3.1  CACHED_SYNCED  2 files, 0 B  not on tape\n");
  status.json = true;
  auto before = out_fd.text().size();
  CHECK(run(run_status, status) == exit_ok);
  auto json = nlohmann::json::parse(out_fd.text().substr(before));
  CHECK(json["state"] == "CACHED_SYNCED");
  CHECK(json["settled"] == true);
  CHECK(json["aggregations"][0]["aggregation"] == "3.1");
  status.batch = batch_id{9};
  CHECK(run(run_status, status) == exit_parameters);
  status.batch = {};
  CHECK(run(run_status, status) == exit_ok);
  status.retrieval = retrieval_id{2};
  status.wait = true;
  CHECK(run(run_status, status) == exit_failed);
}
