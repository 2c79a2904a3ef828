// TLS on one socket, until a link or an exchange of lines is agreed: calls wait, but never beyond a
// time that was given at the beginning, however slowly the other side drips its bytes.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "storage/auth/certificates.hpp"
#include "storage/os/file.hpp"

namespace et::cluster {

class tls_stream {
 public:
  using clock = std::chrono::steady_clock;

  /// `socket` is connected; it is made non-blocking here.
  tls_stream(unique_fd socket, SSL_CTX* context, clock::time_point until);

  /// Errors of all: timeout, unavailable (the other side has gone), protocol (TLS refused).
  caf::error accept();
  caf::error connect();
  /// Up to the end of the line, without it. Error besides: protocol when it is longer.
  caf::expected<std::string> read_line(size_t at_most);
  caf::error write(std::string_view text);
  /// Ends TLS in order, without waiting for the other side.
  void finish();

  SSL* ssl() { return ssl_.get(); }
  int descriptor() const { return socket_.get(); }
  /// What the stream has, for who goes on with it.
  openssl_ptr<SSL> take_ssl() { return std::move(ssl_); }
  unique_fd take_socket() { return std::move(socket_); }

 private:
  /// Nothing: try again; else what ends it.
  caf::error after(int result, const char* doing);

  unique_fd socket_;
  openssl_ptr<SSL> ssl_;
  clock::time_point until_;
};

/// A connected socket to HOST:PORT. Waits until `until` at most. Errors: invalid_argument,
/// unavailable, timeout.
caf::expected<unique_fd> connect_to(const std::string& address,
                                    tls_stream::clock::time_point until);

}  // namespace et::cluster
