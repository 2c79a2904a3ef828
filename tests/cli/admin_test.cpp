#include "cli/commands/admin.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "tests/cli/command_fixture.hpp"

using namespace et;
using namespace et::test;

TEST_CASE_METHOD(command_fixture, "set changes only what is named") {
  service.workspaces_held.push_back({workspace_id{1}, "ws", {"/a"}, {"anna"}, 1000, 6, 3, 2});
  admin_workspace_options options;
  options.what = admin_workspace_options::action::set;
  options.name = "ws";
  options.quota_bytes = 5;
  CHECK(run(run_admin_workspace, options) == exit_ok);
  CHECK(service.workspaces_held[0].quota_bytes == 5);
  CHECK(service.workspaces_held[0].roots == std::vector<std::string>{"/a"});
  CHECK(service.workspaces_held[0].managers == std::vector<std::string>{"anna"});
  options.name = "none";
  CHECK(run(run_admin_workspace, options) == exit_parameters);
}

TEST_CASE_METHOD(command_fixture, "workspaces are listed for people and programs") {
  service.workspaces_held.push_back({workspace_id{1}, "ws", {"/a", "/b"}, {}, 1000, 6, 3, 2});
  admin_workspace_options options;
  CHECK(run(run_admin_workspace, options) == exit_ok);
  CHECK(out_fd.text() ==
        "ws\n  roots     /a, /b\n  managers  none\n  quota     1.0 kB (1000 bytes), used 6 B\n"
        "  holds     2 batches, 3 files\n");
  auto before = out_fd.text().size();
  options.json = true;
  CHECK(run(run_admin_workspace, options) == exit_ok);
  auto json = nlohmann::json::parse(out_fd.text().substr(before));
  CHECK(json["roots"] == nlohmann::json{"/a", "/b"});
  CHECK(json["managers"].empty());
}

TEST_CASE_METHOD(command_fixture, "volumes are listed over pages, and one is put out of use") {
  for (const auto* id : {"A", "B", "C"}) service.volumes_held.emplace_back().id = barcode{id};
  service.volumes_held[1].pool = "archive";
  service.volumes_held[1].capacity_bytes = 1000;
  CHECK(run(run_admin_volume, admin_volume_options{}) == exit_ok);
  CHECK(out_fd.text() ==
        "A blank: 0 aggregations, 0 B\nB blank archive: 0 aggregations, 0 B of 1.0 kB\n"
        "C blank: 0 aggregations, 0 B\n");
  CHECK(run(run_admin_volume, admin_volume_options{"C", volume_status::quarantined, true}) ==
        exit_ok);
  CHECK(service.volumes_held[2].status == volume_status::quarantined);
  CHECK(out_fd.text().find("{\"volume\":\"C\",\"status\":\"quarantined\"") != std::string::npos);
  CHECK(run(run_admin_volume, admin_volume_options{"D", volume_status::quarantined}) ==
        exit_parameters);
}

TEST_CASE_METHOD(command_fixture, "the inspector's reports") {
  CHECK(run(run_admin_inspect, admin_inspect_options{}) == exit_ok);
  CHECK(out_fd.text() == "drive drive0\n  volume  ET0001\n  state   idle\n");
  auto before = out_fd.text().size();
  CHECK(run(run_admin_inspect, admin_inspect_options{true}) == exit_ok);
  CHECK(nlohmann::json::parse(out_fd.text().substr(before))["facts"]["state"] == "idle");
}
