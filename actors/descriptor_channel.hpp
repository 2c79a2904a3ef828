// Hands clients on this host open descriptors of cache files, so that their bytes need not travel
// through two processes. One socket pair a session: the service only ever sends, and reads nothing
// from it.
#pragma once

#include <sys/types.h>

#include <map>
#include <memory>
#include <mutex>
#include <string_view>

#include "storage/error.hpp"
#include "storage/os/file.hpp"

namespace et {

/// Sends `text`, and with it a copy of `fd` unless that is -1, without blocking. False when not all
/// of it went out.
bool send_with_descriptor(int socket, std::string_view text, int fd);
/// Receives at most `room` bytes into `text` and a descriptor that came with them, if any. Returns
/// what recvmsg does: bytes, 0 at the end, -1 with errno.
ssize_t receive_with_descriptor(int socket, char* text, size_t room, unique_fd& fd, int flags);

/// The service's side, for all sessions. Thread safe; never blocks.
class descriptor_channels {
 public:
  /// Opens the channel of a session; the client's end. Error: io_error.
  caf::expected<unique_fd> open(uint64_t session);
  /// Ends it. What the client has received stays open there.
  void close(uint64_t session);
  /// Sends a copy of `fd`. Returns the number that arrives with it, not 0; or 0 when the session
  /// has no channel, or nothing can be sent now.
  uint64_t send(uint64_t session, int fd);

 private:
  std::mutex mutex_;
  std::map<uint64_t, std::shared_ptr<unique_fd>> channels_;
  uint64_t next_number_ = 1;
};

/// The client's side. Thread safe; never blocks.
class descriptor_receiver {
 public:
  /// `channel` may be empty: then nothing ever arrives.
  explicit descriptor_receiver(unique_fd channel) : channel_(std::move(channel)) {}

  /// The descriptor that was sent with `number`; empty when it is not there.
  unique_fd take(uint64_t number);

 private:
  bool receive();

  std::mutex mutex_;
  unique_fd channel_;
  std::map<uint64_t, unique_fd> arrived_;
};

}  // namespace et
