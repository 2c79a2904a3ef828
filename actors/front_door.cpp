#include "actors/front_door.hpp"

#include <spdlog/spdlog.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <list>

#include "actors/door_sessions.hpp"
#include "actors/door_socket.hpp"
#include "actors/remote_door.hpp"
#include "storage/os/users.hpp"

namespace et {

namespace {

/// The door tries again after this when it has no descriptors left.
constexpr auto exhausted_delay = std::chrono::milliseconds{200};

/// Every session takes five descriptors and the soft limit is often 1,024.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

/// Everything behind the interface. Members without a remark belong to the loop's thread.
class front_door::door {
 public:
  door(caf::actor_system& system, options opts, port_factory factory, unique_fd listening,
       std::unique_ptr<poll_loop> loop)
      : options_(std::move(opts)),
        listening_(std::move(listening)),
        loop_(std::move(loop)),
        logins_(options_, *loop_),
        sessions_(system, options_, std::move(factory), *loop_) {
    loop_->post([this] { watch_listening(); });
  }

  caf::error open_remote() {
    if (!options_.remote) return caf::none;
    auto opened = remote_door::open(options_, sessions_, logins_, *loop_);
    if (!opened) return opened.error();
    remote_ = std::move(*opened);
    return caf::none;
  }
  std::string remote_address() const { return remote_ ? remote_->address() : std::string{}; }

  ~door() { stop(); }

  void stop();
  std::vector<session_facts> sessions() const { return sessions_.facts(); }

 private:
  /// A connection that has not said its line yet.
  struct visitor {
    unique_fd fd;
    std::string heard;
    uint64_t watch = 0;
    uint64_t timer = 0;
  };
  using visitors = std::list<visitor>;

  void watch_listening();
  void accept_all();
  void welcome(unique_fd fd);
  void listen_to(visitors::iterator who);
  void dismiss(visitors::iterator who, const char* why);
  void admit(unique_fd fd);

  options options_;
  unique_fd listening_;
  uint64_t listening_watch_ = 0;
  visitors visitors_;                // oldest first
  bool stopped_ = false;             // of the thread that calls stop()
  std::unique_ptr<poll_loop> loop_;  // thread safe
  door_logins logins_;
  door_sessions sessions_;
  std::unique_ptr<remote_door> remote_;
};

void front_door::door::watch_listening() {
  listening_watch_ = loop_->watch(listening_.get(), EPOLLIN, [this](uint32_t) { accept_all(); });
}

void front_door::door::accept_all() {
  // A bounded number in a row, so that those inside are not starved by those who knock.
  for (int i = 0; i < 64; ++i) {
    unique_fd fd{::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
    if (fd) {
      welcome(std::move(fd));
      continue;
    }
    if (errno == ECONNABORTED || errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return;
    spdlog::error("front door: {}", text_of(fail_errno("cannot accept", errno)));
    loop_->unwatch(std::exchange(listening_watch_, 0));
    loop_->after(exhausted_delay, [this] { watch_listening(); });
    return;
  }
}

void front_door::door::welcome(unique_fd fd) {
  if (visitors_.size() >= options_.max_waiting) dismiss(visitors_.begin(), "too many connections");
  auto who = visitors_.insert(visitors_.end(), visitor{std::move(fd), {}, 0, 0});
  who->watch = loop_->watch(who->fd.get(), EPOLLIN, [this, who](uint32_t) { listen_to(who); });
  who->timer = loop_->after(options_.handshake_timeout, [this, who] {
    who->timer = 0;
    dismiss(who, "silent for too long");
  });
}

void front_door::door::listen_to(visitors::iterator who) {
  char heard[door_greeting.size()];
  auto missing = door_greeting.size() - who->heard.size();
  auto n = ::recv(who->fd.get(), heard, missing, MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n <= 0) return dismiss(who, "gone before it said anything");
  who->heard.append(heard, static_cast<size_t>(n));
  if (!door_greeting.starts_with(who->heard)) return dismiss(who, "does not speak our protocol");
  if (who->heard.size() < door_greeting.size()) return;
  loop_->unwatch(who->watch);
  loop_->cancel(who->timer);
  auto fd = std::move(who->fd);
  visitors_.erase(who);
  admit(std::move(fd));
}

void front_door::door::dismiss(visitors::iterator who, const char* why) {
  auto peer = peer_of_socket(who->fd.get());
  spdlog::warn("front door: connection of {} closed: {}", peer ? peer->user.name : "?", why);
  loop_->unwatch(who->watch);
  loop_->cancel(who->timer);
  visitors_.erase(who);
}

void front_door::door::admit(unique_fd fd) {
  auto peer = peer_of_socket(fd.get());
  if (!peer) {
    spdlog::error("front door: {}", text_of(peer.error()));
    return;
  }
  auto& user = peer->user;
  if (auto full = sessions_.why_full(user.uid); !full.empty()) {
    spdlog::warn("front door: {} refused: {}", user.name, full);
    logins_.record(user.name, user.name, "unix", fail(errc::limit_reached, full));
    return say(fd.get(), "no " + full + "\n");
  }
  bool administrator = options_.administrators.includes(user.uid, user.name);
  auto number = sessions_.take_number();
  int client = fd.get();
  unique_fd spare{::dup(client)};
  identity who{user.uid, user.gid, std::move(user.groups), user.name, administrator, {}, "unix"};
  auto error = sessions_.start(std::move(fd), std::move(who), number);
  logins_.record(user.name, user.name, "unix", error);
  if (error) {
    spdlog::error("front door: session {} of {}: {}", number, user.name, text_of(error));
    say(spare.get(), "no the service cannot start a session\n");
  }
}

void front_door::door::stop() {
  if (std::exchange(stopped_, true)) return;
  loop_->stop();
  ::unlink(options_.socket.c_str());
  listening_.reset();
  remote_.reset();
  sessions_.stop();
  visitors_.clear();
}

front_door::front_door(std::unique_ptr<door> inner) : door_(std::move(inner)) {}
front_door::~front_door() = default;
void front_door::stop() {
  door_->stop();
}
std::string front_door::remote_address() const {
  return door_->remote_address();
}
std::vector<front_door::session_facts> front_door::sessions() const {
  return door_->sessions();
}

caf::expected<std::unique_ptr<front_door>> front_door::open(caf::actor_system& system, options opts,
                                                            port_factory factory) {
  raise_descriptor_limit();
  auto listening = listen_at(opts.socket);
  if (!listening) return listening.error();
  auto loop = poll_loop::start();
  if (!loop) return loop.error();
  auto inner = std::make_unique<door>(system, std::move(opts), std::move(factory),
                                      std::move(*listening), std::move(*loop));
  if (auto error = inner->open_remote()) return error;
  return std::unique_ptr<front_door>{new front_door(std::move(inner))};
}

}  // namespace et
