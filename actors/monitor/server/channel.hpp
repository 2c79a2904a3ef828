// The bytes of one connection of the monitor, with or without TLS.
#pragma once

#include <string>
#include <string_view>

#include "actors/tls/byte_channel.hpp"

namespace et::monitor {

class channel {
 public:
  /// `socket` is connected and does not block; `ssl`, if any, is a server's side on it, whose
  /// handshake goes on with the first reads. SIGPIPE is ignored by the process.
  explicit channel(unique_fd socket, ssl_ptr ssl = nullptr);

  int descriptor() const { return bytes_.descriptor(); }
  /// Appends what has come, one read's worth. Never moved::failed; that is `ended` here.
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
  moved after(moved what, short wants);

  byte_channel bytes_;
  short wanted_;
};

}  // namespace et::monitor
