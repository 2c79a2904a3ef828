// A running monitor with a store, and connections to it.
#pragma once

#include <arpa/inet.h>
#include <httplib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cstring>

#include "actors/monitor/server/server.hpp"
#include "storage/os/file.hpp"
#include "tests/actors/monitor/support.hpp"

namespace et::test {

struct served : fixture {
  std::unique_ptr<monitor::server> running;

  explicit served(monitor::answer_maker make = monitor::answer_to,
                  monitor::server_options options = {"127.0.0.1:0"})
      : running(need(monitor::server::open(options, {&store(), "node1", ""}, std::move(make)))) {}

  int port() const {
    auto url = running->url();
    return std::stoi(url.substr(url.rfind(':') + 1));
  }
  /// One that sends `;` as it is.
  httplib::Client client() const {
    httplib::Client made{"127.0.0.1", port()};
    made.set_url_encode(false);
    return made;
  }

  /// `from`: another address of this machine.
  unique_fd connect(int receive_bytes = 0, const char* from = nullptr) const {
    unique_fd fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (receive_bytes > 0)
      ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
    if (from) {
      sockaddr_in own{};
      own.sin_family = AF_INET;
      REQUIRE(::inet_pton(AF_INET, from, &own.sin_addr) == 1);
      REQUIRE(::bind(fd.get(), reinterpret_cast<sockaddr*>(&own), sizeof own) == 0);
    }
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<uint16_t>(port()));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto came = ::connect(fd.get(), reinterpret_cast<sockaddr*>(&to), sizeof to);
    INFO(std::strerror(errno));
    REQUIRE(came == 0);
    return fd;
  }
};

inline std::string read_to_end(const unique_fd& fd) {
  std::string text;
  char piece[4096];
  for (ssize_t n; (n = ::read(fd.get(), piece, sizeof piece)) > 0;)
    text.append(piece, static_cast<size_t>(n));
  return text;
}

/// Reads until `text` holds `what`; false: the connection ended before.
inline bool read_until(const unique_fd& fd, const std::string& what, std::string& text) {
  char piece[4096];
  while (text.find(what) == std::string::npos) {
    auto n = ::read(fd.get(), piece, sizeof piece);
    if (n <= 0) return false;
    text.append(piece, static_cast<size_t>(n));
  }
  return true;
}

inline void say(const unique_fd& fd, const std::string& words) {
  REQUIRE(::send(fd.get(), words.data(), words.size(), MSG_NOSIGNAL) ==
          static_cast<ssize_t>(words.size()));
}

}  // namespace et::test
