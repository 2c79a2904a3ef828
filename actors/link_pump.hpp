// Moves bytes between a peer and the framework's end of a link, past a link_check.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include "actors/link_check.hpp"
#include "actors/poll_loop.hpp"

namespace et {

struct link_options {
  unique_fd outside;  ///< stream socket to the peer
  link_policy policy;
  std::chrono::milliseconds handshake_timeout{0};  ///< for the greeting; 0: none
  std::chrono::milliseconds idle_timeout{0};       ///< without a request of the peer; 0: none
  /// Called once, on the loop's thread, when the link has ended for another reason than the
  /// pump's destruction; both descriptors are closed then.
  std::function<void(const std::string& reason)> on_closed;
};

/// All links of a process, on one poll_loop. Bytes are read once and written once; what does not
/// fit the other side waits in a buffer of bounded size, and then in the sender's socket.
class link_pump {
 public:
  /// `loop` must live longer than this and must have been stopped before this is destroyed.
  explicit link_pump(poll_loop& loop) : loop_(loop) {}
  ~link_pump();

  /// The reason when the peer ended the link in an ordinary way.
  static constexpr const char* peer_left = "the peer has left";

  struct opened {
    uint64_t number = 0;  ///< for close()
    unique_fd inside;     ///< to be given to the framework (publish_over, connect_over)
  };
  /// Begins a link. Any thread. Error: io_error; the outside descriptor is closed then.
  caf::expected<opened> open(link_options options);
  /// Ends a link with a reason of the caller's. No effect if it has ended. Any thread.
  void close(uint64_t number, std::string reason);

 private:
  class link;
  void begin(uint64_t number, link_options options, unique_fd inside);
  void end(uint64_t number, const std::string& reason);

  poll_loop& loop_;
  std::atomic<uint64_t> next_number_{1};
  std::unordered_map<uint64_t, std::shared_ptr<link>> links_;
};

}  // namespace et
