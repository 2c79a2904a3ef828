// Reads Prometheus' text format 0.0.4, and is as strict as its tools.
#pragma once

#include <catch2/catch.hpp>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace et::test {

struct sample {
  std::string name;
  std::map<std::string, std::string> labels;
  double value = 0;
};

struct exposition {
  std::map<std::string, std::string> types;  ///< by family
  std::map<std::string, std::string> helps;
  std::vector<sample> samples;

  explicit exposition(const std::string& text) {
    static const std::regex line_of{R"(([a-z_:][a-z0-9_:]*)(?:\{(.*)\})? (\S+))"};
    static const std::regex label_of{R"re(([a-z_]+)="((?:[^"\\]|\\.)*)")re"};
    REQUIRE(text.ends_with('\n'));
    std::istringstream in{text};
    for (std::string line; std::getline(in, line);) {
      INFO(line);
      if (line.starts_with("# ")) {
        std::istringstream words{line.substr(2)};
        std::string kind, name, rest;
        words >> kind >> name;
        std::getline(words >> std::ws, rest);
        auto& all = kind == "HELP" ? helps : types;
        REQUIRE((kind == "HELP" || kind == "TYPE"));
        REQUIRE_FALSE(rest.empty());
        REQUIRE(all.emplace(name, rest).second);
        continue;
      }
      std::smatch found;
      REQUIRE(std::regex_match(line, found, line_of));
      sample one{found[1], {}, std::stod(found[3])};
      std::string labels = found[2];
      for (std::sregex_iterator i{labels.begin(), labels.end(), label_of}, end; i != end; ++i)
        one.labels.emplace((*i)[1], (*i)[2]);
      samples.push_back(std::move(one));
    }
  }

  /// The family of a sample's name: without what histograms add.
  std::string family_of(const std::string& name) const {
    for (const auto* suffix : {"_bucket", "_sum", "_count"}) {
      std::string end = suffix;
      if (!name.ends_with(end)) continue;
      auto base = name.substr(0, name.size() - end.size());
      auto found = types.find(base);
      if (found != types.end() && found->second == "histogram") return base;
    }
    return name;
  }

  bool has(const std::string& name) const {
    for (const auto& one : samples)
      if (one.name == name) return true;
    return false;
  }

  double value(const std::string& name,
               const std::map<std::string, std::string>& labels = {}) const {
    for (const auto& one : samples)
      if (one.name == name && one.labels == labels) return one.value;
    FAIL("there is no " << name);
    return 0;
  }
};

/// What promtool checks: help and type for all, names and units, buckets that only grow.
inline void check_conventions(const exposition& all) {
  for (const auto& one : all.samples) {
    auto family = all.family_of(one.name);
    INFO(one.name);
    CHECK(all.types.contains(family));
    CHECK(all.helps.contains(family));
  }
  for (const auto& [name, type] : all.types) {
    INFO(name);
    CHECK(all.helps.contains(name));
    CHECK((name.starts_with("elastictape_") || name.starts_with("process_")));
    CHECK((type == "counter") == name.ends_with("_total"));
    if (type == "histogram") CHECK(name.ends_with("_seconds"));
    for (const auto* unit : {"_ms", "_milliseconds", "_kb", "_megabytes", "_minutes", "_percent"})
      CHECK(name.find(unit) == std::string::npos);
  }
  std::map<std::pair<std::string, std::map<std::string, std::string>>, std::vector<sample>> buckets;
  for (const auto& one : all.samples) {
    if (!one.name.ends_with("_bucket")) continue;
    auto labels = one.labels;
    labels.erase("le");
    buckets[{all.family_of(one.name), labels}].push_back(one);
  }
  for (const auto& [key, series] : buckets) {
    INFO(key.first);
    double last = 0;
    double bound = -1;
    for (const auto& one : series) {
      auto le = one.labels.at("le");
      auto next = le == "+Inf" ? std::numeric_limits<double>::infinity() : std::stod(le);
      CHECK(next > bound);
      CHECK(one.value >= last);
      last = one.value;
      bound = next;
    }
    CHECK(bound == std::numeric_limits<double>::infinity());
    CHECK(last == all.value(key.first + "_count", key.second));
  }
}

}  // namespace et::test
