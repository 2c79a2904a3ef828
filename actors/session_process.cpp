#include "actors/session_process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

namespace et {

namespace {

/// A copy of `fd` that no dup2() in the child can overwrite before it is used.
unique_fd copy_out_of_the_way(int fd) {
  return unique_fd{::fcntl(fd, F_DUPFD_CLOEXEC, session_key_fd + 1)};
}

struct spawn_setup {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;

  spawn_setup() {
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawnattr_init(&attributes);
  }
  ~spawn_setup() {
    ::posix_spawn_file_actions_destroy(&actions);
    ::posix_spawnattr_destroy(&attributes);
  }
  spawn_setup(const spawn_setup&) = delete;
};

}  // namespace

caf::expected<session_process> start_session(const std::string& executable, int client_fd,
                                             int service_fd, const session_tls* tls) {
  auto client = copy_out_of_the_way(client_fd);
  auto service = copy_out_of_the_way(service_fd);
  unique_fd certificate, key;
  if (tls) {
    certificate = copy_out_of_the_way(tls->certificate_fd);
    key = copy_out_of_the_way(tls->key_fd);
  }
  if (!client || !service || (tls && (!certificate || !key)))
    return fail_errno("cannot start a session", errno);
  spawn_setup setup;
  auto* actions = &setup.actions;
  ::posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_addopen(actions, 1, "/dev/null", O_WRONLY, 0);
  ::posix_spawn_file_actions_adddup2(actions, client.get(), session_client_fd);
  ::posix_spawn_file_actions_adddup2(actions, service.get(), session_service_fd);
  if (tls) {
    ::posix_spawn_file_actions_adddup2(actions, certificate.get(), session_certificate_fd);
    ::posix_spawn_file_actions_adddup2(actions, key.get(), session_key_fd);
  }
  ::posix_spawn_file_actions_addclosefrom_np(actions,
                                             (tls ? session_key_fd : session_service_fd) + 1);
  // Signals that the service blocks or ignores mean what they usually do; its terminal's ^C is not
  // for the session.
  sigset_t none, all;
  ::sigemptyset(&none);
  ::sigfillset(&all);
  ::posix_spawnattr_setsigmask(&setup.attributes, &none);
  ::posix_spawnattr_setsigdefault(&setup.attributes, &all);
  ::posix_spawnattr_setpgroup(&setup.attributes, 0);
  ::posix_spawnattr_setflags(
      &setup.attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  char name[] = "elastictape", command[] = "session", with_tls[] = "tls";
  char* arguments[] = {name, command, tls ? with_tls : nullptr, nullptr};
  char* environment[] = {nullptr};
  session_process started;
  int result = ::posix_spawn(&started.process, executable.c_str(), actions, &setup.attributes,
                             arguments, environment);
  if (result != 0) return fail_errno("cannot start " + executable, result);
  // The header of this function in Debian 12 is not usable from C++.
  started.handle.reset(static_cast<int>(::syscall(SYS_pidfd_open, started.process, 0)));
  if (!started.handle) {
    auto error = fail_errno("cannot watch a session", errno);
    ::kill(started.process, SIGKILL);
    reap(started.process);
    return error;
  }
  return started;
}

std::string reap(pid_t process) {
  int status = 0;
  pid_t result;
  do {
    result = ::waitpid(process, &status, 0);
  } while (result < 0 && errno == EINTR);
  if (result < 0) return "already collected";
  if (WIFSIGNALED(status)) return "signal " + std::to_string(WTERMSIG(status));
  return "exit code " + std::to_string(WEXITSTATUS(status));
}

}  // namespace et
