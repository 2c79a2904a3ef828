// Who may do everything.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace et {

/// Root, the user that the service runs as, and who is configured.
struct administrator_list {
  std::vector<std::string> names;  ///< configured

  bool includes(uint32_t uid, const std::string& user) const;
  /// A user of whom only the name is known. May ask the user database for our own.
  bool includes(const std::string& user) const;
};

}  // namespace et
