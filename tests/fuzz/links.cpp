// The check of what a peer sends over a link: it never asks for more than its bounds, and what it
// passes does not depend on how the bytes were cut.
#include "actors/link_check.hpp"

#include <algorithm>

#include "actors/stream_buffer.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace et;

namespace {

constexpr uint32_t max_payload_bytes = 64 * 1024;

link_policy policy_of(peer_kind peer) {
  link_policy policy;
  policy.peer = peer;
  policy.destination = 7;
  policy.own_node.fill(1);
  policy.own_node[7] = 0;
  policy.max_payload_bytes = max_payload_bytes;
  policy.max_unanswered = 16;
  policy.max_unanswered_bytes = max_payload_bytes;
  policy.is_free = [](const node_bytes&) { return true; };
  return policy;
}

/// Shows `all`, `step` more bytes at a time; what was passed, and `!` when the link would end.
std::string passed(std::span<const uint8_t> all, size_t step, peer_kind peer) {
  link_check check{policy_of(peer)};
  std::string result;
  size_t begin = 0;
  size_t end = 0;
  while (end < all.size()) {
    end = std::min(all.size(), end + step);
    for (;;) {
      auto judged = check.inbound(all.subspan(begin, end - begin));
      if (judged.what == link_step::action::refuse) return result + '!';
      if (judged.what == link_step::action::more) {
        fuzz::require(judged.bytes <= frame_header_bytes + max_payload_bytes + 65'536,
                      "not more is asked for than a frame may have");
        fuzz::require(judged.bytes > end - begin, "what is there is not asked for");
        break;
      }
      fuzz::require(judged.bytes <= end - begin && judged.bytes > 0, "only what is there passes");
      if (judged.what == link_step::action::pass)
        result.append(reinterpret_cast<const char*>(all.data()) + begin, judged.bytes);
      begin += judged.bytes;
      if (begin == end) break;
    }
  }
  return result;
}

/// The same by way of the buffer that links have, from which `step` bytes at a time are written on.
std::string passed_by_buffer(std::span<const uint8_t> all, size_t step, peer_kind peer) {
  link_check check{policy_of(peer)};
  stream_buffer buffer;
  std::string result;
  auto write = [&](size_t most) {
    auto judged = buffer.judged();
    auto count = std::min(most, judged.size());
    result.append(reinterpret_cast<const char*>(judged.data()), count);
    buffer.written(count);
  };
  while (!all.empty()) {
    auto room = buffer.room();
    fuzz::require(!room.empty() || !buffer.judged().empty(),
                  "there is room, or something to write");
    auto count = std::min({room.size(), all.size(), step});
    std::copy_n(all.begin(), count, room.begin());
    buffer.filled(count);
    all = all.subspan(count);
    while (!buffer.unjudged().empty()) {
      auto judged = check.inbound(buffer.unjudged());
      if (judged.what == link_step::action::more) {
        buffer.expect(judged.bytes);
        break;
      }
      if (judged.what == link_step::action::refuse) {
        write(SIZE_MAX);
        return result + '!';
      }
      if (judged.what == link_step::action::pass)
        buffer.judge(judged.bytes);
      else
        buffer.erase(judged.bytes);
    }
    write(step / 2 + 1);
  }
  write(SIZE_MAX);
  return result;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::choices input{data, size};
  auto choice = input.byte();
  size_t step = 1 + input.byte();
  auto peer = static_cast<peer_kind>(choice % 3);
  auto whole = passed(input.rest(), std::max<size_t>(1, input.rest().size()), peer);
  auto cut = passed(input.rest(), step, peer);
  fuzz::require(whole == cut, "it does not matter how the bytes were cut");
  fuzz::require(whole == passed_by_buffer(input.rest(), step, peer), "a buffer changes nothing");
  link_check check{policy_of(peer)};
  auto rest = input.rest();
  for (size_t begin = 0; begin < rest.size();) {
    auto judged = check.outbound(rest.subspan(begin));
    if (judged.what == link_step::action::more || judged.what == link_step::action::refuse) break;
    fuzz::require(judged.bytes > 0 && judged.bytes <= rest.size() - begin, "only what is there");
    begin += judged.bytes;
  }
  return 0;
}
