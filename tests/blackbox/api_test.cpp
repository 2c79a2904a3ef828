// The JSON interface and the metrics of the installed program, against what its commands say.
#include <httplib.h>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "tests/blackbox/harness.hpp"

using namespace et::blackbox;
using nlohmann::json;

namespace {

constexpr auto patience = std::chrono::seconds{60};

struct interface {
  explicit interface(const service& node) : client(node.monitor()) {}

  std::string text(const std::string& target) {
    auto got = client.Get(target);
    INFO(target);
    REQUIRE(got);
    REQUIRE(got->status == 200);
    return got->body;
  }
  json api(const std::string& target) { return json::parse(text("/api/v1/" + target)); }

  /// The value of one line of /metrics, `NAME` or `NAME{...}`.
  double metric(const std::string& series) {
    std::istringstream lines{text("/metrics")};
    for (std::string line; std::getline(lines, line);)
      if (line.starts_with(series + " ")) return std::stod(line.substr(series.size()));
    FAIL("there is no " << series);
    return 0;
  }

  httplib::Client client;
};

template <class Condition>
void wait_until(Condition holds) {
  REQUIRE(comes(holds));
}

size_t lines_in(const std::string& text) {
  return static_cast<size_t>(std::count(text.begin(), text.end(), '\n'));
}

/// All files of batch 1, page by page.
std::vector<json> all_files(interface& monitor) {
  std::vector<json> all;
  std::string target = "/api/v1/batches/1/files?limit=100";
  for (;;) {
    auto page = json::parse(monitor.text(target));
    for (auto& one : page["files"]) all.push_back(one);
    if (page["next"].is_null()) return all;
    target = page["next"].get<std::string>();
  }
}

}  // namespace

TEST_CASE(
    "api: a put is followed until it is safe; numbers are those of the commands, to the byte") {
  temp_folder folder;
  uint64_t total_bytes = 0;
  constexpr size_t small_files = 250;
  for (size_t i = 0; i < small_files; ++i) {
    write_file(folder / "tree" / ("f" + std::to_string(i)), std::string(i * 7, 'x'));
    total_bytes += i * 7;
  }
  constexpr uint64_t large_bytes = 40'000'003;
  write_file(folder / "tree" / "large", std::string(large_bytes, 'y'));
  total_bytes += large_bytes;
  service node{folder / "state"};
  node.start();
  interface monitor {
    node
  };
  CHECK(monitor.text("/healthz") == "ok\n");
  wait_until([&] { return monitor.client.Get("/readyz")->status == 200; });
  CHECK(monitor.metric("elastictape_put_bytes_total") == 0);

  REQUIRE(node.put({"-t", "followed", (folder / "tree").string()}) == 1);
  double progress = 0;
  wait_until([&] {
    auto overview = monitor.api("overview");
    CHECK(overview["trouble"].is_null());
    CHECK(overview["batches_in_motion"] == overview["batches"].size());
    for (auto& batch : overview["batches"]) {
      CHECK(batch["id"] == 1);
      CHECK(batch["progress"] >= progress);
      progress = batch["progress"];
    }
    // The picture may be half a second older than the catalogue.
    return overview["batches"].empty() && overview["workspaces"][0]["used_bytes"] == total_bytes &&
           overview["cache"]["unsafe_bytes"] == 0 &&
           monitor.api("batches/1")["state"] == "CACHED_SYNCED";
  });

  auto batch = monitor.api("batches/1");
  auto said = node.call({"elastictape", "status", "--json", "-w", "local", "-b", "1"});
  INFO(said.out << said.err);
  REQUIRE(said.code == 0);
  auto status = json::parse(said.out);
  CHECK(batch["files"] == status["files"]);
  CHECK(batch["size_bytes"] == status["bytes"]);
  CHECK(batch["size_bytes"] == total_bytes);
  CHECK(batch["state"] == status["state"]);
  CHECK(batch["progress"] == 1.0);
  auto aggregations = monitor.api("batches/1/aggregations")["aggregations"];
  REQUIRE(aggregations.size() == status["aggregations"].size());
  uint64_t tape_bytes = 0;
  for (size_t i = 0; i < aggregations.size(); ++i) {
    CHECK(aggregations[i]["id"] == status["aggregations"][i]["aggregation"]);
    CHECK(aggregations[i]["size_bytes"] == status["aggregations"][i]["bytes"]);
    CHECK(aggregations[i]["copies"][0]["volume"] ==
          status["aggregations"][i]["copies"][0]["volume"]);
    tape_bytes += aggregations[i]["size_bytes"].get<uint64_t>();
  }
  auto listed = node.call({"et_ls", "-w", "local", "-L", "file"});
  CHECK(all_files(monitor).size() == small_files + 1);
  CHECK(lines_in(listed.out) >= small_files + 1);

  auto workspace = monitor.api("workspaces/local");
  CHECK(workspace["used_bytes"] == total_bytes);
  CHECK(workspace["used_files"] == small_files + 1);
  CHECK(monitor.metric("elastictape_put_bytes_total") == static_cast<double>(total_bytes));
  CHECK(monitor.metric("elastictape_registered_files_total") == small_files + 1);
  CHECK(monitor.metric("elastictape_registered_bytes_total") == static_cast<double>(total_bytes));
  wait_until([&] { return monitor.metric("elastictape_batches_total{event=\"safe\"}") == 1; });
  CHECK(monitor.metric("elastictape_cache_unsafe_bytes") == 0);
  CHECK(monitor.metric("elastictape_workspace_used_bytes{workspace=\"local\"}") ==
        static_cast<double>(total_bytes));
  double written = 0;
  auto drive_list = monitor.api("drives")["drives"];
  for (auto& drive : drive_list) written += drive["written_bytes"].get<double>();
  CHECK(written == static_cast<double>(tape_bytes));
  CHECK(monitor.api("overview")["library"]["written_bytes"] == tape_bytes);

  fs::create_directory(folder / "back");
  REQUIRE(node.call({"et_get", "-w", "local", "-b", "1", "-r", (folder / "back").string()}).code ==
          0);
  CHECK(monitor.metric("elastictape_get_bytes_total") >= static_cast<double>(total_bytes));
  CHECK(monitor.metric("elastictape_get_bytes_total") <= static_cast<double>(tape_bytes));
  CHECK(monitor.metric("elastictape_retrievals_total") == 1);
  CHECK(monitor.api("retrievals/1")["state"] == "completed");

  // The seconds of the throughput are the same bytes.
  wait_until([&] {
    uint64_t put = 0;
    uint64_t tape = 0;
    auto sample_list = monitor.api("throughput?limit=600")["samples"];
    for (auto& sample : sample_list) {
      put += sample["put_bytes"].get<uint64_t>();
      tape += sample["tape_write_bytes"].get<uint64_t>();
    }
    return put == total_bytes && tape == tape_bytes;
  });
  CHECK(node.stop() == 0);
}

TEST_CASE("api: events come while a put runs") {
  temp_folder folder;
  write_file(folder / "tree" / "file", std::string(1'000'000, 'x'));
  service node{folder / "state"};
  node.start();
  std::string stream;
  bool seen = false;
  std::thread put{[&] { node.put({"-t", "x", "--wait", (folder / "tree").string()}); }};
  httplib::Client client{node.monitor()};
  client.set_read_timeout(30);
  auto end = std::chrono::steady_clock::now() + patience;
  client.Get("/api/v1/events", [&](const char* data, size_t size) {
    stream.append(data, size);
    seen = stream.find("event: throughput\ndata: {") != std::string::npos &&
           stream.find("\"used_bytes\":1000000,") != std::string::npos;
    return !seen && std::chrono::steady_clock::now() < end;
  });
  put.join();
  INFO(stream);
  CHECK(seen);
  CHECK(stream.find("event: overview\ndata: {") != std::string::npos);
}
