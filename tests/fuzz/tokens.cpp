// Tokens, and the line with which a client on another machine shows who it is.
#include "storage/auth/token.hpp"

#include "actors/credentials.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace et;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto text = fuzz::text_of_input(data, size);
  if (is_token(text)) {
    fuzz::require(text.starts_with(token_prefix), "a token has its prefix");
    fuzz::require(token_hash(text).size() == token_hash_bytes, "a hash has its size");
  }
  if (auto parsed = parse_credential(text)) {
    auto line = credential_line(*parsed);
    fuzz::require(!line.empty() && line.back() == '\n', "a credential is a line");
    fuzz::require(line.substr(0, line.size() - 1) == text, "a credential is written as it was");
  }
  return 0;
}
