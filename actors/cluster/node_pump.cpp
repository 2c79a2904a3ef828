#include "actors/cluster/node_pump.hpp"

#include <openssl/err.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "actors/stream_buffer.hpp"

namespace et::cluster {

pump_end::pump_end() : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

void pump_end::set(std::string reason) {
  if (taken_.exchange(true)) return;
  reason_ = std::move(reason);
  told_ = true;
  uint64_t one = 1;
  [[maybe_unused]] auto n = ::write(event_.get(), &one, sizeof one);
}

std::string pump_end::reason() const {
  return told_ ? reason_ : std::string{};
}

namespace {

constexpr const char* peer_left = "the other node has gone";

bool would_block(int error) {
  return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

class pump {
 public:
  explicit pump(const pump_options& with)
      : ssl_(with.ssl),
        outside_(with.outside),
        inside_(with.inside),
        check_(with.policy),
        greeting_until_(clock::now() + with.greeting_timeout) {}

  std::string run(const pump_end& end) {
    for (;;) {
      const char* why = nullptr;
      bool moved = true;
      // Some turns without asking the kernel, as long as bytes move.
      for (int turn = 0; moved && turn < 16; ++turn) {
        moved = false;
        if ((why = read_outside(moved)) || (why = write_inside(moved)) ||
            (why = read_inside(moved)) || (why = write_outside(moved)))
          return why;
      }
      if (moved) {
        pollfd stop{end.descriptor(), POLLIN, 0};
        if (::poll(&stop, 1, 0) > 0) return end.reason();
        continue;
      }
      pollfd all[3] = {{end.descriptor(), POLLIN, 0},
                       {outside_, outside_events(), 0},
                       {inside_, inside_events(), 0}};
      if (::poll(all, 3, wait_ms()) < 0 && errno != EINTR) return "cannot wait for the link";
      if (all[0].revents) return end.reason();
      if (!check_.greeted() && clock::now() >= greeting_until_) return "no greeting in time";
    }
  }

 private:
  using clock = std::chrono::steady_clock;

  int wait_ms() const {
    if (check_.greeted()) return -1;
    auto left = std::chrono::ceil<std::chrono::milliseconds>(greeting_until_ - clock::now());
    return static_cast<int>(std::clamp<int64_t>(left.count(), 0, 60'000));
  }
  short outside_events() {
    short events = 0;
    if (!in_.room().empty() || read_wants_write_) events |= POLLIN;
    if (write_blocked_ || read_wants_write_) events |= POLLOUT;
    return events;
  }
  short inside_events() {
    short events = 0;
    if (!out_.room().empty()) events |= POLLIN;
    if (!in_.judged().empty()) events |= POLLOUT;
    return events;
  }

  const char* read_outside(bool& moved) {
    read_wants_write_ = false;
    for (;;) {
      auto room = in_.room();
      if (room.empty()) return nullptr;
      int result = SSL_read(ssl_, room.data(), static_cast<int>(room.size()));
      if (result > 0) {
        in_.filled(static_cast<size_t>(result));
        moved = true;
        if (auto why = judge(in_, true)) return why;
        continue;
      }
      switch (SSL_get_error(ssl_, result)) {
        case SSL_ERROR_WANT_READ:
          return nullptr;
        case SSL_ERROR_WANT_WRITE:
          read_wants_write_ = true;
          return nullptr;
        default:
          ERR_clear_error();
          return peer_left;
      }
    }
  }

  const char* write_inside(bool& moved) {
    while (!in_.judged().empty()) {
      auto bytes = in_.judged();
      auto count = ::send(inside_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count < 0) return would_block(errno) ? nullptr : "the framework has closed the link";
      in_.written(static_cast<size_t>(count));
      moved = true;
    }
    return nullptr;
  }

  const char* read_inside(bool& moved) {
    auto room = out_.room();
    if (room.empty()) return nullptr;
    auto count = ::recv(inside_, room.data(), room.size(), 0);
    if (count == 0) return "the framework has closed the link";
    if (count < 0) return would_block(errno) ? nullptr : "the framework has closed the link";
    out_.filled(static_cast<size_t>(count));
    moved = true;
    return judge(out_, false);
  }

  const char* judge(stream_buffer& buffer, bool inbound) {
    while (!buffer.unjudged().empty()) {
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
    }
    return nullptr;
  }

  const char* write_outside(bool& moved) {
    write_blocked_ = false;
    while (!out_.judged().empty()) {
      auto bytes = out_.judged();
      int result = SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size()));
      if (result > 0) {
        out_.written(static_cast<size_t>(result));
        moved = true;
        continue;
      }
      switch (SSL_get_error(ssl_, result)) {
        case SSL_ERROR_WANT_WRITE:
          write_blocked_ = true;
          return nullptr;
        case SSL_ERROR_WANT_READ:
          return nullptr;
        default:
          ERR_clear_error();
          return peer_left;
      }
    }
    return nullptr;
  }

  SSL* ssl_;
  int outside_;
  int inside_;
  stream_buffer in_;
  stream_buffer out_;
  link_check check_;
  clock::time_point greeting_until_;
  bool read_wants_write_ = false;
  bool write_blocked_ = false;
};

}  // namespace

std::string run_pump(const pump_options& with, const pump_end& end) {
  return pump{with}.run(end);
}

}  // namespace et::cluster
