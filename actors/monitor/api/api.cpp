#include "actors/monitor/api/api.hpp"

#include <spdlog/spdlog.h>

#include "actors/monitor/api/api_support.hpp"
#include "openapi_text.hpp"

namespace et::monitor {

namespace {

caf::expected<answer> api_description(const page_context&, const query&, const path_words&) {
  answer result;
  result.type = "application/json";
  result.next = once([](std::string& out) { out += openapi_text(); });
  return result;
}

struct api_entry {
  std::string_view pattern;
  api_function make;
};

constexpr api_entry entries[] = {
    {"overview", api_overview},
    {"throughput", api_throughput},
    {"events", api_events},
    {"workspaces", api_workspaces},
    {"workspaces/{name}", api_workspace},
    {"workspaces/{name}/batches", api_workspace_batches},
    {"batches/{id}", api_batch},
    {"batches/{id}/aggregations", api_batch_aggregations},
    {"batches/{id}/files", api_batch_files},
    {"aggregations/{id}", api_aggregation},
    {"retrievals", api_retrievals},
    {"retrievals/{id}", api_retrieval},
    {"drives", api_drives},
    {"drives/{number}", api_drive},
    {"volumes", api_volumes},
    {"volumes/{barcode}", api_volume},
    {"alerts", api_alerts},
    {"nodes", api_nodes},
    {"openapi.json", api_description},
};

std::vector<std::string_view> parts_of(std::string_view path) {
  std::vector<std::string_view> parts;
  for (;;) {
    auto slash = std::min(path.find('/'), path.size());
    parts.push_back(path.substr(0, slash));
    if (slash == path.size()) return parts;
    path.remove_prefix(slash + 1);
  }
}

/// The words that `path` has where `pattern` has braces; nothing when it does not fit.
std::optional<path_words> fit(std::string_view pattern, std::string_view path) {
  auto wanted = parts_of(pattern);
  auto given = parts_of(path);
  if (wanted.size() != given.size()) return std::nullopt;
  path_words words;
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i].starts_with('{')) {
      if (given[i].empty()) return std::nullopt;
      words.emplace_back(given[i]);
    } else if (wanted[i] != given[i]) {
      return std::nullopt;
    }
  }
  return words;
}

std::string_view below_root(std::string_view path) {
  return path.starts_with(api_root) ? path.substr(api_root.size()) : std::string_view{};
}

}  // namespace

std::vector<std::string_view> api_patterns() {
  std::vector<std::string_view> all;
  for (const auto& entry : entries) all.push_back(entry.pattern);
  return all;
}

std::string api_route(std::string_view path) {
  for (const auto& entry : entries)
    if (fit(entry.pattern, below_root(path)))
      return std::string{api_root} + std::string{entry.pattern};
  return "none";
}

answer api_answer(const page_context& context, const query& asked) {
  for (const auto& entry : entries) {
    auto words = fit(entry.pattern, below_root(asked.path()));
    if (!words) continue;
    auto made = entry.make(context, asked, *words);
    return made ? std::move(*made) : problem(made.error());
  }
  return problem(fail(errc::not_found, "there is nothing at " + asked.path()));
}

answer problem(const caf::error& error) {
  auto status = status_of(error);
  auto detail = text_of(error);
  if (status == 500) {
    spdlog::error("monitor: {}", detail);
    detail = "the answer cannot be made; the service's log tells why";
  }
  return problem(status, detail);
}

answer problem(int status, const std::string& detail) {
  // The words begin with the number.
  auto result = document({{"type", "about:blank"},
                          {"title", words_of(status) + 4},
                          {"status", status},
                          {"detail", json_text(detail)}});
  result.status = status;
  result.type = "application/problem+json";
  return result;
}

std::string_view openapi_text() {
  return openapi_document;
}

}  // namespace et::monitor
