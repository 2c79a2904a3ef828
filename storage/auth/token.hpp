// Logins for the monitor and for clients on other machines: a secret that only its owner has, and
// what the service keeps of it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "storage/error.hpp"

namespace et {

/// Bytes that nobody can guess.
class random_source {
 public:
  virtual ~random_source() = default;
  /// Error: io_error when there are none.
  virtual caf::error fill(std::span<uint8_t> to) = 0;
};

/// The operating system's, by way of OpenSSL.
random_source& system_random();

constexpr std::string_view token_prefix = "et1_";
constexpr size_t token_random_bytes = 32;
constexpr size_t token_hash_bytes = 32;
/// Last characters of a token by which its owner tells it from others.
constexpr size_t token_tail_bytes = 4;

struct new_token {
  std::string text;  ///< token_prefix and base64url; shown once
  std::string hash;  ///< token_hash(text)
  std::string tail;
};

caf::expected<new_token> make_token(random_source& random);

/// Whether `text` has the form of a token.
bool is_token(std::string_view text);

/// SHA-256. A slow hash would protect secrets that somebody chose; of 256 random bits none can be
/// found by trying, and a page with a login should not cost more than one without.
std::string token_hash(std::string_view text);

}  // namespace et
