// Files that the dashboard's pages need, built into the program from the folder assets/.
#pragma once

#include <string>
#include <string_view>

namespace et::monitor {

struct asset {
  std::string_view name;     ///< `dashboard.css`
  std::string_view type;     ///< `text/css; charset=utf-8`
  std::string_view version;  ///< changes with the content
  std::string_view content;
};

/// Null: there is none of that name.
const asset* find_asset(std::string_view name);

/// Where a page finds it: `/assets/NAME?v=VERSION`, an address whose content never changes.
std::string asset_address(std::string_view name);

}  // namespace et::monitor
