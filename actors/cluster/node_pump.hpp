// Carries one link: TLS to the other node on one side, the framework's end on the other, in a
// thread of its own, which waits in the kernel while there is nothing to do.
#pragma once

#include <atomic>
#include <chrono>
#include <string>

#include "actors/cluster/tls_stream.hpp"
#include "actors/link_check.hpp"

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
  std::atomic<bool> told_{false};  ///< reason_ may be read
  std::string reason_;
};

struct pump_options {
  SSL* ssl = nullptr;  ///< after its handshake
  int outside = -1;    ///< this and the next non-blocking; the caller closes them
  int inside = -1;
  link_policy policy;                            ///< of a node; is_free is called on this thread
  std::chrono::milliseconds greeting_timeout{};  ///< for the framework's greeting of the other node
};

/// Runs until one side ends, or `end` is set; returns why.
std::string run_pump(const pump_options& with, const pump_end& end);

}  // namespace et::cluster
