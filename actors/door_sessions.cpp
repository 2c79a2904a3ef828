#include "actors/door_sessions.hpp"

#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "actors/basp_link.hpp"
#include "actors/protocol_client.hpp"

namespace et {

namespace {

/// Bytes of requests of one session that are being worked on.
constexpr size_t max_unanswered_bytes = 8 * 1024 * 1024;

}  // namespace

void say(int fd, const std::string& line, int gift) {
  (void)!send_with_descriptor(fd, line, gift);
}

std::string door_sessions::why_full(uint32_t uid) const {
  auto theirs = std::count_if(sessions_.begin(), sessions_.end(),
                              [&](const auto& item) { return item.second.facts.uid == uid; });
  if (static_cast<size_t>(theirs) >= options_.max_sessions_per_user)
    return "too many sessions of this user; try again later";
  if (sessions_.size() >= options_.max_sessions) return "too many sessions; try again later";
  return {};
}

size_t door_sessions::count_from(const std::string& address) const {
  return static_cast<size_t>(
      std::count_if(sessions_.begin(), sessions_.end(), [&](const auto& item) {
        const auto& from = item.second.from;
        return from.size() > address.size() && from.starts_with(address) &&
               from[address.size()] == ':';
      }));
}

caf::error door_sessions::start(unique_fd client, identity who, uint64_t number) {
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
  say(client.get(), "ok\n", channel.get());
  auto process = start_session(options_.executable, client.get(), session_side.get());
  if (!process) {
    caf::anon_send_exit(begun.port, caf::exit_reason::user_shutdown);
    close_channel(number);
    return process.error();
  }
  run(std::move(begun), who, std::move(*process), std::move(service_side), number);
  return caf::none;
}

caf::error door_sessions::adopt(session_process& process, unique_fd& service_side, identity who,
                                uint64_t number, caf::strong_actor_ptr port) {
  session begun;
  begun.port = port ? std::move(port) : factory_(who, number);
  if (!begun.port) return fail(errc::unavailable, "the service takes no sessions now");
  say(service_side.get(), "ok\n");
  run(std::move(begun), who, std::move(process), std::move(service_side), number);
  return caf::none;
}

void door_sessions::run(session begun, const identity& who, session_process process,
                        unique_fd service_side, uint64_t number) {
  begun.facts = {number, who.user, who.uid, process.process, std::chrono::steady_clock::now()};
  begun.from = who.from;
  begun.handle = std::move(process.handle);
  begun.watch = loop_.watch(begun.handle.get(), EPOLLIN,
                            [this, number](uint32_t) { on_process_ended(number); });
  auto error = link_up(begun, std::move(service_side));
  {
    std::lock_guard lock{mutex_};
    sessions_.emplace(number, std::move(begun));
  }
  spdlog::info("session {} of {} (uid {}) from {} begins: process {}", number, who.user, who.uid,
               who.from, process.process);
  if (error) on_link_ended(number, text_of(error));
}

caf::error door_sessions::link_up(session& begun, unique_fd service_side) {
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
  auto opened = pump_.open(std::move(link));
  if (!opened) return opened.error();
  begun.link = opened->number;
  return publish_over(system_, std::move(opened->inside), begun.port,
                      interface_of<client_actor>(system_));
}

void door_sessions::close_channel(uint64_t number) {
  if (options_.channels) options_.channels->close(number);
}

void door_sessions::end(uint64_t number, const std::string& reason) {
  auto found = sessions_.find(number);
  if (found != sessions_.end()) pump_.close(found->second.link, reason);
}

void door_sessions::on_link_ended(uint64_t number, const std::string& reason) {
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

void door_sessions::on_process_ended(uint64_t number) {
  auto found = sessions_.find(number);
  if (found == sessions_.end()) return;
  auto& ended = found->second;
  loop_.unwatch(ended.watch);
  ended.exit = reap(ended.facts.process);
  ended.process_ended = true;
  if (!ended.link_ended) pump_.close(ended.link, "its process has ended");
  forget_if_over(number);
}

void door_sessions::forget_if_over(uint64_t number) {
  auto found = sessions_.find(number);
  if (!found->second.link_ended || !found->second.process_ended) return;
  const auto& over = found->second;
  spdlog::info("session {} of {} (uid {}) has ended: {} ({})", number, over.facts.user,
               over.facts.uid, over.reason, over.exit);
  std::lock_guard lock{mutex_};
  sessions_.erase(found);
}

void door_sessions::stop() {
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
}

std::vector<front_door::session_facts> door_sessions::facts() const {
  std::vector<front_door::session_facts> result;
  std::lock_guard lock{mutex_};
  for (const auto& [number, item] : sessions_) result.push_back(item.facts);
  return result;
}

bool door_logins::record(const std::string& whose, const std::string& user, const std::string& from,
                         const caf::error& outcome) {
  bool told = !outcome || refusals_.count(whose, std::chrono::steady_clock::now());
  if (outcome && !std::exchange(timed_, true))
    loop_.after(refusal_meter::period, [this] { tell_refusals(); });
  if (!told || !options_.audit) return told;
  audit_record record;
  record.user = user;
  record.from = from;
  record.action = "login";
  record.outcome = code_of(outcome);
  if (outcome) record.text = clipped(text_of(outcome));
  options_.audit(std::move(record));
  return told;
}

/// What was only counted in the last minute.
void door_logins::tell_refusals() {
  for (auto& [whose, count] : refusals_.take_untold(std::chrono::steady_clock::now())) {
    spdlog::warn("front door: {} more logins of {} were refused in a minute", count, whose);
    if (!options_.audit) continue;
    audit_record record;
    record.from = whose;
    record.action = "login";
    record.outcome = errc::limit_reached;
    record.text = std::to_string(count) + " more logins were refused in that minute";
    options_.audit(std::move(record));
  }
  timed_ = !refusals_.empty();
  if (timed_) loop_.after(refusal_meter::period, [this] { tell_refusals(); });
}

}  // namespace et
