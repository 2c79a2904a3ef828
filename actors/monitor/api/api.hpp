// The JSON interface: everything below /api/v1/. What is there: docs/openapi.json, which a test
// compares with this code, and docs/json-interface.md.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actors/monitor/answer.hpp"

namespace et::monitor {

inline constexpr std::string_view api_root = "/api/v1/";

/// The answer for a path below api_root; what goes wrong is a problem().
answer api_answer(const page_context& context, const query& asked);

/// Paths of the interface as in OpenAPI, with `{name}` for what varies, below api_root.
std::vector<std::string_view> api_patterns();
/// The pattern that a whole path belongs to, with api_root; `none`: to none.
std::string api_route(std::string_view path);

/// An error as a document (RFC 9457), with the status that error_page() has.
answer problem(const caf::error& error);
answer problem(int status, const std::string& detail);

/// What `who` may see of the picture: nothing of other workspaces, numbers of the service itself.
live_state visible_to(const live_state& state, const viewer& who);

/// The picture as the overview document; `last`: the last sample of the throughput.
std::string overview_json(const live_state& state, const std::optional<throughput_sample>& last,
                          const viewer& who);

/// docs/openapi.json.
std::string_view openapi_text();

}  // namespace et::monitor
