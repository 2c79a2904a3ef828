#include "actors/link_pump.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <new>

#include "actors/stream_buffer.hpp"
#include "actors/tls/byte_channel.hpp"

namespace et {

namespace {

/// Reads in a row for one link before others get their turn.
constexpr int rounds_per_turn = 8;

/// What a socket of ours holds on top of the buffers, as far as the kernel allows.
constexpr int socket_buffer_bytes = 1024 * 1024;

void widen(int fd) {
  ::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &socket_buffer_bytes, sizeof socket_buffer_bytes);
}

}  // namespace

class link_pump::link {
 public:
  link(link_pump& pump, uint64_t number, link_options options, unique_fd inside)
      : pump_(pump),
        number_(number),
        options_(std::move(options)),
        outside_(std::move(options_.outside)),
        inside_(std::move(inside)),
        check_(options_.policy),
        last_request_(poll_loop::clock::now()) {}

  /// False when the kernel refuses.
  bool begin() {
    auto handler = [this](uint32_t events) { on_events(events); };
    outside_watch_ = pump_.loop_.watch(outside_.descriptor(), EPOLLIN, handler);
    inside_watch_ = pump_.loop_.watch(inside_.descriptor(), EPOLLIN, [this](uint32_t events) {
      // A hang-up cannot be masked; the rest of this side is read as the other makes room.
      if (events & (EPOLLHUP | EPOLLERR)) pump_.loop_.unwatch(std::exchange(inside_watch_, 0));
      on_events(0);
    });
    if (options_.handshake_timeout.count() > 0)
      handshake_timer_ = pump_.loop_.after(options_.handshake_timeout, [this] {
        handshake_timer_ = 0;
        if (!check_.greeted()) pump_.end(number_, "no greeting in time");
      });
    if (options_.idle_timeout.count() > 0) watch_idleness(options_.idle_timeout);
    return outside_watch_ != 0 && inside_watch_ != 0;
  }

  /// Closes both sides.
  void finish() {
    auto& loop = pump_.loop_;
    loop.unwatch(outside_watch_);
    loop.unwatch(inside_watch_);
    loop.cancel(handshake_timer_);
    loop.cancel(idle_timer_);
    outside_.close();
    inside_.close();
  }

  std::function<void(const std::string&)> take_callback() { return std::move(options_.on_closed); }

 private:
  struct flow {
    stream_buffer buffer;
    bool ended = false;  ///< nothing more will be read
  };

  void on_events(uint32_t events) {
    // With the peer gone nobody is left to answer.
    if (events & (EPOLLHUP | EPOLLERR)) return pump_.end(number_, peer_left);
    const char* why = nullptr;
    try {
      why = move_bytes();
    } catch (const std::bad_alloc&) {
      why = "no memory";
    }
    if (why) return pump_.end(number_, why);
    update_interest();
  }

  /// Returns why the link must end, or nullptr.
  const char* move_bytes() {
    for (int round = 0; round < rounds_per_turn; ++round) {
      bool moving = false;
      if (auto why = move(out_, inside_, outside_, false, moving)) return why;
      if (auto why = move(in_, outside_, inside_, true, moving)) return why;
      if (in_.ended && in_.buffer.judged().empty()) return peer_left;
      if (out_.ended && out_.buffer.empty()) return "the framework has closed the link";
      if (!moving) return nullptr;
    }
    return nullptr;
  }

  const char* move(flow& way, byte_channel& from, byte_channel& to, bool inbound, bool& moving) {
    size_t count = 0;
    if (may_read(way, inbound)) {
      switch (from.read(way.buffer.room(), count)) {
        case moved::some:
          way.buffer.filled(count);
          moving = true;
          break;
        case moved::none:
          break;
        case moved::ended:
          way.ended = true;
          break;
        case moved::failed:
          return "the connection failed";
      }
    }
    if (auto why = judge(way, inbound)) return why;
    auto ready = way.buffer.judged();
    if (ready.empty()) return nullptr;
    switch (to.write(ready, count)) {
      case moved::some:
        way.buffer.written(count);
        moving = true;
        return nullptr;
      case moved::none:
        return nullptr;
      default:
        return inbound ? "the framework has closed the link" : peer_left;
    }
  }

  bool may_read(flow& way, bool inbound) {
    return !way.ended && !way.buffer.room().empty() && !(inbound && check_.saturated());
  }

  const char* judge(flow& way, bool inbound) {
    auto& buffer = way.buffer;
    while (!buffer.unjudged().empty() && !(inbound && check_.saturated())) {
      auto step = inbound ? check_.inbound(buffer.unjudged()) : check_.outbound(buffer.unjudged());
      switch (step.what) {
        case link_step::action::more:
          buffer.expect(step.bytes);
          return nullptr;
        case link_step::action::pass:
          buffer.judge(step.bytes);
          break;
        case link_step::action::drop:
          buffer.erase(step.bytes);
          break;
        case link_step::action::refuse:
          return step.reason;
      }
      if (step.request) last_request_ = poll_loop::clock::now();
    }
    return nullptr;
  }

  void update_interest() {
    uint32_t outside = 0, inside = 0;
    if (may_read(in_, true)) outside |= EPOLLIN;
    if (may_read(out_, false)) inside |= EPOLLIN;
    if (!out_.buffer.judged().empty()) outside |= EPOLLOUT;
    if (!in_.buffer.judged().empty()) inside |= EPOLLOUT;
    pump_.loop_.change(outside_watch_, outside);
    pump_.loop_.change(inside_watch_, inside);
  }

  void watch_idleness(std::chrono::milliseconds delay) {
    idle_timer_ = pump_.loop_.after(delay, [this] {
      idle_timer_ = 0;
      auto idle = poll_loop::clock::now() - last_request_;
      if (idle >= options_.idle_timeout) return pump_.end(number_, "idle for too long");
      watch_idleness(std::chrono::ceil<std::chrono::milliseconds>(options_.idle_timeout - idle));
    });
  }

  link_pump& pump_;
  uint64_t number_;
  link_options options_;
  byte_channel outside_;
  byte_channel inside_;
  link_check check_;
  flow in_;
  flow out_;
  uint64_t outside_watch_ = 0;
  uint64_t inside_watch_ = 0;
  uint64_t handshake_timer_ = 0;
  uint64_t idle_timer_ = 0;
  poll_loop::clock::time_point last_request_;
};

link_pump::~link_pump() = default;

caf::expected<link_pump::opened> link_pump::open(link_options options) {
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0)
    return fail_errno("cannot begin a link", errno);
  unique_fd near{pair[0]}, far{pair[1]};
  for (int fd : {near.get(), far.get(), options.outside.get()}) widen(fd);
  auto number = next_number_++;
  auto held =
      std::make_shared<std::pair<link_options, unique_fd>>(std::move(options), std::move(near));
  loop_.post(
      [this, number, held] { begin(number, std::move(held->first), std::move(held->second)); });
  return opened{number, std::move(far)};
}

void link_pump::begin(uint64_t number, link_options options, unique_fd inside) {
  auto begun = std::make_shared<link>(*this, number, std::move(options), std::move(inside));
  links_[number] = begun;
  if (!begun->begin()) end(number, "cannot wait for the connection");
}

void link_pump::close(uint64_t number, std::string reason) {
  loop_.post([this, number, reason = std::move(reason)] { end(number, reason); });
}

void link_pump::end(uint64_t number, const std::string& reason) {
  auto found = links_.find(number);
  if (found == links_.end()) return;
  // Handlers of this link may be on the stack: it goes when they have returned.
  auto ended = std::move(found->second);
  links_.erase(found);
  ended->finish();
  auto callback = ended->take_callback();
  if (callback) callback(reason);
  loop_.post([ended] {});
}

}  // namespace et
