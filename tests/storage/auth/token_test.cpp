#include "storage/auth/token.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace et;

namespace {

class fixed_random final : public random_source {
 public:
  explicit fixed_random(uint8_t first) : next_(first) {}
  caf::error fill(std::span<uint8_t> to) override {
    for (auto& byte : to) byte = next_++;
    return caf::none;
  }

 private:
  uint8_t next_;
};

class no_random final : public random_source {
 public:
  caf::error fill(std::span<uint8_t>) override { return fail(errc::io_error, "none"); }
};

std::string hex(const std::string& data) {
  constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (auto byte : data)
    text += {digits[static_cast<uint8_t>(byte) >> 4], digits[static_cast<uint8_t>(byte) & 15]};
  return text;
}

}  // namespace

TEST_CASE("a token is its random bytes in base64url") {
  fixed_random random{0};
  auto made = make_token(random);
  REQUIRE(made);
  CHECK(made->text == "et1_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8");
  CHECK(made->tail == made->text.substr(made->text.size() - 4));
  CHECK(made->hash == token_hash(made->text));
  CHECK(is_token(made->text));
  fixed_random high{0xe0};
  CHECK(make_token(high)->text == "et1_4OHi4-Tl5ufo6err7O3u7_Dx8vP09fb3-Pn6-_z9_v8");
  no_random none;
  CHECK_FALSE(make_token(none));
}

TEST_CASE("two tokens of the system differ") {
  auto one = make_token(system_random());
  auto other = make_token(system_random());
  REQUIRE(one);
  REQUIRE(other);
  CHECK(one->text != other->text);
  CHECK(one->hash != other->hash);
}

TEST_CASE("what is no token is not taken for one") {
  for (const auto* text : {"", "et1_", "et1_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh",
                           "et1_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh88",
                           "et2_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
                           "et1_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh+"})
    CHECK_FALSE(is_token(text));
}

TEST_CASE("the hash of a token is SHA-256") {
  CHECK(hex(token_hash("abc")) ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}
