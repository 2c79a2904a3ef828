// Carries bytes between a TLS connection and a plain socket, for those who know plain sockets only:
// the framework and link_pump.
#pragma once

#include <memory>
#include <thread>

#include "actors/tls_stream.hpp"

namespace et {

/// A thread that moves bytes both ways until one side ends; then it ends the other. What one side
/// does not take waits in a buffer of bounded size, and then in the other's socket. Sleeps while
/// nothing happens.
class tls_bridge {
 public:
  /// Error: io_error; the connection is closed then.
  static caf::expected<std::unique_ptr<tls_bridge>> start(tls_stream stream);
  /// Ends both sides.
  ~tls_bridge();

  /// The plain side; once. Blocking, close-on-exec.
  unique_fd take_plain() { return std::move(plain_); }

 private:
  tls_bridge(unique_fd plain, unique_fd wake) : plain_(std::move(plain)), wake_(std::move(wake)) {}

  unique_fd plain_;
  unique_fd wake_;
  std::thread thread_;
};

}  // namespace et
