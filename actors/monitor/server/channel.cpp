#include "actors/monitor/server/channel.hpp"

#include <poll.h>
#include <sys/socket.h>

namespace et::monitor {

namespace {

constexpr size_t read_bytes = 4096;
/// Reads of what nobody wants, before a socket is closed.
constexpr int last_reads = 16;

constexpr std::string_view not_plain =
    "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n"
    "This port speaks HTTPS.\n";

}  // namespace

channel::channel(unique_fd socket, ssl_ptr ssl)
    : bytes_(std::move(socket), std::move(ssl)), wanted_(POLLIN) {}

moved channel::after(moved what, short wants) {
  wanted_ = wants;
  if (what != moved::failed) return what;
  if (bytes_.failure() == SSL_R_HTTP_REQUEST) {
    [[maybe_unused]] auto n =
        ::send(descriptor(), not_plain.data(), not_plain.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  }
  return moved::ended;
}

moved channel::read(std::string& to) {
  uint8_t piece[read_bytes];
  bool any = false;
  do {
    size_t n = 0;
    auto what = bytes_.read(piece, n);
    if (what != moved::some)
      return any && what == moved::none ? moved::some : after(what, bytes_.wanted_to_read());
    to.append(reinterpret_cast<const char*>(piece), n);
    any = true;
    // The rest of a record is here already: poll would not tell of it.
  } while (bytes_.secure() && SSL_pending(bytes_.ssl()) > 0);
  wanted_ = POLLIN;
  return moved::some;
}

moved channel::write(std::string_view bytes, size_t& written) {
  auto what = bytes_.write({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}, written);
  return after(what, bytes_.wanted_to_write());
}

void channel::end_gently() {
  bytes_.say_end();
  ::shutdown(descriptor(), SHUT_WR);
  char unread[read_bytes];
  for (int i = 0; i < last_reads; ++i)
    if (::recv(descriptor(), unread, sizeof unread, MSG_DONTWAIT) <= 0) return;
}

void channel::reset() {
  linger at_once{1, 0};
  ::setsockopt(descriptor(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

}  // namespace et::monitor
