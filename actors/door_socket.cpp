#include "actors/door_socket.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "actors/descriptor_channel.hpp"
#include "actors/front_door.hpp"

namespace et {

namespace {

caf::expected<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path)
    return fail(errc::invalid_argument, "the path of the socket must have 1 to " +
                                            std::to_string(sizeof address.sun_path - 1) +
                                            " bytes: " + path);
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

int call(int (*function)(int, const sockaddr*, socklen_t), int fd, const sockaddr_un& address) {
  return function(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

caf::error explain_connect(const std::string& path, int error) {
  switch (error) {
    case ENOENT:
    case ECONNREFUSED:
      return fail(errc::unavailable,
                  "no service answers at " + path);
    case EAGAIN:
    case ETIMEDOUT:
      return fail(errc::timeout, "the service at " + path + " does not answer");
    default:
      return fail_errno("cannot connect to " + path, error, errc::unavailable);
  }
}

void set_timeout(int fd, std::chrono::milliseconds timeout) {
  auto ms = timeout.count();
  timeval value{.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &value, sizeof value);
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &value, sizeof value);
}

/// The door's line without its end. Byte by byte: what follows it belongs to the framework.
caf::expected<std::string> read_answer(int fd, const std::string& path, unique_fd& gift) {
  std::string line;
  for (;;) {
    char byte = 0;
    auto n = receive_with_descriptor(fd, &byte, 1, gift, 0);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
      return fail(errc::timeout, "the service at " + path + " does not answer");
    if (n <= 0)
      return fail(errc::unavailable,
                  "the service at " + path + " closed the connection; is it overloaded?");
    if (byte == '\n') return line;
    line += byte;
    if (line.size() > max_door_answer_bytes)
      return fail(errc::protocol, path + " is not the socket of an elastictape service");
  }
}

}  // namespace

caf::expected<unique_fd> listen_at(const std::string& path) {
  auto address = address_of(path);
  if (!address) return address.error();
  unique_fd fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!fd) return fail_errno("cannot listen at " + path, errno);
  if (call(::connect, fd.get(), *address) == 0 || errno == EAGAIN)
    return fail(errc::locked, "another service listens at " + path);
  if (errno == ECONNREFUSED) ::unlink(path.c_str());
  if (call(::bind, fd.get(), *address) != 0) return fail_errno("cannot listen at " + path, errno);
  if (::chmod(path.c_str(), 0666) != 0 || ::listen(fd.get(), 512) != 0)
    return fail_errno("cannot listen at " + path, errno);
  return fd;
}

caf::expected<opened_door> knock_at(const std::string& path, std::chrono::milliseconds timeout) {
  auto address = address_of(path);
  if (!address) return address.error();
  unique_fd fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  if (!fd) return fail_errno("cannot connect to " + path, errno, errc::unavailable);
  set_timeout(fd.get(), timeout);
  if (call(::connect, fd.get(), *address) != 0) return explain_connect(path, errno);
  auto sent = ::send(fd.get(), door_greeting.data(), door_greeting.size(), MSG_NOSIGNAL);
  // When the door has closed already, what it said can still be read.
  if (sent < 0 && errno != EPIPE) return explain_connect(path, errno);
  opened_door opened;
  auto answer = read_answer(fd.get(), path, opened.channel);
  if (!answer) return answer.error();
  if (answer->starts_with("no ")) return fail(errc::limit_reached, answer->substr(3));
  if (*answer != "ok")
    return fail(errc::protocol, path + " is not the socket of an elastictape service");
  set_timeout(fd.get(), std::chrono::milliseconds{0});
  opened.session = std::move(fd);
  return opened;
}

}  // namespace et
