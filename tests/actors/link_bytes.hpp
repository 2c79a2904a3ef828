// Frames as the framework writes them, and sockets to send them through.
#pragma once

#include <poll.h>
#include <sys/socket.h>

#include <catch2/catch.hpp>
#include <string>

#include "actors/atoms.hpp"

namespace et::test {

constexpr uint64_t plain_request = 0x1000'0000'0000'0000;
constexpr uint64_t response = 0x9000'0000'0000'0000;

inline void append(bytes& out, uint64_t value, size_t size_bytes) {
  for (size_t i = size_bytes; i > 0; --i) out.push_back(static_cast<uint8_t>(value >> 8 * (i - 1)));
}

inline bytes frame(uint8_t operation, uint64_t data, uint64_t source, uint64_t destination,
                   const bytes& payload) {
  bytes out{operation, 0, 0, 0};
  append(out, payload.size(), 4);
  append(out, data, 8);
  append(out, source, 8);
  append(out, destination, 8);
  out.insert(out.end(), payload.begin(), payload.end());
  return out;
}

inline bytes heartbeat() {
  return frame(6, 0, 0, 0, {});
}

inline bytes greeting() {
  bytes name(32, 1);
  return frame(1, 0, 0, 0, name);
}

/// A put chunk as the framework writes it, with `size` bytes of data.
inline bytes chunk(uint64_t id, size_t size) {
  const std::string types = "@<>+@atom+@u64+et::packed_page";
  bytes payload{0, 0, 0, static_cast<uint8_t>(types.size())};
  payload.insert(payload.end(), types.begin(), types.end());
  append(payload, put_chunk_atom::uint_value(), 8);
  append(payload, 5, 8);
  append(payload, 1, 4);
  for (auto rest = size;; rest >>= 7) {
    payload.push_back(static_cast<uint8_t>((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0)));
    if (rest <= 0x7f) break;
  }
  payload.resize(payload.size() + size, static_cast<uint8_t>(id));
  return frame(2, plain_request | id, 7, 42, payload);
}

inline void write_all_of(int fd, const bytes& data) {
  for (size_t done = 0; done < data.size();) {
    auto n = ::send(fd, data.data() + done, data.size() - done, MSG_NOSIGNAL);
    REQUIRE(n > 0);
    done += static_cast<size_t>(n);
  }
}

/// Up to `size` bytes; fewer only at the end of the stream.
inline bytes read_some(int fd, size_t size) {
  bytes data(size);
  size_t done = 0;
  while (done < size) {
    pollfd ready{fd, POLLIN, 0};
    REQUIRE(::poll(&ready, 1, 20'000) == 1);
    auto n = ::recv(fd, data.data() + done, size - done, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (n <= 0) break;
    done += static_cast<size_t>(n);
  }
  data.resize(done);
  return data;
}

}  // namespace et::test
