// The bytes of one connection, with or without TLS, moved without waiting.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "actors/tls/ssl.hpp"
#include "storage/os/file.hpp"

namespace et {

/// What came of moving bytes without waiting.
enum class moved : uint8_t {
  some,
  none,    ///< try again when the socket is ready
  ended,   ///< the other side has closed
  failed,  ///< the connection is of no use any more; see byte_channel::failure()
};

/// Of one thread. SIGPIPE is ignored by the process when there is TLS.
class byte_channel {
 public:
  /// `socket` is a connected stream; `ssl`, if any, is a server's or a client's side on it, with
  /// its state set, and then `socket` must not block. A handshake that has not been made yet goes
  /// on with the first moves of either direction.
  explicit byte_channel(unique_fd socket, ssl_ptr ssl = nullptr);

  int descriptor() const { return socket_.get(); }
  bool secure() const { return ssl_ != nullptr; }
  SSL* ssl() const { return ssl_.get(); }
  /// The handshake, if there is one to make, has been made.
  bool handshaken() const { return !ssl_ || SSL_is_init_finished(ssl_.get()); }

  /// Reads what has come, at most `to.size()` bytes, which must not be 0; `count` says how much.
  /// With TLS what it returned last decides: after `some` more may be here already, of which the
  /// socket does not tell; after `none` the socket does.
  moved read(std::span<uint8_t> to, size_t& count);
  /// Sends a part of `from`, which must not be empty; `count` says how much.
  moved write(std::span<const uint8_t> from, size_t& count);

  /// What to poll for (POLLIN or POLLOUT) before the next read or write is of use.
  short wanted_to_read() const { return read_wants_; }
  short wanted_to_write() const { return write_wants_; }

  /// After moved::failed: what TLS says, as SSL_R_… and as text; 0 and "" when it was the socket.
  int failure() const { return failure_; }
  std::string failure_text() const;

  /// Tells the other side that nothing more comes (close_notify), if TLS is at the point where that
  /// can be said. No reads or writes after it.
  void say_end();
  /// say_end(), and closes the socket.
  void close();

 private:
  moved after_tls(int result, short& wants);
  moved read_tls(std::span<uint8_t> to, size_t& count);
  moved write_tls(std::span<const uint8_t> from, size_t& count);

  unique_fd socket_;
  ssl_ptr ssl_;
  short read_wants_;
  short write_wants_;
  int failure_ = 0;
  moved state_ = moved::some;  ///< of TLS; ended or failed: the library must not be called again
};

}  // namespace et
