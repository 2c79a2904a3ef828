// What may pass on a link between a process of ours and a peer that is not trusted.
//
// The framework's wire protocol (BASP) trusts its peers: one header can end the process, reach any
// actor in it or claim the name of another node. Plain code, fed with bytes; one object for one
// link, both directions, one thread.
//
// Of a client, a link_check knows the one actor that it may speak to and lets pass a greeting,
// requests to that actor and heartbeats, whole and well-formed; everything else ends the link.
//
// A node that has shown a certificate of the cluster may speak to every actor and hear of its end,
// so its messages are not looked into and pass in pieces. What it may not is what only a broken or
// stolen node would do: call itself by the name of another, speak for others (routed messages) or
// to actors by name, send a header that ends the process or claims gigabytes.
//
// A frame: operation (1 byte), two zeros, flags (1), payload length (4), operation data (8), source
// actor (8), destination actor (8), payload. Big-endian.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "actors/payload_check.hpp"

namespace et {

/// A node's name on the wire: kind (8 bytes), process id (4), host (20).
using node_bytes = std::array<uint8_t, 32>;

constexpr size_t frame_header_bytes = 32;

/// Who is at the other end of a link.
enum class peer_kind : uint8_t {
  client,          ///< anybody
  dialling_node,   ///< a node of the cluster that has connected to us, and greets as clients do
  accepting_node,  ///< a node of the cluster that we have connected to, and greets as services do
};

/// What one link allows.
struct link_policy {
  peer_kind peer = peer_kind::client;
  const std::vector<message_shape>* messages = &client_shapes();  ///< of clients
  uint64_t destination = 0;              ///< the actor that a client may speak to
  node_bytes own_node{};                 ///< our process
  std::optional<uint32_t> peer_process;  ///< the process id that the peer must have, if known
  std::optional<node_bytes> taken_node;  ///< besides own_node, a name the peer must not take
  /// Of nodes: whether no other link's peer has this name. Null: it is not asked.
  std::function<bool(const node_bytes&)> is_free;
  uint32_t max_payload_bytes = 0;
  /// Requests of a client under way: above either of these nothing more is to be read from it.
  size_t max_unanswered = 0;
  size_t max_unanswered_bytes = 0;
};

/// What is to be done with the bytes that a check was shown.
struct link_step {
  enum class action : uint8_t {
    more,    ///< nothing yet: the frame at the front has `bytes` bytes, show at least these
    pass,    ///< the first `bytes` bytes may go on
    drop,    ///< the first `bytes` bytes go no further; that is no offence
    refuse,  ///< the peer broke the rules; `reason` says how; the link must end
  };
  action what = action::more;
  size_t bytes = 0;
  const char* reason = nullptr;
  bool request = false;  ///< the bytes are a request of the peer
};

class link_check {
 public:
  explicit link_check(const link_policy& policy) : policy_(policy) {}

  /// Judges bytes from the peer, beginning with the first not passed or dropped so far. Passes and
  /// drops whole frames only, but for messages of nodes. After `refuse` the object must not be used
  /// any more.
  link_step inbound(std::span<const uint8_t> input);

  /// Judges bytes from our process, which are trusted: drops what the framework asks every new
  /// peer on its own account (its answers would not be let in), passes the rest, in any pieces.
  link_step outbound(std::span<const uint8_t> input);

  /// The peer has greeted.
  bool greeted() const { return greeted_; }
  /// Enough requests are under way; what comes next should wait until some are answered.
  bool saturated() const {
    if (policy_.peer != peer_kind::client) return false;
    return unanswered_.size() >= policy_.max_unanswered ||
           unanswered_bytes_ >= policy_.max_unanswered_bytes;
  }

 private:
  struct header;
  link_step greeting(const header& head, std::span<const uint8_t> frame);
  link_step confirmation(const header& head, std::span<const uint8_t> frame);
  link_step request(const header& head, std::span<const uint8_t> frame);
  link_step named(const header& head, std::span<const uint8_t> frame);
  link_step monitor(const header& head, std::span<const uint8_t> frame);
  link_step from_node(const header& head, std::span<const uint8_t> frame);
  link_step node_greeting(const header& head, std::span<const uint8_t> frame);
  link_step about_actor(const header& head, std::span<const uint8_t> frame);
  bool names_peer_and_us(std::span<const uint8_t> frame) const;
  const char* take_name(std::span<const uint8_t> frame);
  void answered(const header& head);

  link_policy policy_;
  bool greeted_ = false;
  bool confirmed_ = false;
  node_bytes peer_{};
  unsigned named_ = 0;
  unsigned monitors_ = 0;
  std::set<uint64_t> sources_;
  std::map<std::pair<uint64_t, uint64_t>, size_t> unanswered_;  // actor, request id: bytes
  size_t unanswered_bytes_ = 0;
  uint64_t inbound_left_ = 0;   // of a node's message that is passing
  uint64_t outbound_left_ = 0;  // of the payload being passed or dropped
  bool outbound_drop_ = false;
};

}  // namespace et
