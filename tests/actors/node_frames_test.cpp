#include "actors/cluster/node_frames.hpp"

#include <catch2/catch.hpp>
#include <random>
#include <vector>

using namespace et::cluster;

namespace {

std::vector<uint8_t> frame(uint8_t operation, uint32_t payload_bytes, bool with_payload = true) {
  std::vector<uint8_t> all(32, 0);
  all[0] = operation;
  for (int i = 0; i < 4; ++i) all[4 + i] = static_cast<uint8_t>(payload_bytes >> (24 - 8 * i));
  if (with_payload) all.resize(32 + payload_bytes, 7);
  return all;
}

const char* fault_of(const std::vector<uint8_t>& first, const std::vector<uint8_t>& second) {
  node_frames frames;
  const char* reason = nullptr;
  auto all = first;
  all.insert(all.end(), second.begin(), second.end());
  frames.pass(all, reason);
  return reason;
}

}  // namespace

TEST_CASE("node frames: whole conversations pass, in pieces of any size") {
  std::vector<uint8_t> all;
  for (auto& one :
       {frame(1, 32), frame(2, 1000), frame(6, 0), frame(4, 64), frame(2, 0), frame(5, 9)})
    all.insert(all.end(), one.begin(), one.end());
  std::mt19937 random{7};
  for (int round = 0; round < 50; ++round) {
    node_frames frames;
    std::vector<uint8_t> held;
    size_t passed = 0, at = 0;
    while (at < all.size()) {
      auto count = std::min<size_t>(1 + random() % 200, all.size() - at);
      held.insert(held.end(), all.begin() + static_cast<std::ptrdiff_t>(at),
                  all.begin() + static_cast<std::ptrdiff_t>(at + count));
      at += count;
      const char* reason = nullptr;
      auto some = frames.pass(held, reason);
      REQUIRE(reason == nullptr);
      held.erase(held.begin(), held.begin() + static_cast<std::ptrdiff_t>(some));
      passed += some;
    }
    CHECK(passed == all.size());
  }
}

TEST_CASE("node frames: what would end the process is refused") {
  auto hello = frame(1, 32);
  CHECK(fault_of(frame(2, 10), {}) == std::string{"no greeting first"});
  CHECK(fault_of(hello, frame(2, max_node_payload_bytes + 1, false)) ==
        std::string{"payload too large"});
  CHECK(fault_of(hello, frame(3, 10)) == std::string{"operation not allowed"});
  CHECK(fault_of(hello, frame(200, 10)) == std::string{"operation not allowed"});
  CHECK(fault_of(hello, frame(6, 1)) == std::string{"malformed heartbeat"});
  CHECK(fault_of(hello, frame(5, 1 << 20, false)) == std::string{"payload too large"});
  auto odd = frame(2, 0);
  odd[1] = 1;
  CHECK(fault_of(hello, odd) == std::string{"malformed header"});
  CHECK(fault_of(hello, frame(2, 0)) == nullptr);
}
