// et_rm, status and the administrator's workspaces as their contracts say.

#include <signal.h>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "tests/blackbox/harness.hpp"

using namespace et::blackbox;
using nlohmann::json;

namespace {

using words = std::vector<std::string>;

json workspace(const service& node, const std::string& name = "local") {
  auto shown = node.call({"et_ls", "-w", name, "-L", "workspace", "-F", "json"});
  REQUIRE(shown.code == 0);
  return json::parse(shown.out);
}

outcome remove(const service& node, const std::string& batch, const std::string& name = "local") {
  return node.call({"et_rm", "-w", name, "-b", batch});
}

}  // namespace

TEST_CASE("a removed batch is gone from every listing, its quota and its paths are free") {
  temp_folder folder;
  write_file(folder / "one" / "file", std::string(1000, 'x'));
  write_file(folder / "two" / "file", std::string(500, 'y'));
  fs::create_directory(folder / "back");
  service node{folder / "state"};
  node.start();
  REQUIRE(node.put({"--wait", (folder / "one").string()}) == 1);
  REQUIRE(node.put({"--wait", (folder / "two").string()}) == 2);
  CHECK(workspace(node).at("quota_used") == 1500);

  for (auto* wrong : {"3", "18446744073709551615"}) {
    auto refused = remove(node, wrong);
    CHECK(refused.code == 1);
    CHECK(refused.err.find(wrong) != std::string::npos);
  }
  CHECK(remove(node, "1").code == 0);
  CHECK(workspace(node).at("quota_used") == 500);
  CHECK(workspace(node).at("batches") == 1);
  CHECK(workspace(node).at("files") == 1);
  for (const auto& line :
       {words{"et_ls", "-w", "local"}, words{"et_ls", "-w", "local", "-L", "file"},
        words{"elastictape", "status", "-w", "local", "--json"}}) {
    auto listed = node.call(line).out;
    CHECK(std::count(listed.begin(), listed.end(), '\n') == 1);
    CHECK(listed.find((folder / "one").string()) == std::string::npos);
  }
  for (const auto& line :
       {words{"et_ls", "-w", "local", "-b", "1"},
        words{"elastictape", "status", "-w", "local", "-b", "1"},
        words{"et_get", "-w", "local", "-b", "1", "-r", (folder / "back").string()}})
    CHECK(node.call(line).code == 1);
  auto listed = node.call({"et_get", "-w", "local", "-f", "-", "-r", (folder / "back").string()},
                          (folder / "one" / "file").string() + "\n");
  CHECK(listed.code == 5);
  CHECK(listed.err.find("not held") != std::string::npos);
  CHECK(remove(node, "1").code == 1);
  CHECK(node.put({"--wait", (folder / "one").string()}) == 3);
  // It stays so.
  REQUIRE(node.stop() == 0);
  node.start();
  auto after = node.call({"et_ls", "-w", "local", "-F", "json"}).out;
  CHECK(after.starts_with("{\"batch\":2,"));
  CHECK(after.find("{\"batch\":3,") != std::string::npos);
  CHECK(workspace(node).at("quota_used") == 1500);
}

TEST_CASE("a batch that is not written yet is cancelled when it is removed") {
  temp_folder folder;
  write_file(folder / "tree" / "file", std::string(1000, 'x'));
  service node{folder / "state", "[cache]\nreserve_bytes = \"1000T\"\n"};
  node.start();
  REQUIRE(node.call({"elastictape", "admin", "workspace", "add", "local", "--root", "/", "--quota",
                     "1T"})
              .code == 0);
  REQUIRE(node.put({(folder / "tree").string()}) == 1);
  child waiting{{"elastictape", "status", "-w", "local", "-b", "1", "--wait"},
                {node.surroundings()}};
  REQUIRE(waiting.wait_catches());
  CHECK(remove(node, "1").code == 0);
  CHECK(waiting.wait(std::chrono::minutes{1}) == 1);
  CHECK(workspace(node).at("quota_used") == 0);
  // Nothing of it is left in a queue.
  std::string in_motion;
  for (int i = 0; i < 200 && in_motion != "0"; ++i)
    in_motion = node.fact("batch_director", "in motion");
  CHECK(in_motion == "0");
  REQUIRE(node.stop() == 0);
  node.set_config("[cache]\nreserve_bytes = 0\n");
  node.start();
  REQUIRE(node.put({"--wait", (folder / "tree").string()}) == 2);
  CHECK(node.call({"et_ls", "-w", "local", "-L", "file"}).out.starts_with("F\t2\t"));
}

TEST_CASE("status tells state, progress, aggregations and volumes; in JSON, too") {
  temp_folder folder;
  for (int i = 0; i < 30; ++i)
    write_file(folder / "tree" / std::to_string(i), std::string(50'000, 'x'));
  service node{folder / "state", "[packing]\ntarget_bytes = \"1MiB\"\n"};
  node.start();
  REQUIRE(node.call({"elastictape", "admin", "workspace", "add", "local", "--root", "/", "--quota",
                     "1T"})
              .code == 0);
  REQUIRE(node.put({"-t", "tag", (folder / "tree").string()}) == 1);
  auto waited = node.call({"elastictape", "status", "-w", "local", "-b", "1", "--wait", "--json"});
  CHECK(waited.code == 0);
  auto status = json::parse(waited.out);
  CHECK(status.at("batch") == 1);
  CHECK(status.at("workspace") == "local");
  CHECK(status.at("tag") == "tag");
  CHECK(status.at("state") == "CACHED_SYNCED");
  CHECK(status.at("settled") == true);
  CHECK(status.at("planned") == true);
  CHECK(status.at("files") == 30);
  CHECK(status.at("bytes") == 1'500'000);
  CHECK(status.at("failed_files") == 0);
  CHECK(status.at("failures").empty());
  CHECK(status.at("waits").empty());
  CHECK(status.contains("created"));
  CHECK(status.contains("safe"));
  uint64_t files = 0;
  REQUIRE(status.at("aggregations").size() == 2);
  for (auto& one : status.at("aggregations")) {
    files += one.at("files").get<uint64_t>();
    CHECK(one.at("state") == "CACHED_SYNCED");
    REQUIRE(one.at("copies").size() == 1);
    CHECK(one.at("copies").at(0).at("volume") == "ET0001L8");
  }
  CHECK(files == 30);
  auto text = node.call({"elastictape", "status", "-w", "local", "-b", "1"}).out;
  CHECK(text.find("Batch 1 (tag) of workspace local: CACHED_SYNCED\n") == 0);
  CHECK(text.find("1.1  CACHED_SYNCED") != std::string::npos);
  CHECK(text.find("ET0001L8 at block ") != std::string::npos);
}

TEST_CASE("status of a retrieval") {
  temp_folder folder;
  write_file(folder / "tree" / "file", "content");
  fs::create_directory(folder / "back");
  service node{folder / "state"};
  node.start();
  REQUIRE(node.put({"--wait", (folder / "tree").string()}) == 1);
  auto got =
      node.call({"et_get", "-v", "-w", "local", "-b", "1", "-r", (folder / "back").string()});
  uint64_t id = 0;
  REQUIRE(std::sscanf(got.err.c_str(), "et_get: retrieval %lu begins", &id) == 1);
  for (auto* wait : {"--json", "--wait"}) {
    auto shown = node.call(
        {"elastictape", "status", "-w", "local", "-r", std::to_string(id), "--json", wait});
    CHECK(shown.code == 0);
    auto status = json::parse(shown.out);
    CHECK(status.at("retrieval") == id);
    CHECK(status.at("batch") == 1);
    CHECK(status.at("files") == 1);
    CHECK(status.at("bytes") == 7);
    CHECK(status.at("bad_files") == 0);
    CHECK(status.contains("ended"));
  }
}

TEST_CASE("workspaces are added, changed one thing at a time, listed and removed when empty") {
  temp_folder folder;
  write_file(folder / "tree" / "file", "content");
  service node{folder / "state"};
  node.start();
  auto admin = [&](const words& rest) {
    words line{"elastictape", "admin", "workspace"};
    line.insert(line.end(), rest.begin(), rest.end());
    return node.call(line);
  };
  auto shown = [&](const std::string& name) {
    return json::parse(admin({"list", name, "--json"}).out);
  };
  auto root = (folder / "tree").string();
  CHECK(admin({"add", "new", "--root", root, "/other", "--manager", "ann", "bob", "--quota", "10k"})
            .code == 0);
  CHECK(shown("new").at("roots") == json{root, "/other"});
  CHECK(shown("new").at("managers") == json{"ann", "bob"});
  CHECK(shown("new").at("quota") == 10240);
  CHECK(admin({"add", "new", "--root", "/", "--quota", "1"}).code == 1);
  CHECK(admin({"set", "new", "--quota", "1"}).code == 0);
  CHECK(shown("new").at("roots") == json{root, "/other"});
  CHECK(shown("new").at("quota") == 1);
  CHECK(admin({"set", "new", "--manager", "cat"}).code == 0);
  CHECK(shown("new").at("managers") == json{"cat"});
  CHECK(admin({"set", "new", "--root", root + "/"}).code == 0);
  CHECK(shown("new").at("roots") == json{root});
  for (auto* bad : {"relative", "", "/a/../b"})
    CHECK(admin({"set", "new", "--root", bad}).code == 1);
  for (auto* bad : {"", "two words", "tab\tname", "sl/ash"}) {
    INFO(bad);
    CHECK(admin({"add", bad, "--root", "/", "--quota", "1"}).code == 1);
  }
  CHECK(shown("new").at("roots") == json{root});
  auto over = node.call({"et_put", "-w", "new", root});
  CHECK(over.code == 2);
  CHECK(over.out == "BATCH REJECTED\n");
  CHECK(admin({"set", "new", "--quota", "7"}).code == 0);
  CHECK(node.call({"et_put", "-w", "new", root}).code == 0);
  auto kept = admin({"remove", "new"});
  CHECK(kept.code == 1);
  auto batch = json::parse(node.call({"et_ls", "-w", "new", "-F", "json"}).out).at("batch");
  CHECK(remove(node, batch.dump(), "new").code == 0);
  CHECK(admin({"remove", "new"}).code == 0);
  CHECK(admin({"list", "new"}).code == 1);
  CHECK(node.call({"et_ls", "-w", "new"}).code == 1);
  CHECK(admin({"list"}).out.starts_with("local\n"));
}
