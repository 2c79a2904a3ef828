#include "actors/descriptor_channel.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace et {

namespace {

/// Descriptors that a client keeps before somebody takes them; above that the oldest is closed.
constexpr size_t max_arrived = 128;

struct control_buffer {
  alignas(cmsghdr) char bytes[CMSG_SPACE(sizeof(int))]{};
};

}  // namespace

bool send_with_descriptor(int socket, std::string_view text, int fd) {
  iovec part{const_cast<char*>(text.data()), text.size()};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  control_buffer room;
  if (fd >= 0) {
    header.msg_control = room.bytes;
    header.msg_controllen = sizeof room.bytes;
    auto* control = CMSG_FIRSTHDR(&header);
    control->cmsg_level = SOL_SOCKET;
    control->cmsg_type = SCM_RIGHTS;
    control->cmsg_len = CMSG_LEN(sizeof fd);
    std::memcpy(CMSG_DATA(control), &fd, sizeof fd);
  }
  auto sent = ::sendmsg(socket, &header, MSG_DONTWAIT | MSG_NOSIGNAL);
  return sent == static_cast<ssize_t>(text.size());
}

ssize_t receive_with_descriptor(int socket, char* text, size_t room, unique_fd& fd, int flags) {
  iovec part{text, room};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  control_buffer beside;
  header.msg_control = beside.bytes;
  header.msg_controllen = sizeof beside.bytes;
  ssize_t n = 0;
  do {
    n = ::recvmsg(socket, &header, flags | MSG_CMSG_CLOEXEC);
  } while (n < 0 && errno == EINTR);
  const auto* control = n > 0 ? CMSG_FIRSTHDR(&header) : nullptr;
  if (control != nullptr && control->cmsg_level == SOL_SOCKET && control->cmsg_type == SCM_RIGHTS &&
      control->cmsg_len == CMSG_LEN(sizeof(int))) {
    int received = -1;
    std::memcpy(&received, CMSG_DATA(control), sizeof received);
    fd.reset(received);
  }
  return n;
}

caf::expected<unique_fd> descriptor_channels::open(uint64_t session) {
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
    return fail_errno("cannot open a descriptor channel", errno);
  unique_fd near{pair[0]}, far{pair[1]};
  // What the client might send is not wanted.
  ::shutdown(near.get(), SHUT_RD);
  std::lock_guard lock{mutex_};
  channels_[session] = std::make_shared<unique_fd>(std::move(near));
  return far;
}

void descriptor_channels::close(uint64_t session) {
  std::lock_guard lock{mutex_};
  channels_.erase(session);
}

uint64_t descriptor_channels::send(uint64_t session, int fd) {
  std::shared_ptr<unique_fd> channel;
  uint64_t number = 0;
  {
    std::lock_guard lock{mutex_};
    auto found = channels_.find(session);
    if (found == channels_.end()) return 0;
    channel = found->second;
    number = next_number_++;
  }
  std::string_view text{reinterpret_cast<const char*>(&number), sizeof number};
  return send_with_descriptor(channel->get(), text, fd) ? number : 0;
}

// One message; false when there is none.
bool descriptor_receiver::receive() {
  uint64_t number = 0;
  unique_fd fd;
  auto n = receive_with_descriptor(channel_.get(), reinterpret_cast<char*>(&number), sizeof number,
                                   fd, MSG_DONTWAIT);
  if (n != static_cast<ssize_t>(sizeof number)) return false;
  if (fd) arrived_[number] = std::move(fd);
  if (arrived_.size() > max_arrived) arrived_.erase(arrived_.begin());
  return true;
}

unique_fd descriptor_receiver::take(uint64_t number) {
  std::lock_guard lock{mutex_};
  if (!channel_) return {};
  auto found = arrived_.find(number);
  while (found == arrived_.end()) {
    if (!receive()) return {};
    found = arrived_.find(number);
  }
  auto fd = std::move(found->second);
  arrived_.erase(found);
  return fd;
}

}  // namespace et
