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
#include "actors/gateway.hpp"
#include "actors/link_pump.hpp"
#include "actors/node_config.hpp"

namespace et {

namespace {

constexpr rlim_t max_descriptors = 64;
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

/// Takes the user of the client and no more than is needed to move bytes.
caf::error drop_privileges(int client_fd) {
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(client_fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
    return fail_errno("cannot learn who the client is", errno);
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
  // Sanitizers reserve terabytes of address space for themselves.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
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

}  // namespace

void run_session(int client_fd, int service_fd) {
  ::signal(SIGPIPE, SIG_IGN);
  if (auto error = drop_privileges(client_fd)) end(1, error);
  try {
    serve(unique_fd{client_fd}, unique_fd{service_fd});
  } catch (const std::exception& e) {
    end(1, fail(errc::internal, e.what()));
  }
}

}  // namespace et
