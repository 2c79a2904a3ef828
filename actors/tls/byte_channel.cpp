#include "actors/tls/byte_channel.hpp"

#include <openssl/err.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

namespace et {

namespace {

bool is_for_later(int error) {
  return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

}  // namespace

byte_channel::byte_channel(unique_fd socket, ssl_ptr ssl)
    : socket_(std::move(socket)),
      ssl_(std::move(ssl)),
      read_wants_(POLLIN),
      write_wants_(POLLOUT) {}

std::string byte_channel::failure_text() const {
  if (failure_ == 0) return {};
  const char* text = ERR_reason_error_string(ERR_PACK(ERR_LIB_SSL, 0, failure_));
  return text ? text : "TLS error " + std::to_string(failure_);
}

/// What to do about a call of the library that moved nothing. Leaves its queue of errors empty: the
/// next call would take what stands there for its own.
moved byte_channel::after_tls(int result, short& wants) {
  int error = errno;
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      wants = POLLIN;
      return moved::none;
    case SSL_ERROR_WANT_WRITE:
      wants = POLLOUT;
      return moved::none;
    case SSL_ERROR_ZERO_RETURN:
      state_ = moved::ended;
      break;
    case SSL_ERROR_SYSCALL:
      state_ = error == 0 ? moved::ended : moved::failed;
      break;
    default:
      failure_ = ERR_GET_REASON(ERR_peek_error());
      // A process that was killed says no goodbye. What is carried knows its own lengths.
      state_ = failure_ == SSL_R_UNEXPECTED_EOF_WHILE_READING && handshaken() ? moved::ended
                                                                              : moved::failed;
  }
  ERR_clear_error();
  return state_;
}

moved byte_channel::read_tls(std::span<uint8_t> to, size_t& count) {
  if (state_ != moved::some) return state_;
  // One call gives one record at most.
  while (count < to.size()) {
    ERR_clear_error();
    errno = 0;
    size_t n = 0;
    auto done = SSL_read_ex(ssl_.get(), to.data() + count, to.size() - count, &n);
    if (done != 1) {
      auto what = after_tls(done, read_wants_);
      return count > 0 ? moved::some : what;
    }
    count += n;
  }
  read_wants_ = POLLIN;
  return moved::some;
}

moved byte_channel::read(std::span<uint8_t> to, size_t& count) {
  count = 0;
  if (ssl_) return read_tls(to, count);
  auto n = ::recv(socket_.get(), to.data(), to.size(), MSG_DONTWAIT);
  if (n > 0) {
    count = static_cast<size_t>(n);
    return moved::some;
  }
  if (n == 0) return moved::ended;
  return is_for_later(errno) ? moved::none : moved::failed;
}

moved byte_channel::write_tls(std::span<const uint8_t> from, size_t& count) {
  if (state_ != moved::some) return moved::failed;
  while (count < from.size()) {
    ERR_clear_error();
    errno = 0;
    size_t n = 0;
    auto done = SSL_write_ex(ssl_.get(), from.data() + count, from.size() - count, &n);
    if (done != 1) {
      auto what = after_tls(done, write_wants_);
      if (count > 0) return moved::some;
      return what == moved::ended ? moved::failed : what;
    }
    count += n;
  }
  write_wants_ = POLLOUT;
  return moved::some;
}

moved byte_channel::write(std::span<const uint8_t> from, size_t& count) {
  count = 0;
  if (ssl_) return write_tls(from, count);
  auto n = ::send(socket_.get(), from.data(), from.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (n >= 0) {
    count = static_cast<size_t>(n);
    return moved::some;
  }
  return is_for_later(errno) ? moved::none : moved::failed;
}

void byte_channel::say_end() {
  if (!ssl_ || state_ == moved::failed || !SSL_is_init_finished(ssl_.get())) return;
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
  ERR_clear_error();
  state_ = moved::failed;
}

void byte_channel::close() {
  if (!socket_) return;
  say_end();
  ssl_.reset();
  socket_.reset();
}

}  // namespace et
