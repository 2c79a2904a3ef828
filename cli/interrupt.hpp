// What SIGINT, SIGTERM and SIGHUP do to a command.
#pragma once

#include <atomic>
#include <string_view>

namespace et {

/// From now on a signal ends the process at once with exit code 4. Right for commands that leave
/// nothing behind: the service forgets what a client has not finished. Also ignores SIGPIPE, so
/// that a reader who went away is seen as a failed write.
void end_on_interrupt();

/// From now on the first signal sets the flag that is returned, the second ends the process as
/// above. For commands that have something to clean up or to finish first.
const std::atomic<bool>& catch_interrupt();

/// Whether the first signal has come since catch_interrupt().
bool interrupt_caught();

/// The process ends with exit code 0, wherever it is, when it has not ended by then.
void end_silently_after(unsigned timeout_ms);

/// A signal that ends the process writes a line to `fd` first: the time and `text`, of which at
/// most 255 bytes are kept. `fd` must stay open until no_interrupt() or the end of the process.
void log_interrupt(int fd, std::string_view text);

/// From now on these signals wait: the command's end is settled. Called by its last thread.
void no_interrupt();

}  // namespace et
