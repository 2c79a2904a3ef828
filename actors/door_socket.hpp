// The UNIX socket of the front door, on both sides of it.
#pragma once

#include <chrono>
#include <string>

#include "storage/os/file.hpp"

namespace et {

/// Listens on `path`, non-blocking, for every user of the machine. Replaces a socket that nobody
/// listens on. Errors: locked, invalid_argument, io_error.
caf::expected<unique_fd> listen_at(const std::string& path);

/// Connects to `path` and opens the door (front_door.hpp); on success the framework's protocol
/// follows on the descriptor. Errors: unavailable (nobody listens; says how to start the service),
/// timeout, limit_reached and what else the door says no with, invalid_argument.
caf::expected<unique_fd> knock_at(const std::string& path, std::chrono::milliseconds timeout);

}  // namespace et
