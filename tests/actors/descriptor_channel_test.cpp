#include "actors/descriptor_channel.hpp"

#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>

using namespace et;

namespace {

unique_fd file_of(const std::string& text) {
  unique_fd fd{memfd_create("test", MFD_CLOEXEC)};
  REQUIRE_FALSE(write_all(fd.get(), text.data(), text.size()));
  return fd;
}

std::string content(const unique_fd& fd) {
  char text[16];
  auto n = read_at(fd.get(), text, sizeof text, 0);
  REQUIRE(n);
  return {text, *n};
}

}  // namespace

TEST_CASE("descriptors arrive under their numbers, in any order they are taken in") {
  descriptor_channels channels;
  auto mine = channels.open(1);
  auto other = channels.open(2);
  REQUIRE((mine && other));
  descriptor_receiver receiver{std::move(*mine)};
  auto a = file_of("a"), b = file_of("b");
  auto first = channels.send(1, a.get());
  auto second = channels.send(1, b.get());
  auto foreign = channels.send(2, a.get());
  REQUIRE((first != 0 && second != 0 && foreign != 0));
  CHECK(content(receiver.take(second)) == "b");
  CHECK(content(receiver.take(first)) == "a");
  CHECK_FALSE(receiver.take(first));
  CHECK_FALSE(receiver.take(foreign));
}

TEST_CASE("a session without a channel, or that does not read, gets 0 and blocks nobody") {
  descriptor_channels channels;
  auto fd = file_of("x");
  CHECK(channels.send(7, fd.get()) == 0);
  auto silent = channels.open(7);
  REQUIRE(silent);
  uint64_t sent = 1;
  for (int i = 0; i < 100'000 && sent != 0; ++i) sent = channels.send(7, fd.get());
  CHECK(sent == 0);
  channels.close(7);
  CHECK(channels.send(7, fd.get()) == 0);
  CHECK_FALSE(descriptor_receiver{unique_fd{}}.take(1));
}

TEST_CASE("the service hears nothing from a client on its descriptor channel") {
  descriptor_channels channels;
  auto client = channels.open(1);
  REQUIRE(client);
  uint64_t word = 1;
  CHECK(::send(client->get(), &word, sizeof word, MSG_NOSIGNAL | MSG_DONTWAIT) < 0);
  auto fd = file_of("x");
  CHECK(channels.send(1, fd.get()) != 0);
}
