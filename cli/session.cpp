#include "cli/session.hpp"

#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <future>

#include "actors/basp_link.hpp"
#include "actors/defaults.hpp"
#include "actors/front_door.hpp"
#include "actors/gateway.hpp"
#include "actors/link_pump.hpp"
#include "actors/node_config.hpp"
#include "actors/session_process.hpp"
#include "actors/tls_bridge.hpp"

namespace et {

namespace {

constexpr rlim_t max_descriptors = 64;
constexpr auto answer_timeout = std::chrono::seconds{1};
constexpr uint32_t nobody = 65'534;
constexpr size_t max_unanswered_bytes = 32 * 1024 * 1024;

[[noreturn]] void end(int code, const caf::error& error = caf::none) {
  if (error) std::fprintf(stderr, "elastictape session: %s\n", text_of(error).c_str());
  // Nothing here needs an orderly end; the sockets close with the process.
  ::_exit(code);
}

void limit(int what, rlim_t value) {
  rlimit both{.rlim_cur = value, .rlim_max = value};
  ::setrlimit(static_cast<__rlimit_resource>(what), &both);
}

/// The user of a client of this machine; of others nothing is known yet.
caf::expected<ucred> user_of(int client_fd, bool tls) {
  ucred peer{.pid = 0, .uid = nobody, .gid = nobody};
  socklen_t size = sizeof peer;
  if (!tls && ::getsockopt(client_fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
    return fail_errno("cannot learn who the client is", errno);
  return peer;
}

/// Takes a user and no more than is needed to move bytes.
caf::error drop_privileges(const ucred& peer) {
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (::geteuid() == 0 && peer.uid != 0) {
    if (::setgroups(0, nullptr) != 0 || ::setresgid(peer.gid, peer.gid, peer.gid) != 0 ||
        ::setresuid(peer.uid, peer.uid, peer.uid) != 0)
      return fail_errno("cannot become the user of the client", errno);
    if (::setuid(0) == 0) return fail(errc::internal, "still root");
  }
  // Changing the user resets both of these, so they come after it.
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_NOFILE, max_descriptors);
#ifndef ET_UNLIMITED_ADDRESSES
  limit(RLIMIT_AS, defaults::session_memory_bytes);
#endif
  return caf::none;
}

link_policy client_policy(const caf::actor_system& system, const remote_actor_info& service,
                          const client_actor& speaker) {
  link_policy policy;
  policy.destination = caf::actor_cast<caf::strong_actor_ptr>(speaker)->id();
  policy.own_node = wire_node(system.node());
  policy.taken_node = wire_node(service.node);
  policy.max_payload_bytes = defaults::max_link_payload_bytes;
  policy.max_unanswered = 2 * defaults::max_requests_per_session;
  policy.max_unanswered_bytes = max_unanswered_bytes;
  return policy;
}

[[noreturn]] void serve(unique_fd client, unique_fd service) {
  node_config config{short_lived_node()};
  caf::actor_system system{config};
  auto found = connect_untyped(system, std::move(service), defaults::connect_timeout);
  if (!found) end(1, found.error());
  // The service is of the same program, so its actor needs no check of its interface.
  auto speaker = system.spawn(gateway, caf::actor_cast<client_actor>(found->actor));
  std::promise<caf::error> ended;
  std::atomic<bool> once{false};
  auto finish = [&](caf::error why) {
    if (!once.exchange(true)) ended.set_value(std::move(why));
  };
  speaker->attach_functor([&](const caf::error&) { finish(caf::none); });
  auto loop = poll_loop::start();
  if (!loop) end(1, loop.error());
  link_pump pump{**loop};
  link_options link;
  link.outside = std::move(client);
  link.policy = client_policy(system, *found, speaker);
  link.handshake_timeout = defaults::handshake_timeout;
  link.on_closed = [&](const std::string& reason) {
    finish(reason == link_pump::peer_left ? caf::error{} : fail(errc::protocol, reason));
  };
  auto opened = pump.open(std::move(link));
  if (!opened) end(1, opened.error());
  if (auto error = publish_over(system, std::move(opened->inside),
                                caf::actor_cast<caf::strong_actor_ptr>(speaker),
                                interface_of<client_actor>(system)))
    end(1, error);
  auto why = ended.get_future().get();
  end(why ? 2 : 0, why);
}

caf::expected<std::string> read_all(int fd) {
  std::string text(max_pem_bytes, '\0');
  size_t size = 0;
  for (;;) {
    auto n = ::read(fd, text.data() + size, text.size() - size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("cannot read the certificate or its key", errno);
    if (n == 0) break;
    size += static_cast<size_t>(n);
    if (size == text.size()) return fail(errc::invalid_argument, "a certificate is too long");
  }
  text.resize(size);
  return text;
}

/// The answer of the service, of which nothing more is taken: the framework's bytes follow.
std::string hear_answer(int fd) {
  auto seconds = std::chrono::duration_cast<std::chrono::seconds>(defaults::connect_timeout);
  timeval patience{.tv_sec = seconds.count(), .tv_usec = 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  std::string line;
  for (char byte = 0; line.size() < max_door_answer_bytes; line += byte)
    if (::read(fd, &byte, 1) != 1 || byte == '\n') break;
  patience.tv_sec = 0;
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  return line;
}

/// Ends TLS and lets the service decide about the line that the client says. Strangers are not told
/// of in our standard error: the service counts them.
std::unique_ptr<tls_bridge> open_remote(SSL_CTX* context, unique_fd client, int service_fd) {
  auto deadline = std::chrono::steady_clock::now() + defaults::handshake_timeout;
  auto stream = tls_stream::accept(context, std::move(client), deadline);
  if (!stream) end(3);
  auto line = stream->read_line(max_credential_bytes, deadline);
  if (!line) end(3);
  *line += '\n';
  if (write_all(service_fd, line->data(), line->size())) end(1);
  // The client's secret is of no use any more.
  OPENSSL_cleanse(line->data(), line->size());
  auto answer = hear_answer(service_fd);
  if (answer.empty()) end(1);
  auto told = stream->write(answer + '\n', std::chrono::steady_clock::now() + answer_timeout);
  if (told || answer != "ok") {
    // Waits for the client to have read it: closing at once may take it away again.
    SSL_shutdown(stream->ssl());
    (void)stream->read_line(1, std::chrono::steady_clock::now() + answer_timeout);
    end(3);
  }
  auto bridge = tls_bridge::start(std::move(*stream));
  if (!bridge) end(1, bridge.error());
  return std::move(*bridge);
}

}  // namespace

void run_session(int client_fd, int service_fd, bool tls) {
  ::signal(SIGPIPE, SIG_IGN);
  tls_context_ptr context;
  if (tls) {
    // What only the service may read, before the first byte from outside.
    auto certificate = read_all(session_certificate_fd);
    auto key = read_all(session_key_fd);
    ::close(session_certificate_fd);
    ::close(session_key_fd);
    if (!certificate || !key) end(1, certificate ? key.error() : certificate.error());
    auto made = tls_server_context(*certificate, *key);
    OPENSSL_cleanse(key->data(), key->size());
    if (!made) end(1, made.error());
    context = std::move(*made);
  }
  auto peer = user_of(client_fd, tls);
  if (!peer) end(1, peer.error());
  if (auto error = drop_privileges(*peer)) end(1, error);
  try {
    unique_fd client{client_fd}, service{service_fd};
    std::unique_ptr<tls_bridge> bridge;
    if (tls) {
      bridge = open_remote(context.get(), std::move(client), service.get());
      client = bridge->take_plain();
    }
    serve(std::move(client), std::move(service));
  } catch (const std::exception& e) {
    end(1, fail(errc::internal, e.what()));
  }
}

}  // namespace et
