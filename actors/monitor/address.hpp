// Where the monitor listens.
#pragma once

#include <string>

#include "storage/os/file.hpp"

namespace et::monitor {

struct listening {
  unique_fd socket;  ///< does not block
  std::string host;  ///< as it was written
  uint16_t port = 0;
};

/// Binds `address`. Errors: as server::open().
caf::expected<listening> listen_on(const std::string& address);

}  // namespace et::monitor
