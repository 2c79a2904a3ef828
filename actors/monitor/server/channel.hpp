// The bytes of one connection, with or without TLS.
#pragma once

#include <string>

#include "actors/monitor/server/tls.hpp"
#include "storage/os/file.hpp"

namespace et::monitor {

/// What came of moving bytes without waiting.
enum class moved {
  some,
  none,   ///< try again when the socket is ready for wanted()
  ended,  ///< the other side has closed, or failed
};

class channel {
 public:
  /// `socket` is connected and does not block; `ssl`, if any, is a server's side on it, whose
  /// handshake goes on with the first reads. SIGPIPE is ignored by the process.
  explicit channel(unique_fd socket, ssl_ptr ssl = nullptr);

  int descriptor() const { return socket_.get(); }
  /// Appends what has come, one read's worth.
  moved read(std::string& to);
  /// Sends a part of `bytes`, and says how much; there must be some.
  moved write(std::string_view bytes, size_t& written);
  /// What to poll for: to read at the beginning, then what the last move waits for.
  short wanted() const { return wanted_; }

  /// No more is sent; what has come but was not read would make the kernel reset the connection,
  /// and the client would lose the end of its answer.
  void end_gently();
  /// The client is to see that its answer has no end.
  void reset();

 private:
  moved read_tls(std::string& to);
  moved after_tls(int result);

  unique_fd socket_;
  ssl_ptr ssl_;
  short wanted_;
};

}  // namespace et::monitor
