// Starts the process that speaks with one client (cli/session).
#pragma once

#include <sys/types.h>
#include <string>

#include "storage/os/file.hpp"

namespace et {

/// The descriptors under which a session process finds its client and its service.
constexpr int session_client_fd = 3;
constexpr int session_service_fd = 4;

struct session_process {
  pid_t process = 0;
  unique_fd handle;  ///< becomes readable when the process ends; then it can be reaped
};

/// For a client that speaks TLS: open files with certificate and key, and under which descriptors
/// the process finds them.
struct session_tls {
  int certificate_fd = -1;
  int key_fd = -1;
};
constexpr int session_certificate_fd = 5;
constexpr int session_key_fd = 6;

/// Starts `executable session`, or `session tls`, with nothing but the two sockets, what `tls` has,
/// and our standard error. The descriptors stay ours. Error: io_error.
caf::expected<session_process> start_session(const std::string& executable, int client_fd,
                                             int service_fd, const session_tls* tls = nullptr);

/// Collects a process that has ended and says how, as in `exit code 1` or `signal 9`. Waits for it.
std::string reap(pid_t process);

}  // namespace et
