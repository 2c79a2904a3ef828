#include "actors/remote_door.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>

#include "actors/monitor/server/address.hpp"
#include "actors/tls_stream.hpp"

namespace et {

namespace {

/// The door tries again after this when it has no descriptors left.
constexpr auto exhausted_delay = std::chrono::milliseconds{200};
/// Threads that check credentials, which may have to ask a database or a daemon, and how many
/// checks wait for one.
constexpr size_t checker_threads = 2;
constexpr size_t checker_queue = 256;
/// A process that was told no has so long to pass that on.
constexpr auto refusal_grace = std::chrono::seconds{2};
/// Longest reason that is told, so that the line stays below max_door_answer_bytes.
constexpr size_t max_reason_bytes = 200;

/// How TLS begins: a handshake record, version 3.
constexpr uint8_t tls_beginning[] = {0x16, 0x03};
constexpr int record_head_bytes = 5;
constexpr int max_record_bytes = record_head_bytes + 16 * 1024;

/// When others wait for a process, those who have had one for so long without saying their line
/// have to go.
constexpr auto slow_after = std::chrono::seconds{2};
constexpr auto retry_delay = std::chrono::milliseconds{250};

std::string from_of(const sockaddr_storage& peer, const std::string& address) {
  auto port = peer.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6&>(peer).sin6_port
                                         : reinterpret_cast<const sockaddr_in&>(peer).sin_port;
  return address + ":" + std::to_string(ntohs(port));
}

/// Connections of peers that vanish without a word end within minutes.
void watch_for_death(int fd) {
  int yes = 1, idle_s = 60, period_s = 15, probes = 4;
  ::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof yes);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &period_s, sizeof period_s);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
}

/// One line, whatever is in it.
std::string reason_of(const caf::error& why) {
  auto text = text_of(why).substr(0, max_reason_bytes);
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < ' '; }, ' ');
  return text;
}

// Nothing is thrown on the threads that check.
caf::expected<proven_identity> checked(credential_checker& checker, const credential& said) {
  try {
    return checker.check(said);
  } catch (const std::exception& e) {
    return fail(errc::internal, std::string{"a login cannot be checked: "} + e.what());
  }
}

bool is_gone(credential_checker& checker, const std::string& hash) {
  try {
    return !checker.still_good(hash);
  } catch (const std::exception&) {
    return false;
  }
}

/// Whether certificate and key go together, before anybody needs them.
caf::error try_files(const front_door::remote_options& remote) {
  auto certificate = read_small_file(remote.certificate, max_pem_bytes);
  if (!certificate) return certificate.error();
  auto key = open_key_file(remote.key);
  if (!key) return key.error();
  auto text = read_small_file(remote.key, max_pem_bytes);
  if (!text) return text.error();
  auto context = tls_server_context(*certificate, *text);
  return context ? caf::error{} : with_context(context.error(), remote.certificate);
}

}  // namespace

caf::expected<std::unique_ptr<remote_door>> remote_door::open(const front_door::options& opts,
                                                              door_sessions& sessions,
                                                              door_logins& logins,
                                                              poll_loop& loop) {
  if (auto error = try_files(*opts.remote)) return error;
  auto listening = monitor::listen_on(opts.remote->listen, true, "commands over TLS");
  if (!listening) return listening.error();
  return std::unique_ptr<remote_door>{
      new remote_door{opts, sessions, logins, loop, std::move(listening->socket),
                      listening->host + ":" + std::to_string(listening->port)}};
}

remote_door::remote_door(const front_door::options& opts, door_sessions& sessions,
                         door_logins& logins, poll_loop& loop, unique_fd listening,
                         std::string address)
    : options_(opts),
      remote_(*opts.remote),
      sessions_(sessions),
      logins_(logins),
      loop_(loop),
      listening_(std::move(listening)),
      address_(std::move(address)),
      checkers_(checker_threads, checker_queue) {
  loop_.post([this] { watch_listening(); });
}

remote_door::~remote_door() {
  for (auto& one : strangers_) {
    if (one.process.process == 0) continue;
    ::kill(one.process.process, SIGKILL);
    reap(one.process.process);
  }
}

void remote_door::watch_listening() {
  listening_watch_ = loop_.watch(listening_.get(), EPOLLIN, [this](uint32_t) { accept_all(); });
}

void remote_door::accept_all() {
  // A bounded number in a row, so that those inside are not starved by those who knock.
  for (int i = 0; i < 64; ++i) {
    sockaddr_storage peer{};
    socklen_t size = sizeof peer;
    unique_fd fd{::accept4(listening_.get(), reinterpret_cast<sockaddr*>(&peer), &size,
                           SOCK_CLOEXEC | SOCK_NONBLOCK)};
    if (fd) {
      welcome(std::move(fd), peer);
      continue;
    }
    if (errno == ECONNABORTED || errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return;
    spdlog::error("front door: {}", text_of(fail_errno("cannot accept", errno)));
    loop_.unwatch(std::exchange(listening_watch_, 0));
    loop_.after(exhausted_delay, [this] { watch_listening(); });
    return;
  }
}

/// The longest waiting go first: of an address that has too many, then of all.
void remote_door::make_room(const std::string& address) {
  auto waits = [](const stranger& one) {
    return one.now == phase::silent || one.now == phase::queued;
  };
  auto oldest = strangers_.end(), oldest_here = strangers_.end();
  size_t all = 0, here = 0;
  for (auto it = strangers_.begin(); it != strangers_.end(); ++it) {
    if (!waits(*it)) continue;
    ++all;
    if (oldest == strangers_.end()) oldest = it;
    if (it->address != address) continue;
    ++here;
    if (oldest_here == strangers_.end()) oldest_here = it;
  }
  auto too_many = fail(errc::limit_reached, "too many connections that say nothing");
  if (here >= remote_.max_waiting_per_address)
    dismiss(oldest_here, too_many);
  else if (all >= remote_.max_waiting)
    dismiss(oldest, too_many);
}

void remote_door::welcome(unique_fd fd, const sockaddr_storage& peer) {
  auto address = monitor::address_text(peer);
  auto from = from_of(peer, address);
  if (sessions_.count_from(address) >= remote_.max_sessions_per_address) {
    logins_.record(address, "", from,
                   fail(errc::limit_reached, "too many sessions of this address"));
    return;
  }
  make_room(address);
  watch_for_death(fd.get());
  auto who = strangers_.emplace(strangers_.end());
  who->id = next_id_++;
  who->fd = std::move(fd);
  who->address = std::move(address);
  who->from = std::move(from);
  who->watch = loop_.watch(who->fd.get(), EPOLLIN, [this, who](uint32_t) { on_first_bytes(who); });
  who->timer = loop_.after(options_.handshake_timeout, [this, who] {
    who->timer = 0;
    dismiss(who, fail(errc::timeout, "did not say who it is in time"));
  });
}

/// Those who do not finish what they begin cost no process.
void remote_door::on_first_bytes(strangers::iterator who) {
  uint8_t head[record_head_bytes];
  int fd = who->fd.get();
  auto n = ::recv(fd, head, sizeof head, MSG_PEEK | MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n <= 0) return dismiss(who, fail(errc::protocol, "gone before it said anything"));
  if (!std::equal(head, head + std::min<size_t>(n, sizeof tls_beginning), tls_beginning))
    return dismiss(who, fail(errc::protocol, "does not speak TLS"));
  int there = 0;
  ::ioctl(fd, FIONREAD, &there);
  int wanted = record_head_bytes;
  if (n == record_head_bytes) wanted += head[3] << 8 | head[4];
  if (wanted > max_record_bytes) return dismiss(who, fail(errc::protocol, "does not speak TLS"));
  if (n < record_head_bytes || there < wanted) {
    // The kernel wakes us when there is enough, or no more to come.
    if (who->wanted_bytes == wanted)
      return dismiss(who, fail(errc::protocol, "gone before it said anything"));
    who->wanted_bytes = wanted;
    ::setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &wanted, sizeof wanted);
    return;
  }
  int any = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &any, sizeof any);
  loop_.unwatch(std::exchange(who->watch, 0));
  who->now = phase::queued;
  start_queued();
}

bool remote_door::may_start(const stranger& who) const {
  size_t all = 0, here = 0;
  for (auto& one : strangers_) {
    if (one.process.process == 0) continue;
    ++all;
    if (one.address == who.address) ++here;
  }
  return all < remote_.max_unknown && here < remote_.max_unknown_per_address;
}

void remote_door::start_queued() {
  for (auto it = strangers_.begin(); it != strangers_.end();) {
    auto who = it++;
    if (who->now != phase::queued) continue;
    if (!may_start(*who)) {
      make_way(*who);
      continue;
    }
    if (auto error = start(*who)) {
      spdlog::error("front door: {}", text_of(error));
      dismiss(who, error);
      continue;
    }
    who->now = phase::unknown;
    who->since = std::chrono::steady_clock::now();
    who->watch = loop_.watch(who->service.get(), EPOLLIN, [this, who](uint32_t) { hear(who); });
    who->process_watch = loop_.watch(who->process.handle.get(), EPOLLIN,
                                     [this, id = who->id](uint32_t) { on_process_ended(id); });
  }
}

/// One that is slow gives its process up, now or when it has become slow.
void remote_door::make_way(const stranger& who) {
  auto here = [&](const stranger& one) {
    return one.process.process != 0 && one.address == who.address;
  };
  auto count = static_cast<size_t>(std::count_if(strangers_.begin(), strangers_.end(), here));
  bool same = count >= remote_.max_unknown_per_address;
  auto limit = std::chrono::steady_clock::now() - slow_after;
  for (auto it = strangers_.begin(); it != strangers_.end(); ++it) {
    if (it->now != phase::unknown || it->since > limit || (same && !here(*it))) continue;
    return dismiss(it, fail(errc::timeout, "did not say who it is while others waited"));
  }
  if (std::exchange(retry_timed_, true)) return;
  loop_.after(retry_delay, [this] {
    retry_timed_ = false;
    start_queued();
  });
}

/// The files are opened for each process, so that new ones are used from then on; the processes
/// read them before they give up their rights.
caf::error remote_door::start(stranger& who) {
  auto certificate = open_file(remote_.certificate, O_RDONLY);
  if (!certificate) return certificate.error();
  auto key = open_key_file(remote_.key);
  if (!key) return key.error();
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
    return fail_errno("cannot start a session", errno);
  who.service.reset(pair[0]);
  unique_fd session_side{pair[1]};
  session_tls tls{certificate->get(), key->get()};
  auto process = start_session(options_.executable, who.fd.get(), session_side.get(), &tls);
  if (!process) return process.error();
  who.process = std::move(*process);
  who.fd.reset();
  return caf::none;
}

void remote_door::hear(strangers::iterator who) {
  // Nothing may follow the line before our answer, so that more than a line is an offence.
  char heard[max_credential_bytes + 2];
  auto n = ::recv(who->service.get(), heard, sizeof heard - who->heard.size(), MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n <= 0) return dismiss(who, fail(errc::protocol, "did not finish the TLS handshake"));
  who->heard.append(heard, static_cast<size_t>(n));
  auto end = who->heard.find('\n');
  if (end == std::string::npos && who->heard.size() <= max_credential_bytes) return;
  if (end == std::string::npos || end + 1 != who->heard.size() || who->now != phase::unknown)
    return dismiss(who, fail(errc::protocol, "says more than its line"));
  check(who, std::exchange(who->heard, {}).substr(0, end));
}

void remote_door::check(strangers::iterator who, std::string line) {
  auto what = parse_credential(line);
  if (!what) return refuse(who, what.error());
  if (what->how == credential::kind::ticket) return on_ticket(who, what->text);
  who->now = phase::checked;
  auto begun = checkers_.begin([this, id = who->id, said = std::move(*what)] {
    auto proven = std::make_shared<caf::expected<proven_identity>>(checked(*remote_.checker, said));
    loop_.post([this, id, proven] { on_checked(id, *proven); });
  });
  if (!begun) refuse(who, fail(errc::limit_reached, "too many logins at once; try again later"));
}

void remote_door::on_checked(uint64_t id, const caf::expected<proven_identity>& proven) {
  auto who = find(id);
  if (who == strangers_.end() || who->now != phase::checked) return;
  if (!proven) return refuse(who, proven.error());
  if (auto full = sessions_.why_full(proven->who.uid); !full.empty())
    return refuse(who, fail(errc::limit_reached, full));
  auto number = sessions_.take_number();
  auto known = *proven;
  known.who.from = who->from + " " + proven->who.from;
  auto error = admit(*who, known, number, nullptr);
  if (error) return refuse(who, error);
  forget(who);
  keep_watching(number, std::move(known));
}

void remote_door::on_ticket(strangers::iterator who, const std::string& ticket) {
  auto number = sessions_.take_number();
  auto port = remote_.ticket_port ? remote_.ticket_port(ticket, number) : nullptr;
  if (!port) return refuse(who, fail(errc::not_authorised, "this ticket is not good (any more)"));
  proven_identity known;
  known.who.uid = known.who.gid = ticket_uid;
  known.who.user = "ticket";
  known.who.from = who->from + " ticket";
  if (auto error = admit(*who, known, number, std::move(port))) return refuse(who, error);
  forget(who);
}

caf::error remote_door::admit(stranger& who, const proven_identity& proven, uint64_t number,
                              caf::strong_actor_ptr port) {
  loop_.unwatch(std::exchange(who.watch, 0));
  loop_.unwatch(std::exchange(who.process_watch, 0));
  auto error = sessions_.adopt(who.process, who.service, proven.who, number, std::move(port));
  if (error) {
    who.process_watch = loop_.watch(who.process.handle.get(), EPOLLIN,
                                    [this, id = who.id](uint32_t) { on_process_ended(id); });
    return error;
  }
  who.process.process = 0;
  logins_.record(who.address, proven.who.user, proven.who.from, caf::none);
  return caf::none;
}

/// A session does not outlive what it came with.
void remote_door::keep_watching(uint64_t number, proven_identity proven) {
  if (proven.token_hash.empty()) return;
  auto delay = remote_.recheck_period;
  if (proven.expires_ns != 0) {
    auto left_ms = (proven.expires_ns - system_clock().now_ns()) / 1'000'000 + 1;
    delay = std::min(delay, std::chrono::milliseconds{std::max<int64_t>(left_ms, 0)});
  }
  loop_.after(delay, [this, number, proven = std::move(proven)]() mutable {
    if (!sessions_.has(number)) return;
    if (proven.expires_ns != 0 && proven.expires_ns <= system_clock().now_ns())
      return sessions_.end(number, "its token has expired");
    // When there are too many checks already, this one can wait for the next time.
    checkers_.begin([this, number, hash = proven.token_hash] {
      if (is_gone(*remote_.checker, hash))
        loop_.post([this, number] { sessions_.end(number, "its token is revoked"); });
    });
    keep_watching(number, std::move(proven));
  });
}

/// Says no, with the reason, and lets the process pass that on.
void remote_door::refuse(strangers::iterator who, const caf::error& why) {
  if (logins_.record(who->address, "", who->from, why))
    spdlog::warn("front door: a login from {} is refused: {}", who->from, text_of(why));
  say(who->service.get(), "no " + reason_of(why) + "\n");
  who->now = phase::ending;
  loop_.unwatch(std::exchange(who->watch, 0));
  loop_.cancel(who->timer);
  who->timer = loop_.after(refusal_grace, [pid = who->process.process, this, id = who->id] {
    auto late = find(id);
    if (late == strangers_.end()) return;
    late->timer = 0;
    ::kill(pid, SIGKILL);
  });
}

/// Closes the connection without a word.
void remote_door::dismiss(strangers::iterator who, const caf::error& why) {
  if (who->now != phase::ending && logins_.record(who->address, "", who->from, why))
    spdlog::warn("front door: connection of {} closed: {}", who->from, text_of(why));
  if (who->process.process == 0) return forget(who);
  ::kill(who->process.process, SIGKILL);
  who->now = phase::ending;
  loop_.unwatch(std::exchange(who->watch, 0));
}

void remote_door::on_process_ended(uint64_t id) {
  auto who = find(id);
  if (who == strangers_.end()) return;
  if (who->now == phase::unknown || who->now == phase::checked)
    dismiss(who, fail(errc::protocol, "did not finish the TLS handshake"));
  loop_.unwatch(std::exchange(who->process_watch, 0));
  reap(std::exchange(who->process.process, 0));
  forget(who);
}

void remote_door::forget(strangers::iterator who) {
  loop_.unwatch(who->watch);
  loop_.unwatch(who->process_watch);
  loop_.cancel(who->timer);
  strangers_.erase(who);
  // Not from here: those who call hold positions in the list.
  loop_.post([this] { start_queued(); });
}

remote_door::strangers::iterator remote_door::find(uint64_t id) {
  return std::find_if(strangers_.begin(), strangers_.end(),
                      [id](const stranger& one) { return one.id == id; });
}

}  // namespace et
