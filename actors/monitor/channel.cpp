#include "actors/monitor/channel.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

namespace et::monitor {

namespace {

constexpr size_t read_bytes = 4096;
/// Reads of what nobody wants, before a socket is closed.
constexpr int last_reads = 16;

bool is_for_later(int error) {
  return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

}  // namespace

channel::channel(unique_fd socket) : socket_(std::move(socket)), wanted_(POLLIN) {}

moved channel::read(std::string& to) {
  char piece[read_bytes];
  auto n = ::recv(socket_.get(), piece, sizeof piece, MSG_DONTWAIT);
  if (n > 0) {
    to.append(piece, static_cast<size_t>(n));
    return moved::some;
  }
  wanted_ = POLLIN;
  return n < 0 && is_for_later(errno) ? moved::none : moved::ended;
}

moved channel::write(std::string_view bytes, size_t& written) {
  auto n = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (n >= 0) {
    written = static_cast<size_t>(n);
    return moved::some;
  }
  wanted_ = POLLOUT;
  return is_for_later(errno) ? moved::none : moved::ended;
}

void channel::end_gently() {
  ::shutdown(socket_.get(), SHUT_WR);
  char unread[read_bytes];
  for (int i = 0; i < last_reads; ++i)
    if (::recv(socket_.get(), unread, sizeof unread, MSG_DONTWAIT) <= 0) return;
}

void channel::reset() {
  linger at_once{1, 0};
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

}  // namespace et::monitor
