// `/assets/NAME`: style, script and picture of the dashboard.
#include "actors/monitor/dashboard/assets.hpp"
#include "actors/monitor/dashboard/dashboard_pages.hpp"

namespace et::monitor {

std::string asset_address(std::string_view name) {
  const auto* found = find_asset(name);
  return "/assets/" + std::string{name} + "?v=" + std::string{found ? found->version : ""};
}

caf::expected<answer> dashboard_asset(const page_context&, const query& asked) {
  constexpr std::string_view prefix = "/assets/";
  const auto* found = find_asset(std::string_view{asked.path()}.substr(prefix.size()));
  if (!found) return fail(errc::not_found, "there is no page " + asked.path());
  answer result;
  result.type = found->type;
  result.next = once([found](std::string& out) { out += found->content; });
  result.headers.emplace_back("ETag", '"' + std::string{found->version} + '"');
  // An address with another version is another address; without one, it is asked for each time.
  bool named = asked.text("v") == found->version;
  result.headers.emplace_back("Cache-Control",
                              named ? "public, max-age=31536000, immutable" : "no-cache");
  return result;
}

}  // namespace et::monitor
