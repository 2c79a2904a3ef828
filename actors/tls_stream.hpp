// TLS 1.3 between clients on other machines and their session: contexts, the handshake, and the
// lines that are said before the framework's protocol. tls_bridge carries what comes behind them.
#pragma once

#include <openssl/ssl.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "storage/os/file.hpp"

namespace et {

struct tls_deleter {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using tls_ptr = std::unique_ptr<SSL, tls_deleter>;
using tls_context_ptr = std::unique_ptr<SSL_CTX, tls_deleter>;

/// Largest file with a certificate and its chain, or with a key, in bytes.
constexpr size_t max_pem_bytes = 256 * 1024;

/// Opens a file with a key. Error: invalid_argument when it is not a file of ours (or root's) that
/// nobody else can read; not_found, io_error.
caf::expected<unique_fd> open_key_file(const std::string& file);

/// A server's context from PEM texts: its certificate first, then those between it and its
/// authority; a key without a pass phrase. Error: invalid_argument.
caf::expected<tls_context_ptr> tls_server_context(const std::string& certificate,
                                                  const std::string& key);

/// By what a client knows its server. A fingerprint alone is enough; without either the system's
/// authorities count.
struct tls_trust {
  std::string ca_file;      ///< PEM; the certificate must be of one of these and name the host
  std::string fingerprint;  ///< SHA-256 of the server's public key, 64 hexadecimal digits
};

/// Error: invalid_argument (file, fingerprint).
caf::expected<tls_context_ptr> tls_client_context(const tls_trust& trust);

/// SHA-256 of the public key of a PEM certificate, as tls_trust::fingerprint has it.
/// Error: invalid_argument.
caf::expected<std::string> fingerprint_of(const std::string& certificate);

/// One connection after its handshake. Of one thread. Each call waits at most until its deadline;
/// after an error the connection is of no use.
class tls_stream {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  /// A server's side of `socket`, which is made non-blocking. Errors: protocol, timeout,
  /// unavailable (the peer has gone).
  static caf::expected<tls_stream> accept(SSL_CTX* context, unique_fd socket, time_point deadline);
  /// A client's side; `host` is what the certificate must name. Errors besides: not_authorised when
  /// the server is not the one that is trusted.
  static caf::expected<tls_stream> connect(SSL_CTX* context, unique_fd socket,
                                           const std::string& host, const tls_trust& trust,
                                           time_point deadline);

  /// A line of at most `max_bytes` without its end; nothing behind it is taken. Errors: protocol
  /// (too long), timeout, unavailable.
  caf::expected<std::string> read_line(size_t max_bytes, time_point deadline);
  /// Errors: timeout, unavailable.
  caf::error write(std::string_view text, time_point deadline);

  SSL* ssl() const { return ssl_.get(); }
  int socket() const { return socket_.get(); }

 private:
  tls_stream(unique_fd socket, tls_ptr ssl) : socket_(std::move(socket)), ssl_(std::move(ssl)) {}
  static caf::expected<tls_stream> prepare(SSL_CTX* context, unique_fd socket);
  caf::error handshake(time_point deadline);
  /// After a call of the library that did not succeed: waits for what it wants.
  caf::error wait(int result, time_point deadline);

  unique_fd socket_;
  tls_ptr ssl_;
};

}  // namespace et
