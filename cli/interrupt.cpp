#include "cli/interrupt.hpp"

#include <sys/time.h>
#include <unistd.h>

#include <csignal>
#include <cstring>

#include "cli/output.hpp"

namespace et {

namespace {

std::atomic<bool> interrupted{false};
std::atomic<bool> catching{false};

// Prepared beforehand: a signal handler may copy and write, and not much else.
struct {
  std::atomic<int> fd{-1};
  size_t size = 0;
  char text[256] = {};
} last_line;

void log_last_line() {
  int fd = last_line.fd;
  if (fd < 0) return;
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  char line[time_bytes + sizeof last_line.text];
  char(&time)[time_bytes] = *reinterpret_cast<char(*)[time_bytes]>(&line);
  write_time(time, int64_t{now.tv_sec} * 1'000'000'000);
  std::memcpy(line + time_bytes, last_line.text, last_line.size);
  [[maybe_unused]] auto ignored = ::write(fd, line, time_bytes + last_line.size);
}

void on_signal(int) {
  if (catching && !interrupted.exchange(true)) return;
  constexpr char text[] = "\ninterrupted\n";
  [[maybe_unused]] auto ignored = ::write(2, text, sizeof text - 1);
  log_last_line();
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

bool interrupt_caught() {
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

void log_interrupt(int fd, std::string_view text) {
  last_line.fd = -1;
  last_line.size = text.copy(last_line.text, sizeof last_line.text - 1);
  last_line.text[last_line.size++] = '\n';
  last_line.fd = fd;
}

void no_interrupt() {
  sigset_t ends;
  sigemptyset(&ends);
  for (int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&ends, number);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);
  last_line.fd = -1;
}

}  // namespace et
