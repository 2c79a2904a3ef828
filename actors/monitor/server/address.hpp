// Where the monitor listens.
#pragma once

#include <string>

#include "storage/os/file.hpp"

struct sockaddr_storage;

namespace et::monitor {

struct listening {
  unique_fd socket;  ///< does not block
  std::string host;  ///< as it was written
  uint16_t port = 0;
};

/// Binds `address` for `purpose`, as errors name it; unless `guarded` by TLS and access control,
/// only one that nobody but this machine can reach. Errors: as server::open().
caf::expected<listening> listen_on(const std::string& address, bool guarded,
                                   const std::string& purpose = "the monitor");

/// The IP address as a number; that of IPv4 in its own form also when it came by way of IPv6.
std::string address_text(const sockaddr_storage& address);

}  // namespace et::monitor
