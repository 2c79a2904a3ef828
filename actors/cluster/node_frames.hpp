// What may pass on a link between nodes of a cluster. Both have a certificate of it and are trusted
// with what messages say; a broken header would still end the process, so each is looked at.
#pragma once

#include <cstdint>
#include <span>

namespace et::cluster {

/// Payload of one message between nodes.
constexpr uint32_t max_node_payload_bytes = 32u << 20;

/// Follows the frames (link_check.hpp) of one direction, in pieces of any size. One thread.
class node_frames {
 public:
  /// How many of the first bytes of `input` may pass now; what is left is less than a header.
  /// `reason` is set when the peer broke the rules: nothing passes any more.
  size_t pass(std::span<const uint8_t> input, const char*& reason);

 private:
  const char* fault(std::span<const uint8_t> header);

  uint64_t left_ = 0;  ///< of the payload that is passing
  bool first_ = true;
};

}  // namespace et::cluster
