#include "actors/monitor/server/channel.hpp"

#include <openssl/err.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

namespace et::monitor {

namespace {

constexpr size_t read_bytes = 4096;
/// Reads of what nobody wants, before a socket is closed.
constexpr int last_reads = 16;

constexpr std::string_view not_plain =
    "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n"
    "This port speaks HTTPS.\n";

bool is_for_later(int error) {
  return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

}  // namespace

channel::channel(unique_fd socket, ssl_ptr ssl)
    : socket_(std::move(socket)), ssl_(std::move(ssl)), wanted_(POLLIN) {}

/// What to do about a call of the library that moved nothing.
moved channel::after_tls(int result) {
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      wanted_ = POLLIN;
      return moved::none;
    case SSL_ERROR_WANT_WRITE:
      wanted_ = POLLOUT;
      return moved::none;
    default:
      break;
  }
  if (ERR_GET_REASON(ERR_peek_error()) == SSL_R_HTTP_REQUEST) {
    [[maybe_unused]] auto n =
        ::send(socket_.get(), not_plain.data(), not_plain.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  }
  ERR_clear_error();
  return moved::ended;
}

moved channel::read_tls(std::string& to) {
  ERR_clear_error();
  if (!SSL_is_init_finished(ssl_.get()))
    if (auto shaken = SSL_do_handshake(ssl_.get()); shaken != 1) return after_tls(shaken);
  char piece[read_bytes];
  do {
    size_t n = 0;
    if (auto done = SSL_read_ex(ssl_.get(), piece, sizeof piece, &n); done != 1)
      return after_tls(done);
    to.append(piece, n);
    // The rest of a record is here already: poll would not tell of it.
  } while (SSL_pending(ssl_.get()) > 0);
  return moved::some;
}

moved channel::read(std::string& to) {
  if (ssl_) return read_tls(to);
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
  if (ssl_) {
    ERR_clear_error();
    auto done = SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &written);
    return done == 1 ? moved::some : after_tls(done);
  }
  auto n = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (n >= 0) {
    written = static_cast<size_t>(n);
    return moved::some;
  }
  wanted_ = POLLOUT;
  return is_for_later(errno) ? moved::none : moved::ended;
}

void channel::end_gently() {
  if (ssl_) {
    ERR_clear_error();
    if (SSL_is_init_finished(ssl_.get())) SSL_shutdown(ssl_.get());
    ERR_clear_error();
  }
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
