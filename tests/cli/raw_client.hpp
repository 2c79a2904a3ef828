// A client that speaks the framework's protocol by hand, so that it can lie.
#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <string>

#include "actors/door_socket.hpp"
#include "actors/protocol_client.hpp"
#include "storage/os/file.hpp"

namespace et::test {

/// The real program, built next to the tests.
inline std::string session_program() {
  return (std::filesystem::read_symlink("/proc/self/exe").parent_path() / "../cli/elastictape")
      .string();
}

struct door_folder {
  std::filesystem::path path;
  door_folder() {
    std::string name = "/tmp/et_door_XXXXXX";
    path = ::mkdtemp(name.data());
    ::chmod(path.c_str(), 0755);
  }
  ~door_folder() { std::filesystem::remove_all(path); }
};

constexpr uint64_t plain_request = 0x1000'0000'0000'0001;

inline void append(bytes& out, uint64_t value, size_t size_bytes) {
  for (size_t i = size_bytes; i > 0; --i) out.push_back(static_cast<uint8_t>(value >> 8 * (i - 1)));
}

/// A client that speaks the framework's protocol by hand.
struct raw_client {
  unique_fd fd;
  bytes host_node;
  uint64_t actor = 0;

  explicit raw_client(const std::string& socket) {
    auto knocked = knock_at(socket, std::chrono::seconds{20});
    REQUIRE(knocked);
    fd = std::move(knocked->session);
    read_greeting();
  }
  /// Of a session that has begun.
  explicit raw_client(unique_fd session) : fd(std::move(session)) { read_greeting(); }
  bytes read(size_t size) {
    bytes data(size);
    for (size_t done = 0; done < size;) {
      auto n = ::recv(fd.get(), data.data() + done, size - done, 0);
      REQUIRE(n > 0);
      done += static_cast<size_t>(n);
    }
    return data;
  }
  void read_greeting() {
    auto head = read(32);
    REQUIRE(head[0] == 0);
    auto size = head[6] << 8 | head[7];
    auto payload = read(static_cast<size_t>(size));
    host_node.assign(payload.begin(), payload.begin() + 32);
    REQUIRE(payload[32] == 1);  // one application identifier
    auto at = 34u + payload[33];
    for (size_t i = 0; i < 8; ++i) actor = actor << 8 | payload[at + i];
  }
  bytes frame(uint8_t operation, uint8_t flags, uint64_t data, uint64_t source,
              uint64_t destination, const bytes& payload) const {
    bytes out;
    append(out, operation, 1);
    append(out, flags, 3);
    append(out, payload.size(), 4);
    append(out, data, 8);
    append(out, source, 8);
    append(out, destination, 8);
    out.insert(out.end(), payload.begin(), payload.end());
    return out;
  }
  bytes own_node() const {
    auto name = host_node;
    name[20] ^= 0xff;
    return name;
  }
  bytes greeting() const { return frame(1, 0, 0, 0, 0, own_node()); }
  void send(const bytes& data) {
    for (size_t done = 0; done < data.size();) {
      auto n = ::send(fd.get(), data.data() + done, data.size() - done, MSG_NOSIGNAL);
      if (n <= 0) return;  // closed already
      done += static_cast<size_t>(n);
    }
  }
  /// Reads until the other side closes.
  bool is_closed() {
    char sink[4096];
    for (;;) {
      pollfd ready{fd.get(), POLLIN, 0};
      if (::poll(&ready, 1, 20'000) != 1) return false;
      if (::recv(fd.get(), sink, sizeof sink, 0) <= 0) return true;
    }
  }
};

/// The payload of an exit message with the reason kill, as the framework writes it.
inline bytes exit_payload(const bytes& node) {
  const std::string types = "@<>+@exit";
  bytes out;
  append(out, types.size(), 4);
  out.insert(out.end(), types.begin(), types.end());
  append(out, 8, 8);
  out.insert(out.end(), node.begin(), node.end());
  out.push_back(5);
  append(out, static_cast<uint64_t>(caf::atom("exit")), 8);
  for (uint8_t byte : {0, 0, 3, 0x40, 0x3c, 0x3e}) out.push_back(byte);
  return out;
}

}  // namespace et::test
