#include "actors/monitor/server/address.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <charconv>
#include <memory>

namespace et::monitor {

namespace {

/// A crowd that comes at once must not wait for a second try of its own.
constexpr int backlog = 1024;

struct host_and_port {
  std::string host;  ///< without brackets
  std::string port;
};

caf::error malformed(const std::string& address, const std::string& purpose) {
  return fail(errc::invalid_argument,
              "'" + address + "' is not an address for " + purpose + "; it is written HOST:PORT");
}

caf::expected<host_and_port> split(const std::string& address, const std::string& purpose) {
  auto colon = address.rfind(':');
  if (colon == std::string::npos || colon == 0) return malformed(address, purpose);
  host_and_port parts{address.substr(0, colon), address.substr(colon + 1)};
  uint16_t port = 0;
  auto end = parts.port.data() + parts.port.size();
  auto [last, wrong] = std::from_chars(parts.port.data(), end, port);
  if (wrong != std::errc{} || last != end) return malformed(address, purpose);
  if (parts.host.front() == '[' && parts.host.back() == ']')
    parts.host = parts.host.substr(1, parts.host.size() - 2);
  else if (parts.host.find(':') != std::string::npos)
    return malformed(address, purpose);
  if (parts.host.empty()) return malformed(address, purpose);
  return parts;
}

bool is_loopback(const sockaddr* address) {
  if (address->sa_family == AF_INET) {
    auto* in = reinterpret_cast<const sockaddr_in*>(address);
    return (ntohl(in->sin_addr.s_addr) >> 24) == 127;
  }
  return address->sa_family == AF_INET6 &&
         IN6_IS_ADDR_LOOPBACK(&reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr);
}

uint16_t port_of(int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  return ntohs(address.ss_family == AF_INET6
                   ? reinterpret_cast<const sockaddr_in6*>(&address)->sin6_port
                   : reinterpret_cast<const sockaddr_in*>(&address)->sin_port);
}

}  // namespace

caf::expected<listening> listen_on(const std::string& address, bool guarded,
                                   const std::string& purpose) {
  auto parts = split(address, purpose);
  if (!parts) return parts.error();
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* raw = nullptr;
  if (int code = ::getaddrinfo(parts->host.c_str(), parts->port.c_str(), &hints, &raw); code != 0)
    return fail(errc::invalid_argument, "the address of " + purpose + ", " + address +
                                            ", is not known: " + ::gai_strerror(code));
  std::unique_ptr<addrinfo, void (*)(addrinfo*)> found{raw, ::freeaddrinfo};
  for (auto* one = raw; one; one = one->ai_next) {
    if (!guarded && !is_loopback(one->ai_addr))
      return fail(
          errc::invalid_argument,
          "the monitor cannot be served on " + address +
              ", which others can reach, without TLS and access control: set certificate, "
              "key and access = \"token\" or \"proxy\" in [monitor], or use 127.0.0.1:PORT");
  }
  auto doing = "cannot serve " + purpose + " on " + address;
  unique_fd fd{::socket(raw->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!fd) return fail_errno(doing, errno, errc::unavailable);
  int yes = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (::bind(fd.get(), raw->ai_addr, raw->ai_addrlen) != 0 || ::listen(fd.get(), backlog) != 0)
    return fail_errno(doing, errno, errc::unavailable);
  bool brackets = parts->host.find(':') != std::string::npos;
  auto port = port_of(fd.get());
  return listening{std::move(fd), brackets ? "[" + parts->host + "]" : parts->host, port};
}

std::string address_text(const sockaddr_storage& address) {
  char text[INET6_ADDRSTRLEN] = {};
  if (address.ss_family == AF_INET) {
    auto& in = reinterpret_cast<const sockaddr_in&>(address);
    ::inet_ntop(AF_INET, &in.sin_addr, text, sizeof text);
  } else if (address.ss_family == AF_INET6) {
    auto& in = reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(&in))
      ::inet_ntop(AF_INET, &in.s6_addr[12], text, sizeof text);
    else
      ::inet_ntop(AF_INET6, &in, text, sizeof text);
  }
  return text;
}

}  // namespace et::monitor
