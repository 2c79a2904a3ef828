// The session process: `elastictape session`, started by the front door for one client.
#pragma once

namespace et {

/// Speaks with a client on one descriptor and with the service on the other until either has gone.
/// First gives up every privilege and takes the client's user; limits its own memory, descriptors
/// and threads' debuggability. Does not return: ends the process, with 0 after an ordinary session.
[[noreturn]] void run_session(int client_fd, int service_fd);

}  // namespace et
