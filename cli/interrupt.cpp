#include "cli/interrupt.hpp"

#include <sys/time.h>
#include <unistd.h>

#include <csignal>

namespace et {

namespace {

std::atomic<bool> interrupted{false};
std::atomic<bool> catching{false};

void on_signal(int) {
  if (catching && !interrupted.exchange(true)) return;
  constexpr char text[] = "\ninterrupted\n";
  [[maybe_unused]] auto ignored = ::write(2, text, sizeof text - 1);
  _exit(4);
}

}  // namespace

void end_on_interrupt() {
  catching = false;
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  for (int number : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction old {};
    // What was started with a signal ignored (nohup) goes on ignoring it.
    if (sigaction(number, nullptr, &old) == 0 && old.sa_handler == SIG_IGN) continue;
    sigaction(number, &action, nullptr);
  }
  std::signal(SIGPIPE, SIG_IGN);
}

const std::atomic<bool>& catch_interrupt() {
  catching = true;
  return interrupted;
}

void end_silently_after(unsigned timeout_ms) {
  struct sigaction action {};
  action.sa_handler = [](int) { _exit(0); };
  sigaction(SIGALRM, &action, nullptr);
  itimerval timer{};
  timer.it_value.tv_sec = timeout_ms / 1000;
  timer.it_value.tv_usec = static_cast<suseconds_t>(timeout_ms % 1000 * 1000);
  setitimer(ITIMER_REAL, &timer, nullptr);
}

}  // namespace et
