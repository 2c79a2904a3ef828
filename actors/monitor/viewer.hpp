// Who looks at a page, as access control found out; what a client says about itself does not count.
#pragma once

#include <algorithm>
#include <string>

#include "storage/catalogue/records.hpp"

namespace et::monitor {

struct viewer {
  std::string user;           ///< empty: nobody in particular, without access control
  bool administrator = true;  ///< sees everything; everybody is one without access control
  std::string workspace;      ///< the only one that it may see; empty: all that are the user's

  /// Whether pages may show anything of a workspace. To others it does not exist.
  bool sees(const workspace_record& one) const {
    if (!workspace.empty() && one.name != workspace) return false;
    const auto& managers = one.managers;
    return administrator || std::find(managers.begin(), managers.end(), user) != managers.end();
  }
};

}  // namespace et::monitor
