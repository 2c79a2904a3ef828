// Who a process or a number is to the operating system.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "storage/error.hpp"

namespace et {

/// A user with the groups that decide over access.
struct os_user {
  uint32_t uid = 0;
  uint32_t gid = 0;
  std::vector<uint32_t> groups;  ///< supplementary
  std::string name;              ///< the uid in digits when it has none
};

/// The other end of a connected UNIX socket, as the kernel noted it when it connected: its own
/// groups, not those of the user database. Error: io_error.
struct os_peer {
  os_user user;
  pid_t process = 0;
};
caf::expected<os_peer> peer_of_socket(int fd);

/// The name of a user; digits when the user database does not know it. May ask the network where
/// the database does; answers are kept for a minute. Thread safe.
std::string user_name(uint32_t uid);

/// A user by number or by name, with group and groups of the user database. May ask the network
/// where the database does. Error: not_found.
caf::expected<os_user> find_user(uint32_t uid);
caf::expected<os_user> find_user(const std::string& name);

}  // namespace et
