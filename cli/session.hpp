// The session process: `elastictape session`, started by the front door for one client.
#pragma once

namespace et {

/// Speaks with a client on one descriptor and with the service on the other until either has gone.
/// First gives up every privilege and takes the client's user; limits its own memory, descriptors
/// and threads' debuggability. Does not return: ends the process, with 0 after an ordinary session.
///
/// With `tls` the client is on another machine and not known yet: certificate and key are read from
/// their descriptors (session_process.hpp), then all rights are given up, those of root for
/// nobody's, then TLS is ended here, the client's line is passed on, and the service says whether
/// there is a session.
[[noreturn]] void run_session(int client_fd, int service_fd, bool tls);

}  // namespace et
