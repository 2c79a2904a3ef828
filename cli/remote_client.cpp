#include "cli/remote_client.hpp"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "actors/front_door.hpp"

namespace et {

namespace {

using time_point = tls_stream::time_point;

/// Waits for a connection that has begun; empty text: it is there.
std::string wait_connected(int fd, time_point deadline) {
  for (;;) {
    auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return "it does not answer";
    pollfd watched{fd, POLLOUT, 0};
    auto n = ::poll(&watched, 1, static_cast<int>(std::min<int64_t>(left.count(), 60'000)));
    if (n < 0 && errno != EINTR) return std::strerror(errno);
    if (n <= 0) continue;
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
    return error == 0 ? std::string{} : std::strerror(error);
  }
}

caf::expected<unique_fd> dial(const std::string& host, const std::string& port,
                              time_point deadline) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* raw = nullptr;
  auto doing = "cannot connect to " + host + ":" + port + ": ";
  if (int code = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &raw); code != 0)
    return fail(errc::unavailable, doing + ::gai_strerror(code));
  std::unique_ptr<addrinfo, void (*)(addrinfo*)> found{raw, ::freeaddrinfo};
  std::string why = "it has no address";
  for (auto* one = raw; one; one = one->ai_next) {
    unique_fd fd{::socket(one->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    if (!fd) return fail_errno(doing, errno, errc::unavailable);
    if (::connect(fd.get(), one->ai_addr, one->ai_addrlen) != 0 && errno != EINPROGRESS) {
      why = std::strerror(errno);
      continue;
    }
    why = wait_connected(fd.get(), deadline);
    int yes = 1;
    ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    ::setsockopt(fd.get(), SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof yes);
    if (why.empty()) return fd;
  }
  return fail(errc::unavailable, doing + why);
}

caf::error after_answer(const std::string& address, const std::string& answer) {
  if (answer == "ok") return caf::none;
  if (answer.starts_with("no ")) {
    auto why = answer.substr(3);
    auto full = why.find("try again later") != std::string::npos;
    return fail(full ? errc::limit_reached : errc::not_authorised,
                address + " does not let us in: " + why);
  }
  return fail(errc::protocol, address + " is not an elastictape service");
}

}  // namespace

caf::expected<tls_stream> connect_remote(const std::string& address,
                                         const client_options& options) {
  auto deadline = std::chrono::steady_clock::now() + options.timeout;
  auto colon = address.rfind(':');
  if (colon == std::string::npos || colon == 0)
    return fail(errc::invalid_argument, "the address must be unix:PATH or HOST:PORT: " + address);
  auto host = address.substr(0, colon);
  if (host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  if (!options.prove)
    return fail(errc::not_authorised,
                address +
                    " wants to know who we are: name a file with a token with TokenFile "
                    "under [Server] in et_config or ELASTICTAPE_TOKEN_FILE ('elastictape "
                    "admin token create' makes one), or set Munge = yes");
  auto context = tls_client_context(options.trust);
  if (!context) return context.error();
  // Before the connection, since the service does not wait long.
  auto proof = options.prove();
  if (!proof) return proof.error();
  auto socket = dial(host, address.substr(colon + 1), deadline);
  if (!socket) return socket.error();
  auto stream =
      tls_stream::connect(context->get(), std::move(*socket), host, options.trust, deadline);
  if (!stream) return with_context(stream.error(), address);
  if (auto error = stream->write(credential_line(*proof), deadline))
    return with_context(error, address);
  auto answer = stream->read_line(max_door_answer_bytes, deadline);
  if (!answer) return with_context(answer.error(), address + " (is it overloaded?)");
  if (auto error = after_answer(address, *answer)) return error;
  return stream;
}

}  // namespace et
