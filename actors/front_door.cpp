#include "actors/front_door.hpp"

#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <list>
#include <map>
#include <mutex>

#include "actors/basp_link.hpp"
#include "actors/door_socket.hpp"
#include "actors/link_pump.hpp"
#include "actors/protocol_client.hpp"
#include "actors/session_process.hpp"
#include "storage/os/users.hpp"

namespace et {

namespace {

/// The door tries again after this when it has no descriptors left.
constexpr auto exhausted_delay = std::chrono::milliseconds{200};
/// Bytes of requests of one session that are being worked on.
constexpr size_t max_unanswered_bytes = 8 * 1024 * 1024;

/// Every session takes five descriptors and the soft limit is often 1,024.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

/// Says a line, and hands over `gift` with it if that is a descriptor.
void answer(int fd, const std::string& line, int gift = -1) {
  // A fresh socket has room for a line; if the client does not read it, that is its loss.
  (void)!send_with_descriptor(fd, line, gift);
}

}  // namespace

/// Everything behind the interface. Members without a remark belong to the loop's thread.
class front_door::door {
 public:
  door(caf::actor_system& system, options opts, port_factory factory, unique_fd listening,
       std::unique_ptr<poll_loop> loop)
      : system_(system),
        options_(std::move(opts)),
        factory_(std::move(factory)),
        listening_(std::move(listening)),
        loop_(std::move(loop)),
        pump_(std::make_unique<link_pump>(*loop_)) {
    loop_->post([this] { watch_listening(); });
  }

  ~door() { stop(); }

  void stop();
  std::vector<session_facts> sessions() const;

 private:
  /// A connection that has not said its line yet.
  struct visitor {
    unique_fd fd;
    std::string heard;
    uint64_t watch = 0;
    uint64_t timer = 0;
  };
  using visitors = std::list<visitor>;

  struct session {
    session_facts facts;
    caf::strong_actor_ptr port;
    unique_fd handle;
    uint64_t watch = 0;
    uint64_t link = 0;
    bool link_ended = false;
    bool process_ended = false;
    std::string reason;
    std::string exit;
  };

  void watch_listening();
  void accept_all();
  void welcome(unique_fd fd);
  void listen_to(visitors::iterator who);
  void dismiss(visitors::iterator who, const char* why);
  void admit(unique_fd fd);
  void record_login(const std::string& user, const std::string& from, const caf::error& outcome);
  void tell_refusals();
  std::string why_full(uint32_t uid) const;
  caf::error start(unique_fd client, identity who, uint64_t number);
  caf::error link_up(session& begun, unique_fd service_side);
  void close_channel(uint64_t number);
  void on_link_ended(uint64_t number, const std::string& reason);
  void on_process_ended(uint64_t number);
  void forget_if_over(uint64_t number);

  caf::actor_system& system_;
  options options_;
  port_factory factory_;
  unique_fd listening_;
  uint64_t listening_watch_ = 0;
  visitors visitors_;  // oldest first
  uint64_t next_session_ = 1;
  refusal_meter refusals_{1};
  bool refusals_timed_ = false;
  mutable std::mutex mutex_;
  std::map<uint64_t, session> sessions_;  // changed on the loop's thread, under mutex_
  bool stopped_ = false;                  // of the thread that calls stop()
  std::unique_ptr<poll_loop> loop_;       // thread safe
  std::unique_ptr<link_pump> pump_;       // thread safe
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

std::string front_door::door::why_full(uint32_t uid) const {
  auto theirs = std::count_if(sessions_.begin(), sessions_.end(),
                              [&](const auto& item) { return item.second.facts.uid == uid; });
  if (static_cast<size_t>(theirs) >= options_.max_sessions_per_user)
    return "too many sessions of this user; try again later";
  if (sessions_.size() >= options_.max_sessions) return "too many sessions; try again later";
  return {};
}

void front_door::door::admit(unique_fd fd) {
  auto peer = peer_of_socket(fd.get());
  if (!peer) {
    spdlog::error("front door: {}", text_of(peer.error()));
    return;
  }
  auto& user = peer->user;
  if (auto full = why_full(user.uid); !full.empty()) {
    spdlog::warn("front door: {} refused: {}", user.name, full);
    record_login(user.name, "unix", fail(errc::limit_reached, full));
    return answer(fd.get(), "no " + full + "\n");
  }
  bool administrator = options_.administrators.includes(user.uid, user.name);
  auto number = next_session_++;
  int client = fd.get();
  unique_fd spare{::dup(client)};
  identity who{user.uid, user.gid, std::move(user.groups), user.name, administrator, {}, "unix"};
  auto error = start(std::move(fd), std::move(who), number);
  record_login(user.name, "unix", error);
  if (error) {
    spdlog::error("front door: session {} of {}: {}", number, user.name, text_of(error));
    answer(spare.get(), "no the service cannot start a session\n");
  }
}

void front_door::door::record_login(const std::string& user, const std::string& from,
                                    const caf::error& outcome) {
  if (!options_.audit) return;
  if (outcome && !refusals_.count(user, std::chrono::steady_clock::now())) return;
  if (outcome && !std::exchange(refusals_timed_, true))
    loop_->after(refusal_meter::period, [this] { tell_refusals(); });
  audit_record record;
  record.user = user;
  record.from = from;
  record.action = "login";
  record.outcome = code_of(outcome);
  if (outcome) record.text = clipped(text_of(outcome));
  options_.audit(std::move(record));
}

/// What was only counted in the last minute.
void front_door::door::tell_refusals() {
  for (auto& [user, count] : refusals_.take_untold(std::chrono::steady_clock::now())) {
    audit_record record;
    record.user = user;
    record.from = "unix";
    record.action = "login";
    record.outcome = errc::limit_reached;
    record.text = std::to_string(count) + " more logins were refused in that minute";
    options_.audit(std::move(record));
  }
  refusals_timed_ = !refusals_.empty();
  if (refusals_timed_) loop_->after(refusal_meter::period, [this] { tell_refusals(); });
}

caf::error front_door::door::start(unique_fd client, identity who, uint64_t number) {
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
    return fail_errno("cannot start a session", errno);
  unique_fd service_side{pair[0]}, session_side{pair[1]};
  session begun;
  begun.port = factory_(who, number);
  if (!begun.port) return fail(errc::unavailable, "the service takes no sessions now");
  unique_fd channel;
  if (options_.channels) {
    auto opened = options_.channels->open(number);
    if (!opened) return opened.error();
    channel = std::move(*opened);
  }
  // The client's line comes before the first byte of the session.
  answer(client.get(), "ok\n", channel.get());
  auto process = start_session(options_.executable, client.get(), session_side.get());
  if (!process) {
    caf::anon_send_exit(begun.port, caf::exit_reason::user_shutdown);
    close_channel(number);
    return process.error();
  }
  begun.facts = {number, who.user, who.uid, process->process, std::chrono::steady_clock::now()};
  begun.handle = std::move(process->handle);
  begun.watch = loop_->watch(begun.handle.get(), EPOLLIN,
                             [this, number](uint32_t) { on_process_ended(number); });
  auto error = link_up(begun, std::move(service_side));
  {
    std::lock_guard lock{mutex_};
    sessions_.emplace(number, std::move(begun));
  }
  spdlog::info("session {} of {} (uid {}) begins: process {}", number, who.user, who.uid,
               process->process);
  if (error) on_link_ended(number, text_of(error));
  return caf::none;
}

caf::error front_door::door::link_up(session& begun, unique_fd service_side) {
  auto number = begun.facts.number;
  link_options link;
  link.outside = std::move(service_side);
  link.policy.destination = begun.port->id();
  link.policy.own_node = wire_node(system_.node());
  link.policy.peer_process = static_cast<uint32_t>(begun.facts.process);
  link.policy.max_payload_bytes = defaults::max_link_payload_bytes;
  // Above the bound that the session itself answers with limit_reached.
  link.policy.max_unanswered = 2 * defaults::max_requests_per_session;
  link.policy.max_unanswered_bytes = max_unanswered_bytes;
  link.handshake_timeout = options_.handshake_timeout;
  link.idle_timeout = options_.session_idle_timeout;
  link.on_closed = [this, number](const std::string& reason) { on_link_ended(number, reason); };
  auto opened = pump_->open(std::move(link));
  if (!opened) return opened.error();
  begun.link = opened->number;
  return publish_over(system_, std::move(opened->inside), begun.port,
                      interface_of<client_actor>(system_));
}

void front_door::door::close_channel(uint64_t number) {
  if (options_.channels) options_.channels->close(number);
}

void front_door::door::on_link_ended(uint64_t number, const std::string& reason) {
  auto found = sessions_.find(number);
  if (found == sessions_.end() || found->second.link_ended) return;
  auto& ended = found->second;
  ended.link_ended = true;
  ended.reason = reason;
  caf::anon_send_exit(std::exchange(ended.port, nullptr), caf::exit_reason::user_shutdown);
  close_channel(number);
  if (!ended.process_ended) ::kill(ended.facts.process, SIGKILL);
  forget_if_over(number);
}

void front_door::door::on_process_ended(uint64_t number) {
  auto found = sessions_.find(number);
  if (found == sessions_.end()) return;
  auto& ended = found->second;
  loop_->unwatch(ended.watch);
  ended.exit = reap(ended.facts.process);
  ended.process_ended = true;
  if (!ended.link_ended) pump_->close(ended.link, "its process has ended");
  forget_if_over(number);
}

void front_door::door::forget_if_over(uint64_t number) {
  auto found = sessions_.find(number);
  if (!found->second.link_ended || !found->second.process_ended) return;
  const auto& over = found->second;
  spdlog::info("session {} of {} (uid {}) has ended: {} ({})", number, over.facts.user,
               over.facts.uid, over.reason, over.exit);
  std::lock_guard lock{mutex_};
  sessions_.erase(found);
}

void front_door::door::stop() {
  if (std::exchange(stopped_, true)) return;
  loop_->stop();
  ::unlink(options_.socket.c_str());
  listening_.reset();
  for (auto& [number, item] : sessions_) {
    if (item.port) caf::anon_send_exit(item.port, caf::exit_reason::user_shutdown);
    if (!item.process_ended) ::kill(item.facts.process, SIGKILL);
  }
  for (auto& [number, item] : sessions_) {
    if (!item.process_ended) reap(item.facts.process);
    spdlog::info("session {} of {} has ended: the service stops", number, item.facts.user);
  }
  std::lock_guard lock{mutex_};
  sessions_.clear();
  visitors_.clear();
}

std::vector<front_door::session_facts> front_door::door::sessions() const {
  std::vector<session_facts> result;
  std::lock_guard lock{mutex_};
  for (const auto& [number, item] : sessions_) result.push_back(item.facts);
  return result;
}

front_door::front_door(std::unique_ptr<door> inner) : door_(std::move(inner)) {}
front_door::~front_door() = default;
void front_door::stop() {
  door_->stop();
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
  return std::unique_ptr<front_door>{new front_door(std::move(inner))};
}

}  // namespace et
