// The UNIX socket of the front door, on both sides of it.
#pragma once

#include <chrono>
#include <string>

#include "storage/os/file.hpp"

namespace et {

/// Listens on `path`, non-blocking, for every user of the machine. Replaces a socket that nobody
/// listens on. Errors: locked, invalid_argument, io_error.
caf::expected<unique_fd> listen_at(const std::string& path);

/// What a client has after the door has let it in.
struct opened_door {
  unique_fd session;  ///< the framework's protocol follows here
  unique_fd channel;  ///< for descriptor_receiver; empty when the service lends nothing
};

/// Connects to `path` and opens the door (front_door.hpp). Errors: unavailable (nobody listens;
/// says how to start the service), timeout, limit_reached and what else the door says no with,
/// invalid_argument.
caf::expected<opened_door> knock_at(const std::string& path, std::chrono::milliseconds timeout);

}  // namespace et
