// /metrics, /healthz and /readyz, and that what is shipped for Prometheus and Grafana fits them.
#include <fstream>

#include "tests/actors/monitor/exposition.hpp"
#include "tests/actors/monitor/two_workspaces.hpp"

using namespace et;
using namespace et::test;
using nlohmann::json;

namespace {

/// Something of every kind has happened.
void use_all(metrics& all) {
  all.put_moved(1000);
  all.get_moved(200);
  all.tape_written(0, 300);
  all.tape_written(1, 30);
  all.tape_read(1, 40);
  all.requested("putcommit", 0.01, false);
  all.requested("putcommit", 20, true);
  all.answered("/healthz", 200, 0.001, 0.002);
  all.batch_event("committed");
  all.mounted(1, 70);
  all.drive_failed(0);
  all.recalled(true);
  all.alerted("warning", 2);
  all.delivered("mail", false);
  all.registered_files.Increment(5);
  all.registered_bytes.Increment(50);
  all.retrievals.Increment();
  all.sessions.Increment();
  for (auto* histogram : {&all.commits, &all.cache_writes, &all.flushes, &all.mounts})
    histogram->Observe(0.3);
}

std::string read(const std::string& file) {
  std::ifstream in{std::string{ET_SOURCE_FOLDER} + "/" + file};
  INFO(file);
  REQUIRE(in);
  return {std::istreambuf_iterator<char>{in}, {}};
}

/// Names of metrics in an expression.
std::set<std::string> names_in(const std::string& expression) {
  static const std::regex name{R"(\b(?:elastictape|process)_[a-z0-9_]+)"};
  std::set<std::string> names;
  for (std::sregex_iterator i{expression.begin(), expression.end(), name}, end; i != end; ++i)
    names.insert(i->str());
  return names;
}

void check_names(const exposition& all, const std::string& expression) {
  INFO(expression);
  auto names = names_in(expression);
  for (const auto& name : names) {
    INFO(name);
    CHECK(all.has(name));
    auto family = all.family_of(name);
    // Rates are of counters only.
    auto at = expression.find("rate(" + name);
    if (at == std::string::npos) at = expression.find("increase(" + name);
    if (at != std::string::npos)
      CHECK((all.types.at(family) == "counter" || all.types.at(family) == "histogram"));
  }
}

std::string after(const std::string& line, const std::string& key) {
  auto at = line.find(key);
  return at == std::string::npos ? std::string{} : line.substr(at + key.size());
}

}  // namespace

TEST_CASE("metrics: the text is as Prometheus wants it") {
  two_workspaces f;
  use_all(f.measures);
  auto answer = f.ask("/metrics");
  REQUIRE(answer.status == 200);
  CHECK(answer.type == "text/plain; version=0.0.4; charset=utf-8");
  exposition all{answer.text};
  check_conventions(all);
  CHECK(all.value("elastictape_put_bytes_total") == 1000);
  CHECK(all.value("elastictape_drive_written_bytes_total", {{"drive", "1"}}) == 30);
  CHECK(all.value("elastictape_request_duration_seconds_count", {{"command", "putcommit"}}) == 2);
  CHECK(all.value("elastictape_request_errors_total", {{"command", "putcommit"}}) == 1);
  CHECK(all.value("elastictape_batches_total", {{"event", "failed"}}) == 0);
  CHECK(all.value("elastictape_alerts_total", {{"severity", "warning"}}) == 2);
  CHECK(all.value("elastictape_cache_used_bytes") == 500);
  CHECK(all.value("elastictape_drives", {{"activity", "reading"}}) == 1);
  CHECK(all.value("elastictape_drives", {{"activity", "idle"}}) == 0);
  CHECK(all.value("elastictape_volumes", {{"status", "suspect"}}) == 1);
  CHECK(all.value("elastictape_volumes", {{"status", "quarantined"}}) == 0);
  CHECK(all.value("elastictape_volumes_absent") == 1);
  CHECK(all.value("elastictape_queue_oldest_seconds", {{"queue", "cache"}}) == 1.5);
  CHECK(all.value("elastictape_oldest_wait_seconds") == 1.5);
  CHECK(all.value("elastictape_workspace_quota_bytes", {{"workspace", "other"}}) == 1000);
  CHECK(all.value("elastictape_workspace_used_bytes", {{"workspace", "other"}}) == 5);
  CHECK(all.value("elastictape_build_info", {{"version", "0.1.0"}}) == 1);
  CHECK(all.value("elastictape_catalogue_writable") == 1);
  CHECK(all.value("process_resident_memory_bytes") > 1e6);
  CHECK(all.value("process_open_fds") > 2);
  auto moved = f.measures.moved();
  CHECK(moved.put == 1000);
  CHECK(moved.get == 200);
  CHECK(moved.tape_write == 330);
  CHECK(moved.tape_read == 40);
}

TEST_CASE("metrics: only administrators find them") {
  two_workspaces f;
  CHECK(f.ask("/metrics", ann).status == 404);
  CHECK(f.ask("/metrics", ann).text.find("elastictape_") == std::string::npos);
}

TEST_CASE("metrics: requests to the monitor are counted by route, and few routes there are") {
  two_workspaces f;
  f.ask("/api/v1/batches/1");
  f.ask("/api/v1/batches/77");
  f.ask("/api/v1/nothing");
  f.ask("/no-page");
  f.ask("/healthz");
  exposition all{f.ask("/metrics").text};
  auto count = [&](const std::string& route, const std::string& status) {
    return all.value("elastictape_monitor_request_duration_seconds_count",
                     {{"route", route}, {"status", status}});
  };
  CHECK(count("/api/v1/batches/{id}", "200") == 1);
  CHECK(count("/api/v1/batches/{id}", "404") == 1);
  CHECK(count("none", "404") == 2);
  CHECK(count("/healthz", "200") == 1);
  CHECK(all.value("elastictape_monitor_first_byte_seconds_count",
                  {{"route", "/api/v1/batches/{id}"}}) == 2);
}

TEST_CASE("healthz and readyz: whether to keep and whether to use the service, without names") {
  two_workspaces f;
  monitor::viewer nobody{{}, false};
  CHECK(f.ask("/healthz", nobody).status == 200);
  CHECK(f.ask("/healthz", nobody).text == "ok\n");
  CHECK(f.ask("/readyz", nobody).text == "ok\n");
  f.live.state.library_known = false;
  CHECK(f.ask("/readyz", nobody).status == 503);
  CHECK(f.ask("/readyz", nobody).text == "not ready: the library's inventory is not known yet\n");
  f.live.state.library_known = true;
  f.live.state.trouble = "the cache keeper does not answer (/secret/path)";
  CHECK(f.ask("/readyz", nobody).text == "not ready: a part of the service does not answer\n");
  CHECK(f.ask("/healthz", nobody).status == 200);
}

TEST_CASE("readyz: a catalogue whose disk is full is told") {
  // More memory than any disk here has: the bound of free space.
  catalogue_store::options options;
  options.memory_bytes = uint64_t{1} << 60;
  fixture f{options, false};
  still_live live;
  live.state.library_known = true;
  monitor::page_context context{&f.store(), "node1", "http://here:80", &live};
  auto answer = read_all(monitor::answer_to(context, "/readyz"));
  CHECK(answer.status == 503);
  CHECK(answer.text == "not ready: the disk of the catalogue is too full to write\n");
}

TEST_CASE("metrics: the alert rules use only what there is") {
  two_workspaces f;
  use_all(f.measures);
  exposition all{f.ask("/metrics").text};
  std::istringstream rules{read("configs/prometheus/elastictape-alerts.yml")};
  size_t alerts = 0;
  std::map<std::string, size_t> parts;
  std::set<std::string> used;
  for (std::string line; std::getline(rules, line);) {
    INFO(line);
    CHECK(line.find('\t') == std::string::npos);
    if (!after(line, "- alert: ").empty()) ++alerts;
    for (const auto* part : {"expr: ", "severity: ", "summary: ", "description: "})
      if (!after(line, part).empty()) ++parts[part];
    auto expression = after(line, "expr: ");
    check_names(all, expression);
    used.merge(names_in(expression));
  }
  CHECK(alerts >= 10);
  CHECK(used.size() >= 10);
  for (const auto& [part, count] : parts) {
    INFO(part);
    CHECK(count == alerts);
  }
  CHECK(parts.size() == 4);
}

TEST_CASE("metrics: the Grafana dashboard uses only what there is") {
  two_workspaces f;
  use_all(f.measures);
  exposition all{f.ask("/metrics").text};
  auto board = json::parse(read("configs/grafana/elastictape-dashboard.json"));
  CHECK(board["title"] == "Elastic Tape");
  CHECK(board["templating"]["list"][0]["type"] == "datasource");
  std::set<int> ids;
  std::set<std::string> used;
  size_t targets = 0;
  for (const auto& panel : board["panels"]) {
    INFO(panel["title"]);
    CHECK(ids.insert(panel["id"].get<int>()).second);
    if (panel["type"] == "row") continue;
    CHECK(panel["datasource"]["uid"] == "${datasource}");
    REQUIRE_FALSE(panel["targets"].empty());
    std::set<std::string> letters;
    for (const auto& target : panel["targets"]) {
      ++targets;
      CHECK(letters.insert(target["refId"]).second);
      auto expression = target["expr"].get<std::string>();
      CHECK_FALSE(names_in(expression).empty());
      check_names(all, expression);
      used.merge(names_in(expression));
    }
  }
  CHECK(targets > 20);
  for (const auto* wanted :
       {"elastictape_put_bytes_total", "elastictape_queue_length", "elastictape_cache_used_bytes",
        "elastictape_drives", "elastictape_request_duration_seconds_bucket",
        "elastictape_workspace_quota_bytes", "elastictape_alerts_total"})
    CHECK(used.contains(wanted));
}
