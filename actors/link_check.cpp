#include "actors/link_check.hpp"

#include <algorithm>

namespace et {

namespace {

enum operation : uint8_t {
  server_handshake = 0,
  client_handshake = 1,
  direct_message = 2,
  monitor_message = 4,
  down_message = 5,
  heartbeat = 6,
};

constexpr uint8_t named_receiver_flag = 1;
constexpr uint8_t select_link_flag = 2;
constexpr uint32_t max_down_bytes = 4096;
constexpr uint32_t max_named_bytes = 256;
/// Each side asks the other's spawn server once when it gets to know it.
constexpr unsigned max_named = 2;
constexpr unsigned max_monitors = 16;
/// The greeting of a service has the interface of its actor in it.
constexpr uint32_t max_greeting_bytes = 64 * 1024;
/// Every source becomes a proxy in our process that lives as long as the link.
constexpr size_t max_sources = 16;

// In a message id: the number of a request, and the flags of a plain request of normal priority.
constexpr uint64_t request_mask = 0x0fff'ffff'ffff'ffff;
constexpr uint64_t request_flags = 0x1000'0000'0000'0000;
constexpr uint64_t response_flag = 0x8000'0000'0000'0000;

link_step more(size_t count) {
  return {.what = link_step::action::more, .bytes = count};
}
link_step pass(size_t count) {
  return {.what = link_step::action::pass, .bytes = count};
}
link_step drop(size_t count) {
  return {.what = link_step::action::drop, .bytes = count};
}
link_step refuse(const char* reason) {
  return {.what = link_step::action::refuse, .reason = reason};
}

}  // namespace

struct link_check::header {
  uint8_t operation = 0;
  uint64_t padding = 0;
  uint8_t flags = 0;
  uint32_t payload_bytes = 0;
  uint64_t data = 0;
  uint64_t source = 0;
  uint64_t destination = 0;

  explicit header(std::span<const uint8_t> input) {
    payload_reader in{input};
    uint64_t value = 0;
    in.number(1, value);
    operation = static_cast<uint8_t>(value);
    in.number(2, padding);
    in.number(1, value);
    flags = static_cast<uint8_t>(value);
    in.number(4, value);
    payload_bytes = static_cast<uint32_t>(value);
    in.number(8, data);
    in.number(8, source);
    in.number(8, destination);
  }
  size_t frame_bytes() const { return frame_header_bytes + payload_bytes; }
};

link_step link_check::inbound(std::span<const uint8_t> input) {
  if (inbound_left_ > 0) {
    auto count = static_cast<size_t>(std::min<uint64_t>(inbound_left_, input.size()));
    inbound_left_ -= count;
    return pass(count);
  }
  if (input.size() < frame_header_bytes) return more(frame_header_bytes);
  const header head{input};
  if (head.padding != 0) return refuse("malformed header");
  if (head.payload_bytes > policy_.max_payload_bytes) return refuse("payload too large");
  auto frame = input.first(std::min(input.size(), head.frame_bytes()));
  if (policy_.peer != peer_kind::client) return from_node(head, frame);
  if (!greeted_ && head.operation != client_handshake) return refuse("no greeting first");
  switch (head.operation) {
    case client_handshake:
      return greeting(head, frame);
    case direct_message:
      return head.flags == 0 ? request(head, frame) : named(head, frame);
    case monitor_message:
      return monitor(head, frame);
    case down_message:
      // The end of the peer's actors means nothing to us, the end of the link does.
      if (head.payload_bytes > max_down_bytes) return refuse("payload too large");
      return frame.size() < head.frame_bytes() ? more(head.frame_bytes()) : drop(frame.size());
    case heartbeat:
      if (head.flags || head.payload_bytes || head.data || head.source || head.destination)
        return refuse("malformed heartbeat");
      return pass(frame.size());
    default:
      return refuse("operation not allowed");
  }
}

link_step link_check::greeting(const header& head, std::span<const uint8_t> frame) {
  if (greeted_) return confirmation(head, frame);
  if (head.flags || head.source || head.destination || head.payload_bytes != peer_.size())
    return refuse("malformed greeting");
  if (frame.size() < head.frame_bytes()) return more(head.frame_bytes());
  if (auto why = take_name(frame)) return refuse(why);
  greeted_ = true;
  return pass(frame.size());
}

/// Takes the peer's name from a greeting that is here as a whole. Returns what is wrong with it.
const char* link_check::take_name(std::span<const uint8_t> frame) {
  constexpr auto another = "greeting with the name of another node";
  std::copy_n(frame.begin() + frame_header_bytes, peer_.size(), peer_.begin());
  // The kind of name that we use ourselves; there are others with payloads of their own.
  if (!std::equal(peer_.begin(), peer_.begin() + 8, policy_.own_node.begin()))
    return "malformed greeting";
  if (peer_ == policy_.own_node || peer_ == policy_.taken_node) return another;
  uint64_t process = 0;
  payload_reader in{frame.subspan(frame_header_bytes + 8)};
  in.number(4, process);
  if (policy_.peer_process && *policy_.peer_process != process) return another;
  if (policy_.is_free && !policy_.is_free(peer_)) return another;
  return nullptr;
}

link_step link_check::confirmation(const header& head, std::span<const uint8_t> frame) {
  // Of several links between two nodes, the one to be used. Here there is one.
  if (confirmed_ || head.flags != select_link_flag || head.source || head.destination ||
      head.payload_bytes != peer_.size())
    return refuse("second greeting");
  if (frame.size() < head.frame_bytes()) return more(head.frame_bytes());
  if (!std::equal(peer_.begin(), peer_.end(), frame.begin() + frame_header_bytes))
    return refuse("greeting with the name of another node");
  confirmed_ = true;
  return drop(frame.size());
}

link_step link_check::request(const header& head, std::span<const uint8_t> frame) {
  if (head.destination != policy_.destination) return refuse("message to another actor");
  if ((head.data & ~request_mask) != request_flags || (head.data & request_mask) == 0)
    return refuse("message that is no request");
  if (head.source == 0) return refuse("request without a sender");
  if (frame.size() < head.frame_bytes()) return more(head.frame_bytes());
  if (!is_message_of(*policy_.messages, frame.subspan(frame_header_bytes)))
    return refuse("message that is not in the interface");
  sources_.insert(head.source);
  if (sources_.size() > max_sources) return refuse("too many senders");
  auto key = std::pair{head.source, head.data & request_mask};
  if (!unanswered_.emplace(key, frame.size()).second) return refuse("request sent twice");
  unanswered_bytes_ += frame.size();
  auto step = pass(frame.size());
  step.request = true;
  return step;
}

link_step link_check::named(const header& head, std::span<const uint8_t> frame) {
  constexpr auto spawn_server = static_cast<uint64_t>(caf::atom("SpawnServ"));
  if (head.flags != named_receiver_flag || head.destination != spawn_server ||
      head.payload_bytes > max_named_bytes || named_ == max_named)
    return refuse("message to an actor by name");
  if (frame.size() < head.frame_bytes()) return more(head.frame_bytes());
  ++named_;
  return drop(frame.size());
}

link_step link_check::monitor(const header& head, std::span<const uint8_t> frame) {
  if (head.flags || head.source || head.destination != policy_.destination ||
      head.payload_bytes != 2 * peer_.size())
    return refuse("monitor of another actor");
  if (frame.size() < head.frame_bytes()) return more(head.frame_bytes());
  if (!names_peer_and_us(frame)) return refuse("monitor between other nodes");
  if (++monitors_ > max_monitors) return refuse("too many monitors");
  return pass(frame.size());
}

/// Whether a whole frame begins with the names of the peer and of our process.
bool link_check::names_peer_and_us(std::span<const uint8_t> frame) const {
  auto names = frame.begin() + frame_header_bytes;
  return std::equal(peer_.begin(), peer_.end(), names) &&
         std::equal(policy_.own_node.begin(), policy_.own_node.end(), names + peer_.size());
}

link_step link_check::from_node(const header& head, std::span<const uint8_t> frame) {
  if (!greeted_) return node_greeting(head, frame);
  switch (head.operation) {
    case client_handshake:
      if (policy_.peer != peer_kind::dialling_node) return refuse("second greeting");
      return confirmation(head, frame);
    case direct_message:
      if (head.flags != 0) return named(head, frame);
      if (head.destination == 0) return refuse("message to no actor");
      inbound_left_ = head.frame_bytes() - frame.size();
      return pass(frame.size());
    case monitor_message:
    case down_message:
      return about_actor(head, frame);
    case heartbeat:
      if (head.flags || head.payload_bytes || head.data || head.source || head.destination)
        return refuse("malformed heartbeat");
      return pass(frame.size());
    default:
      return refuse("operation not allowed");
  }
}

link_step link_check::node_greeting(const header& head, std::span<const uint8_t> frame) {
  bool dialled_us = policy_.peer == peer_kind::dialling_node;
  if (head.operation != (dialled_us ? client_handshake : server_handshake))
    return refuse("no greeting first");
  if (dialled_us) return greeting(head, frame);
  if (head.flags || head.source || head.destination || head.payload_bytes < peer_.size() ||
      head.payload_bytes > max_greeting_bytes)
    return refuse("malformed greeting");
  if (frame.size() < head.frame_bytes()) return more(head.frame_bytes());
  if (auto why = take_name(frame)) return refuse(why);
  greeted_ = true;
  return pass(frame.size());
}

/// A node asks for the end of an actor of ours, or tells of one of its own.
link_step link_check::about_actor(const header& head, std::span<const uint8_t> frame) {
  if (head.flags || head.payload_bytes < 2 * peer_.size() || head.payload_bytes > max_down_bytes)
    return refuse("malformed monitor");
  if (frame.size() < head.frame_bytes()) return more(head.frame_bytes());
  if (!names_peer_and_us(frame)) return refuse("monitor between other nodes");
  return pass(frame.size());
}

link_step link_check::outbound(std::span<const uint8_t> input) {
  if (outbound_left_ == 0) {
    if (input.size() < frame_header_bytes) return more(frame_header_bytes);
    const header head{input};
    outbound_left_ = head.frame_bytes();
    outbound_drop_ = head.operation == direct_message && head.flags != 0;
    if (policy_.peer == peer_kind::client && head.operation == direct_message &&
        (head.data & response_flag))
      answered(head);
  }
  auto count = static_cast<size_t>(std::min<uint64_t>(outbound_left_, input.size()));
  outbound_left_ -= count;
  return outbound_drop_ ? drop(count) : pass(count);
}

void link_check::answered(const header& head) {
  auto found = unanswered_.find({head.destination, head.data & request_mask});
  if (found == unanswered_.end()) return;
  unanswered_bytes_ -= found->second;
  unanswered_.erase(found);
}

}  // namespace et
