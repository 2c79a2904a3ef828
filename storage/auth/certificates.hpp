// The certificates of a cluster: an authority of its own, on the head, and one for each node. Keys
// are ECDSA on P-256; files lie in STATE/cluster:
//   ca.pem ca.key      the authority; the key on the head only
//   node.pem node.key  this node
#pragma once

#include <openssl/ssl.h>

#include <filesystem>
#include <memory>
#include <string>

#include "storage/error.hpp"
#include "storage/os/clock.hpp"

namespace et {

struct openssl_deleter {
  void operator()(SSL* one) const { SSL_free(one); }
  void operator()(SSL_CTX* one) const { SSL_CTX_free(one); }
  void operator()(X509* one) const { X509_free(one); }
  void operator()(X509_REQ* one) const { X509_REQ_free(one); }
  void operator()(EVP_PKEY* one) const { EVP_PKEY_free(one); }
  void operator()(BIO* one) const { BIO_free_all(one); }
};
template <class T>
using openssl_ptr = std::unique_ptr<T, openssl_deleter>;

constexpr int64_t authority_lifetime_s = 10 * 365 * 86'400ll;
constexpr int64_t node_lifetime_s = 90 * 86'400ll;
/// A certificate with less than this left is renewed.
constexpr int64_t renew_before_s = node_lifetime_s / 3;
constexpr size_t max_certificate_bytes = 16 * 1024;

/// 1 to 64 characters of A-Z a-z 0-9 . _ -
bool is_node_name(const std::string& name);

class certificates {
 public:
  explicit certificates(std::filesystem::path folder, const wall_clock* clock = &system_clock())
      : folder_(std::move(folder)), clock_(clock) {}

  const std::filesystem::path& folder() const { return folder_; }
  bool has_authority() const;
  bool has_certificate() const;

  /// Makes the authority, and the certificate of `node` with it. When it was cut short it can be
  /// called again, and goes on. Errors: already_exists (also when this node has joined another
  /// cluster), invalid_argument (name), io_error.
  caf::error make_authority(const std::string& node);
  /// A request for a certificate of `node`, PEM, with the key of this node, which is made when it
  /// is missing. Error: io_error.
  caf::expected<std::string> request(const std::string& node);
  /// Of the head: the certificate for a request, PEM. `node` is whose it is to be. Errors:
  /// invalid_argument (what is asked is no request of that node), not_found (no authority here).
  caf::expected<std::string> issue(const std::string& request, const std::string& node) const;
  /// Takes what the head issued. Errors: corrupt when it does not fit this node's key, or is of
  /// another authority than the one that this node believes already; nothing is changed then.
  caf::error install(const std::string& authority, const std::string& certificate);

  /// SHA-256 of the authority's certificate, in hex: by it a joiner knows the head.
  caf::expected<std::string> authority_fingerprint() const;
  caf::expected<std::string> authority() const;
  /// SHA-256 of this node's public key, in hex.
  caf::expected<std::string> key_fingerprint() const;
  /// Name and seconds left of this node's certificate; less than 0: expired.
  struct facts {
    std::string node;
    int64_t left_s = 0;
  };
  caf::expected<facts> own() const;

  /// TLS 1.3 with this node's certificate, which asks the other side for one of this authority; a
  /// server with `strangers` lets in who has none. Errors: not_found (not joined yet),
  /// invalid_argument (what is wrong with which file; a key that others can read).
  caf::expected<openssl_ptr<SSL_CTX>> context(bool server, bool strangers) const;

 private:
  std::filesystem::path file(const char* name) const { return folder_ / name; }
  caf::error make_folder() const;
  caf::expected<openssl_ptr<X509>> load_certificate(const char* name) const;
  caf::expected<openssl_ptr<EVP_PKEY>> load_key(const char* name) const;
  caf::expected<openssl_ptr<X509>> sign(const std::string& node, EVP_PKEY* key, EVP_PKEY* signer,
                                        X509* authority, int64_t lifetime_s) const;

  std::filesystem::path folder_;
  const wall_clock* clock_;
};

/// The node that a peer's verified certificate names; empty: it has shown none.
std::string node_of(const SSL* ssl);
/// SHA-256 of the public key that the peer has shown, in hex; empty: none.
std::string key_fingerprint_of(const SSL* ssl);
/// SHA-256 in hex of a certificate in PEM; empty: it is none.
std::string fingerprint_of_pem(const std::string& certificate);
/// What OpenSSL says went wrong last; its queue of errors is empty then.
std::string openssl_error();

}  // namespace et
