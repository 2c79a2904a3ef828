// Owners of what OpenSSL makes.
#pragma once

#include <openssl/ssl.h>

#include <memory>

namespace et {

struct ssl_deleter {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using ssl_ptr = std::unique_ptr<SSL, ssl_deleter>;
using ssl_context_ptr = std::unique_ptr<SSL_CTX, ssl_deleter>;

}  // namespace et
