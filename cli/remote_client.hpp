// A client's way to a service on another machine: TCP, TLS, and the line that says who it is.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "actors/credentials.hpp"
#include "actors/defaults.hpp"
#include "actors/tls_stream.hpp"

namespace et {

/// How to reach a service; for `unix:` addresses only the times count.
struct client_options {
  std::chrono::milliseconds timeout = defaults::connect_timeout;
  std::chrono::milliseconds request_timeout = defaults::client_timeout;  ///< of each later request
  tls_trust trust;
  /// Makes what proves who we are, a new one for each connection. May be empty: then HOST:PORT
  /// cannot be reached. Errors are those of what it does.
  std::function<caf::expected<credential>()> prove;
};

/// Connects to HOST:PORT, checks that it is the trusted server before anything is said, says the
/// line and hears `ok`. The framework's protocol follows. Errors: unavailable, timeout;
/// not_authorised (another server; or our line was refused, with the reason); invalid_argument
/// (address, trust); protocol (no elastictape service).
caf::expected<tls_stream> connect_remote(const std::string& address, const client_options& options);

}  // namespace et
