#include "actors/cluster/node_frames.hpp"

#include <algorithm>

#include "actors/link_check.hpp"

namespace et::cluster {

namespace {

enum operation : uint8_t {
  server_handshake = 0,
  client_handshake = 1,
  direct_message = 2,
  monitor_message = 4,
  down_message = 5,
  heartbeat = 6,
};

/// Names of nodes and interfaces; ends of actors.
constexpr uint32_t max_handshake_bytes = 256 * 1024;
constexpr uint32_t max_notice_bytes = 64 * 1024;

uint32_t payload_bytes_of(std::span<const uint8_t> header) {
  uint32_t value = 0;
  for (size_t i = 4; i < 8; ++i) value = value << 8 | header[i];
  return value;
}

}  // namespace

const char* node_frames::fault(std::span<const uint8_t> header) {
  auto size_bytes = payload_bytes_of(header);
  auto what = header[0];
  if (header[1] != 0 || header[2] != 0) return "malformed header";
  bool greets = what == server_handshake || what == client_handshake;
  if (first_ && !greets) return "no greeting first";
  switch (what) {
    case server_handshake:
    case client_handshake:
      return size_bytes > max_handshake_bytes ? "payload too large" : nullptr;
    case direct_message:
      return size_bytes > max_node_payload_bytes ? "payload too large" : nullptr;
    case monitor_message:
    case down_message:
      return size_bytes > max_notice_bytes ? "payload too large" : nullptr;
    case heartbeat:
      return size_bytes != 0 ? "malformed heartbeat" : nullptr;
    default:
      return "operation not allowed";
  }
}

size_t node_frames::pass(std::span<const uint8_t> input, const char*& reason) {
  size_t passed = 0;
  for (;;) {
    auto count = static_cast<size_t>(std::min<uint64_t>(left_, input.size() - passed));
    passed += count;
    left_ -= count;
    if (left_ > 0 || input.size() - passed < frame_header_bytes) return passed;
    auto header = input.subspan(passed, frame_header_bytes);
    if ((reason = fault(header))) return passed;
    first_ = false;
    left_ = frame_header_bytes + payload_bytes_of(header);
  }
}

}  // namespace et::cluster
