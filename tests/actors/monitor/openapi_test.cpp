// docs/openapi.json against the server: what it describes exists and fits, and what exists is
// described.
#include "actors/monitor/api/api.hpp"
#include "tests/actors/monitor/schema.hpp"
#include "tests/actors/monitor/two_workspaces.hpp"

using namespace et;
using namespace et::test;
using nlohmann::json;

namespace {

json description() {
  return json::parse(monitor::openapi_text());
}

/// A path of the file with things that the fixture has.
std::string filled(std::string path, two_workspaces& f) {
  auto id = path.starts_with("/aggregations") ? to_string(f.mine_ids[0])
            : path.starts_with("/retrievals") ? std::to_string(f.retrieval.id.value)
                                              : std::to_string(f.mine.value);
  for (const auto& [name, value] : std::vector<std::pair<std::string, std::string>>{
           {"{id}", id}, {"{name}", "w"}, {"{number}", "1"}, {"{barcode}", "VOL002L8"}}) {
    auto at = path.find(name);
    if (at != std::string::npos) path.replace(at, name.size(), value);
  }
  REQUIRE(path.find('{') == std::string::npos);
  return path.substr(1);
}

const json& schema_of(const json& responses, const std::string& status, const std::string& type) {
  return responses.at(status).at("content").at(type).at("schema");
}

void check_fits(const schema_check& check, const got& answer, const json& responses) {
  INFO(answer.text);
  auto status = std::to_string(answer.status);
  REQUIRE(responses.contains(status));
  CHECK(check.fault(json::parse(answer.text), schema_of(responses, status, answer.type)) == "");
}

/// A value of the parameter's type that it must refuse; empty: every text is one.
std::string refused(const json& parameter) {
  const auto& schema = parameter.at("schema");
  if (schema.at("type") == "integer" || schema.contains("enum")) return "no-such";
  return {};
}

}  // namespace

TEST_CASE("openapi: the description has exactly the paths of the server") {
  auto file = description();
  CHECK(file["openapi"] == "3.1.0");
  CHECK(file["servers"][0]["url"] == "/api/v1");
  std::set<std::string> described;
  for (const auto& [path, unused] : file["paths"].items()) described.insert(path);
  std::set<std::string> served;
  for (auto pattern : monitor::api_patterns()) served.insert("/" + std::string{pattern});
  CHECK(described == served);
  for (const auto& path : described)
    CHECK(monitor::api_route("/api/v1" + path) == "/api/v1" + path);
}

TEST_CASE("openapi: every answer fits its schema, for whoever asks") {
  two_workspaces f;
  auto file = description();
  schema_check check{file};
  for (const auto& [path, item] : file["paths"].items()) {
    INFO(path);
    const auto& responses = item["get"]["responses"];
    if (path == "/events") continue;
    for (const auto& who : {everybody, ann, monitor::viewer{"eve", false}})
      check_fits(check, f.ask("/api/v1/" + filled(path, f), who), responses);
    if (path.find('{') != std::string::npos) {
      auto none =
          path.substr(0, path.find('{')) + "nobody-has-it" + path.substr(path.find('}') + 1);
      auto answer = f.ask("/api/v1" + none);
      CHECK(answer.status == 404);
      check_fits(check, answer, responses);
    }
    // Services without a picture say so.
    auto blind =
        monitor::answer_to({&f.store(), "node1", "http://here:80"}, "/api/v1/" + filled(path, f));
    auto answer = read_all(std::move(blind));
    if (answer.status == 503) check_fits(check, answer, responses);
  }
}

TEST_CASE("openapi: every parameter is read") {
  two_workspaces f;
  auto file = description();
  schema_check check{file};
  const std::map<std::string, std::string> changing{
      {"after", "zzz"}, {"search", "zzz"}, {"pool", "zzz"}, {"workspace", "zzz"}};
  for (const auto& [path, item] : file["paths"].items()) {
    for (const auto& parameter : item["get"].value("parameters", json::array())) {
      auto name = parameter["name"].get<std::string>();
      INFO(path << " " << name);
      if (parameter["in"] == "path") {
        CHECK(path.find("{" + name + "}") != std::string::npos);
        continue;
      }
      auto target = "/api/v1/" + filled(path, f);
      auto bad = refused(parameter);
      if (bad.empty()) {
        auto answer = f.ask(target + "?" + name + "=" + changing.at(name));
        CHECK(answer.text != f.ask(target).text);
        check_fits(check, answer, item["get"]["responses"]);
        continue;
      }
      auto answer = f.ask(target + "?" + name + "=" + bad);
      CHECK(answer.status == 400);
      check_fits(check, answer, item["get"]["responses"]);
      for (const auto& good : parameter["schema"].value("enum", json::array())) {
        auto text = good.is_string() ? good.get<std::string>() : good.dump();
        CHECK(f.ask(target + "?" + name + "=" + text).status == 200);
      }
    }
  }
}

TEST_CASE("openapi: the validator finds what does not fit") {
  auto file = description();
  schema_check check{file};
  json schema{{"$ref", "#/components/schemas/Queue"}};
  json good{{"name", "cache"}, {"waiting", 1}, {"waiting_bytes", 2}, {"oldest_ms", 0}};
  CHECK(check.fault(good, schema).empty());
  auto more = good;
  more["unknown"] = 1;
  CHECK(check.fault(more, schema) == "$: unknown is not described");
  auto less = good;
  less.erase("waiting");
  CHECK(check.fault(less, schema) == "$: \"waiting\" is missing");
  auto other = good;
  other["waiting"] = "1";
  CHECK_FALSE(check.fault(other, schema).empty());
  other["waiting"] = -1;
  CHECK_FALSE(check.fault(other, schema).empty());
  CHECK_FALSE(check.fault(1, {{"enum", {2, 3}}}).empty());
  CHECK_FALSE(check.fault(1, {{"pattern", "x"}}).empty());
}
