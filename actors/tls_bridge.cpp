#include "actors/tls_bridge.hpp"

#include <fcntl.h>
#include <openssl/err.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

namespace et {

namespace {

constexpr size_t buffer_bytes = 256 * 1024;
constexpr int socket_bytes = 1024 * 1024;

/// Bytes on their way in one direction.
struct flow {
  std::vector<char> buffer = std::vector<char>(buffer_bytes);
  size_t begin = 0;
  size_t end = 0;
  bool ended = false;  ///< nothing more will be read

  bool empty() const { return begin == end; }
  size_t room() {
    if (empty()) begin = end = 0;
    return buffer.size() - end;
  }
};

enum class step { moved, waits, closed };

class mover {
 public:
  mover(tls_stream stream, unique_fd plain, int wake)
      : stream_(std::move(stream)), plain_(std::move(plain)), wake_(wake) {}

  void run() {
    for (;;) {
      bool moved = false;
      for (auto part :
           {&mover::read_tls, &mover::write_plain, &mover::read_plain, &mover::write_tls})
        switch ((this->*part)()) {
          case step::moved:
            moved = true;
            break;
          case step::waits:
            break;
          case step::closed:
            return finish();
        }
      if ((in_.ended && in_.empty()) || (out_.ended && out_.empty())) return finish();
      if (!moved && !wait()) return finish();
    }
  }

 private:
  /// Notes what the library wants before the same call can go on.
  step after(int result, short& wanted) {
    switch (SSL_get_error(stream_.ssl(), result)) {
      case SSL_ERROR_WANT_READ:
        wanted = POLLIN;
        return step::waits;
      case SSL_ERROR_WANT_WRITE:
        wanted = POLLOUT;
        return step::waits;
      default:
        ERR_clear_error();
        return step::closed;
    }
  }

  step read_tls() {
    read_wants_ = 0;
    if (in_.ended || in_.room() == 0) return step::waits;
    ERR_clear_error();
    auto n = SSL_read(stream_.ssl(), in_.buffer.data() + in_.end, static_cast<int>(in_.room()));
    if (n > 0) {
      in_.end += static_cast<size_t>(n);
      return step::moved;
    }
    // What was read before still goes on.
    if (after(n, read_wants_) == step::closed) in_.ended = true;
    return step::waits;
  }

  step write_tls() {
    write_wants_ = 0;
    if (out_.empty()) return step::waits;
    ERR_clear_error();
    auto n = SSL_write(stream_.ssl(), out_.buffer.data() + out_.begin,
                       static_cast<int>(out_.end - out_.begin));
    if (n <= 0) return after(n, write_wants_);
    out_.begin += static_cast<size_t>(n);
    return step::moved;
  }

  step read_plain() {
    if (out_.ended || out_.room() == 0) return step::waits;
    auto n = ::recv(plain_.get(), out_.buffer.data() + out_.end, out_.room(), MSG_DONTWAIT);
    if (n > 0) {
      out_.end += static_cast<size_t>(n);
      return step::moved;
    }
    if (n == 0) out_.ended = true;
    return n == 0 || errno == EAGAIN || errno == EINTR ? step::waits : step::closed;
  }

  step write_plain() {
    if (in_.empty()) return step::waits;
    auto n = ::send(plain_.get(), in_.buffer.data() + in_.begin, in_.end - in_.begin,
                    MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0) return errno == EAGAIN || errno == EINTR ? step::waits : step::closed;
    in_.begin += static_cast<size_t>(n);
    return step::moved;
  }

  /// False when the bridge is to end.
  bool wait() {
    pollfd watched[3] = {{stream_.socket(), static_cast<short>(read_wants_ | write_wants_), 0},
                         {plain_.get(), 0, 0},
                         {wake_, POLLIN, 0}};
    if (!out_.ended && out_.room() > 0) watched[1].events |= POLLIN;
    if (!in_.empty()) watched[1].events |= POLLOUT;
    // A side that nothing is asked of would still wake us with its hang-up, again and again.
    for (auto& one : watched)
      if (one.events == 0) one.fd = -1;
    while (::poll(watched, 3, -1) < 0)
      if (errno != EINTR) return false;
    return watched[2].revents == 0;
  }

  void finish() {
    ERR_clear_error();
    SSL_shutdown(stream_.ssl());
    ERR_clear_error();
    ::shutdown(stream_.socket(), SHUT_RDWR);
    ::shutdown(plain_.get(), SHUT_RDWR);
  }

  tls_stream stream_;
  unique_fd plain_;
  int wake_;
  flow in_, out_;
  short read_wants_ = 0, write_wants_ = 0;
};

}  // namespace

caf::expected<std::unique_ptr<tls_bridge>> tls_bridge::start(tls_stream stream) {
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
    return fail_errno("cannot begin a connection", errno);
  unique_fd near{pair[0]}, far{pair[1]}, wake{::eventfd(0, EFD_CLOEXEC)};
  if (!wake) return fail_errno("cannot begin a connection", errno);
  for (int fd : pair) ::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &socket_bytes, sizeof socket_bytes);
  std::unique_ptr<tls_bridge> made{new tls_bridge{std::move(far), std::move(wake)}};
  try {
    auto work = std::make_shared<mover>(std::move(stream), std::move(near), made->wake_.get());
    made->thread_ = std::thread{[work]() mutable {
      work->run();
      work.reset();
    }};
  } catch (const std::exception& e) {
    return fail(errc::io_error, std::string{"cannot begin a connection: "} + e.what());
  }
  return made;
}

tls_bridge::~tls_bridge() {
  uint64_t one = 1;
  [[maybe_unused]] auto n = ::write(wake_.get(), &one, sizeof one);
  if (thread_.joinable()) thread_.join();
}

}  // namespace et
