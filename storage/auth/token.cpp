#include "storage/auth/token.hpp"

#include <openssl/rand.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>

namespace et {

namespace {

constexpr std::string_view alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr size_t token_bytes = token_prefix.size() + (token_random_bytes * 8 + 5) / 6;

class openssl_random final : public random_source {
 public:
  caf::error fill(std::span<uint8_t> to) override {
    if (RAND_bytes(to.data(), static_cast<int>(to.size())) == 1) return caf::none;
    return fail(errc::io_error, "this machine has no random numbers; try again");
  }
};

/// base64url of RFC 4648 without padding.
void append_base64url(std::string& out, std::span<const uint8_t> data) {
  uint32_t bits = 0;
  int held = 0;
  for (auto byte : data) {
    bits = (bits << 8 | byte) & 0xffff;
    for (held += 8; held >= 6; held -= 6) out += alphabet[bits >> (held - 6) & 63];
  }
  if (held > 0) out += alphabet[bits << (6 - held) & 63];
}

}  // namespace

random_source& system_random() {
  static openssl_random source;
  return source;
}

caf::expected<new_token> make_token(random_source& random) {
  std::array<uint8_t, token_random_bytes> secret;
  if (auto error = random.fill(secret)) return error;
  new_token made;
  made.text = token_prefix;
  append_base64url(made.text, secret);
  made.hash = token_hash(made.text);
  made.tail = made.text.substr(made.text.size() - token_tail_bytes);
  return made;
}

bool is_token(std::string_view text) {
  return text.size() == token_bytes && text.starts_with(token_prefix) &&
         std::all_of(text.begin() + token_prefix.size(), text.end(),
                     [](char c) { return alphabet.find(c) != std::string_view::npos; });
}

std::string token_hash(std::string_view text) {
  std::string hash(SHA256_DIGEST_LENGTH, '\0');
  SHA256(reinterpret_cast<const uint8_t*>(text.data()), text.size(),
         reinterpret_cast<uint8_t*>(hash.data()));
  return hash;
}

}  // namespace et
