#include "actors/tls_stream.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace et {

namespace {

constexpr size_t fingerprint_digits = 64;

/// What the library's queue of errors says; empties it, or a later call would find it.
std::string last_reason() {
  auto code = ERR_peek_last_error();
  ERR_clear_error();
  const char* reason = ERR_reason_error_string(code);
  return reason ? reason : "unknown";
}

caf::error no_tls() {
  return fail(errc::internal, "TLS cannot be set up: " + last_reason());
}

/// A key with a pass phrase is refused; the library would ask for it on the terminal.
int no_pass_phrase(char*, int, int, void*) {
  return 0;
}

struct more_deleter {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using bio_ptr = std::unique_ptr<BIO, more_deleter>;
using x509_ptr = std::unique_ptr<X509, more_deleter>;

bio_ptr reader_of(const std::string& text) {
  return bio_ptr{BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))};
}

caf::expected<tls_context_ptr> new_context(const SSL_METHOD* method) {
  ERR_clear_error();
  tls_context_ptr made{SSL_CTX_new(method)};
  if (!made || SSL_CTX_set_min_proto_version(made.get(), TLS1_3_VERSION) != 1) return no_tls();
  SSL_CTX_set_mode(made.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                   SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(made.get(), SSL_SESS_CACHE_OFF);
  return made;
}

std::string hex(const uint8_t* data, size_t size) {
  constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (size_t i = 0; i < size; ++i) text.append({digits[data[i] >> 4], digits[data[i] & 15]});
  return text;
}

std::string key_fingerprint(X509* certificate) {
  uint8_t* coded = nullptr;
  auto size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &coded);
  if (size <= 0) return {};
  uint8_t hash[EVP_MAX_MD_SIZE];
  unsigned hash_bytes = 0;
  auto done =
      EVP_Digest(coded, static_cast<size_t>(size), hash, &hash_bytes, EVP_sha256(), nullptr);
  OPENSSL_free(coded);
  return done == 1 ? hex(hash, hash_bytes) : std::string{};
}

bool is_address(const std::string& host) {
  in6_addr ignored{};
  return ::inet_pton(AF_INET, host.c_str(), &ignored) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), &ignored) == 1;
}

/// Whom the certificate must name, for the check within the handshake.
bool expect_host(SSL* ssl, const std::string& host) {
  if (is_address(host))
    return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str()) == 1;
  return SSL_set_tlsext_host_name(ssl, host.c_str()) == 1 && SSL_set1_host(ssl, host.c_str()) == 1;
}

bool is_fingerprint(const std::string& text) {
  return text.size() == fingerprint_digits &&
         text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

}  // namespace

caf::expected<unique_fd> open_key_file(const std::string& file) {
  auto fd = open_file(file, O_RDONLY | O_NONBLOCK);
  if (!fd) return fd.error();
  auto bad = [&](const char* why) {
    return fail(errc::invalid_argument, "the key " + file + " cannot be used: " + why);
  };
  struct stat found {};
  if (::fstat(fd->get(), &found) != 0) return fail_errno("cannot look at " + file, errno);
  if (!S_ISREG(found.st_mode)) return bad("it is not a file");
  if (found.st_uid != ::geteuid() && found.st_uid != 0) return bad("it belongs to another user");
  if ((found.st_mode & 0077) != 0) return bad("others can read it; give it mode 0600");
  return fd;
}

caf::expected<tls_context_ptr> tls_server_context(const std::string& certificate,
                                                  const std::string& key) {
  auto context = new_context(TLS_server_method());
  if (!context) return context;
  auto bad = [](const std::string& what) {
    return fail(errc::invalid_argument, what + ": " + last_reason());
  };
  auto chain = reader_of(certificate);
  x509_ptr first{PEM_read_bio_X509_AUX(chain.get(), nullptr, no_pass_phrase, nullptr)};
  if (!first || SSL_CTX_use_certificate(context->get(), first.get()) != 1)
    return bad("the certificate cannot be used");
  while (x509_ptr next{PEM_read_bio_X509(chain.get(), nullptr, no_pass_phrase, nullptr)})
    if (SSL_CTX_add0_chain_cert(context->get(), next.get()) == 1) next.release();
  ERR_clear_error();  // the end of the text is one
  auto source = reader_of(key);
  std::unique_ptr<EVP_PKEY, more_deleter> secret{
      PEM_read_bio_PrivateKey(source.get(), nullptr, no_pass_phrase, nullptr)};
  if (!secret || SSL_CTX_use_PrivateKey(context->get(), secret.get()) != 1)
    return bad("the key cannot be used");
  if (SSL_CTX_check_private_key(context->get()) != 1)
    return bad("the key is not that of the certificate");
  // Nobody comes back with a ticket: each connection says who it is.
  SSL_CTX_set_num_tickets(context->get(), 0);
  return context;
}

caf::expected<tls_context_ptr> tls_client_context(const tls_trust& trust) {
  auto context = new_context(TLS_client_method());
  if (!context) return context;
  if (!trust.fingerprint.empty() && !is_fingerprint(trust.fingerprint))
    return fail(errc::invalid_argument,
                "the server's fingerprint must be 64 digits of 0-9 and "
                "a-f: " +
                    trust.fingerprint.substr(0, 2 * fingerprint_digits));
  if (trust.ca_file.empty()) {
    // With a fingerprint that is compared after the handshake, before anything is said.
    if (trust.fingerprint.empty()) {
      SSL_CTX_set_default_verify_paths(context->get());
      SSL_CTX_set_verify(context->get(), SSL_VERIFY_PEER, nullptr);
    }
    return context;
  }
  if (SSL_CTX_load_verify_locations(context->get(), trust.ca_file.c_str(), nullptr) != 1)
    return fail(errc::invalid_argument, "the authority's certificate " + trust.ca_file +
                                            " cannot be used: " + last_reason());
  SSL_CTX_set_verify(context->get(), SSL_VERIFY_PEER, nullptr);
  return context;
}

caf::expected<std::string> fingerprint_of(const std::string& certificate) {
  auto source = reader_of(certificate);
  x509_ptr found{PEM_read_bio_X509_AUX(source.get(), nullptr, no_pass_phrase, nullptr)};
  if (!found) return fail(errc::invalid_argument, "this is no certificate: " + last_reason());
  return key_fingerprint(found.get());
}

caf::expected<tls_stream> tls_stream::prepare(SSL_CTX* context, unique_fd socket) {
  auto flags = ::fcntl(socket.get(), F_GETFL);
  if (flags < 0 || ::fcntl(socket.get(), F_SETFL, flags | O_NONBLOCK) != 0)
    return fail_errno("cannot use the connection", errno);
  ERR_clear_error();
  tls_ptr ssl{SSL_new(context)};
  if (!ssl || SSL_set_fd(ssl.get(), socket.get()) != 1) return no_tls();
  return tls_stream{std::move(socket), std::move(ssl)};
}

caf::expected<tls_stream> tls_stream::accept(SSL_CTX* context, unique_fd socket,
                                             time_point deadline) {
  auto made = prepare(context, std::move(socket));
  if (!made) return made;
  SSL_set_accept_state(made->ssl());
  if (auto error = made->handshake(deadline)) return error;
  return made;
}

caf::expected<tls_stream> tls_stream::connect(SSL_CTX* context, unique_fd socket,
                                              const std::string& host, const tls_trust& trust,
                                              time_point deadline) {
  auto made = prepare(context, std::move(socket));
  if (!made) return made;
  SSL_set_connect_state(made->ssl());
  if (!expect_host(made->ssl(), host)) return no_tls();
  if (auto error = made->handshake(deadline)) {
    auto verified = SSL_get_verify_result(made->ssl());
    if (verified == X509_V_OK) return error;
    return fail(errc::not_authorised, host + " is not the server that is trusted: " +
                                          X509_verify_cert_error_string(verified) +
                                          "; set CA or Fingerprint under [Server] in et_config");
  }
  if (trust.fingerprint.empty()) return made;
  x509_ptr shown{SSL_get1_peer_certificate(made->ssl())};
  if (shown && key_fingerprint(shown.get()) == trust.fingerprint) return made;
  return fail(errc::not_authorised, host +
                                        " is not the server that is trusted: its key has another "
                                        "fingerprint");
}

caf::error tls_stream::handshake(time_point deadline) {
  for (;;) {
    ERR_clear_error();
    auto result = SSL_do_handshake(ssl_.get());
    if (result == 1) return caf::none;
    if (auto error = wait(result, deadline)) return error;
  }
}

caf::error tls_stream::wait(int result, time_point deadline) {
  pollfd watched{socket_.get(), 0, 0};
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      watched.events = POLLIN;
      break;
    case SSL_ERROR_WANT_WRITE:
      watched.events = POLLOUT;
      break;
    case SSL_ERROR_SSL:
      return fail(errc::protocol, "TLS failed: " + last_reason());
    default:
      ERR_clear_error();
      return fail(errc::unavailable, "the connection was closed");
  }
  for (;;) {
    auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return fail(errc::timeout, "the other side does not answer");
    auto n = ::poll(&watched, 1, static_cast<int>(std::min<int64_t>(left.count(), 60'000)));
    if (n > 0) return caf::none;
    if (n < 0 && errno != EINTR) return fail_errno("cannot wait for the connection", errno);
  }
}

caf::expected<std::string> tls_stream::read_line(size_t max_bytes, time_point deadline) {
  std::string line;
  for (;;) {
    char byte = 0;
    ERR_clear_error();
    auto result = SSL_read(ssl_.get(), &byte, 1);
    if (result <= 0) {
      if (auto error = wait(result, deadline)) return error;
    } else if (byte == '\n') {
      return line;
    } else if (line.size() == max_bytes) {
      return fail(errc::protocol, "the other side's line is too long");
    } else {
      line += byte;
    }
  }
}

caf::error tls_stream::write(std::string_view text, time_point deadline) {
  while (!text.empty()) {
    ERR_clear_error();
    auto result = SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size()));
    if (result > 0)
      text.remove_prefix(static_cast<size_t>(result));
    else if (auto error = wait(result, deadline))
      return error;
  }
  return caf::none;
}

}  // namespace et
