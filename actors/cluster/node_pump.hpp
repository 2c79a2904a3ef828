// Carries one link: TLS to the other node on one side, the framework's end on the other, in a
// thread of its own, which waits in the kernel while there is nothing to do.
#pragma once

#include <atomic>
#include <string>

#include "actors/cluster/tls_stream.hpp"

namespace et::cluster {

/// Ends a pump from outside.
class pump_end {
 public:
  pump_end();
  /// Any thread; the first reason counts.
  void set(std::string reason);
  int descriptor() const { return event_.get(); }
  /// Once the descriptor is readable.
  std::string reason() const;

 private:
  unique_fd event_;
  std::atomic<bool> taken_{false};
  std::string reason_;
};

/// Runs until one side ends, or `end` is set; returns why. Both descriptors are non-blocking; the
/// caller closes them.
std::string run_pump(SSL* ssl, int outside, int inside, const pump_end& end);

}  // namespace et::cluster
