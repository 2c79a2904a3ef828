#include "actors/cluster/tls_stream.hpp"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace et::cluster {

namespace {

/// False: the time is over.
bool wait_for(int fd, short events, tls_stream::clock::time_point until) {
  for (;;) {
    auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(until - tls_stream::clock::now());
    if (left.count() <= 0) return false;
    pollfd one{fd, events, 0};
    int ready = ::poll(&one, 1, static_cast<int>(std::min<int64_t>(left.count(), 60'000)));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return true;
  }
}

}  // namespace

tls_stream::tls_stream(unique_fd socket, SSL_CTX* context, clock::time_point until)
    : socket_(std::move(socket)), ssl_(SSL_new(context)), until_(until) {
  int flags = ::fcntl(socket_.get(), F_GETFL);
  ::fcntl(socket_.get(), F_SETFL, flags | O_NONBLOCK);
  int on = 1;
  ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (ssl_) SSL_set_fd(ssl_.get(), socket_.get());
}

caf::error tls_stream::after(int result, const char* doing) {
  short events = POLLIN;
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      break;
    case SSL_ERROR_WANT_WRITE:
      events = POLLOUT;
      break;
    case SSL_ERROR_SSL:
      return fail(errc::protocol, std::string{doing} + ": TLS failed: " + openssl_error());
    default:
      ERR_clear_error();
      return fail(errc::unavailable, std::string{doing} + ": the other side closed the connection");
  }
  if (wait_for(socket_.get(), events, until_)) return {};
  return fail(errc::timeout, std::string{doing} + ": the other side does not answer");
}

caf::error tls_stream::accept() {
  if (!ssl_) return fail(errc::limit_reached, "no memory for TLS");
  for (;;) {
    int result = SSL_accept(ssl_.get());
    if (result == 1) return {};
    if (auto error = after(result, "greeting")) return error;
  }
}

caf::error tls_stream::connect() {
  if (!ssl_) return fail(errc::limit_reached, "no memory for TLS");
  for (;;) {
    int result = SSL_connect(ssl_.get());
    if (result == 1) return {};
    if (auto error = after(result, "greeting")) return error;
  }
}

caf::expected<std::string> tls_stream::read_line(size_t at_most) {
  std::string line;
  for (;;) {
    // Byte by byte: what is behind the line belongs to whoever goes on.
    char next = 0;
    int result = SSL_read(ssl_.get(), &next, 1);
    if (result == 1) {
      if (next == '\n') return line;
      if (line.size() == at_most) return fail(errc::protocol, "a line that is too long");
      line.push_back(next);
      continue;
    }
    if (auto error = after(result, "reading")) return error;
  }
}

caf::error tls_stream::write(std::string_view text) {
  while (!text.empty()) {
    int result = SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size()));
    if (result > 0)
      text.remove_prefix(static_cast<size_t>(result));
    else if (auto error = after(result, "writing"))
      return error;
  }
  return {};
}

void tls_stream::finish() {
  if (ssl_) SSL_shutdown(ssl_.get());
  ERR_clear_error();
  if (socket_) ::shutdown(socket_.get(), SHUT_WR);
}

caf::expected<unique_fd> connect_to(const std::string& address,
                                    tls_stream::clock::time_point until) {
  auto colon = address.rfind(':');
  if (colon == std::string::npos || colon == 0)
    return fail(errc::invalid_argument, "'" + address + "' is not HOST:PORT");
  auto host = address.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  if (int code = ::getaddrinfo(host.c_str(), address.c_str() + colon + 1, &hints, &list))
    return fail(errc::unavailable, "cannot find " + address + ": " + ::gai_strerror(code));
  std::unique_ptr<addrinfo, void (*)(addrinfo*)> all{list, ::freeaddrinfo};
  caf::error last = fail(errc::unavailable, "cannot find " + address);
  for (auto* one = list; one != nullptr; one = one->ai_next) {
    unique_fd fd{::socket(one->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    if (!fd) continue;
    int error = ::connect(fd.get(), one->ai_addr, one->ai_addrlen) == 0 ? 0 : errno;
    if (error == EINPROGRESS) {
      if (!wait_for(fd.get(), POLLOUT, until))
        return fail(errc::timeout, address + " does not answer");
      socklen_t size = sizeof error;
      ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    }
    if (error == 0) return fd;
    last = fail_errno("cannot connect to " + address, error, errc::unavailable);
  }
  return last;
}

}  // namespace et::cluster
