#include "tests/blackbox/child.hpp"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <cstring>
#include <fstream>

namespace et::blackbox {

namespace {

constexpr std::chrono::milliseconds command_timeout{300'000};
constexpr std::chrono::milliseconds handler_timeout{60'000};
constexpr int line_timeout_ms = 60'000;

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> list;
  for (auto& word : words) list.push_back(word.data());
  list.push_back(nullptr);
  return list;
}

std::vector<std::string> surroundings(const environment& extra) {
  std::vector<std::string> list;
  for (char** one = environ; *one != nullptr; ++one) {
    std::string text = *one;
    if (!extra.contains(text.substr(0, text.find('=')))) list.push_back(text);
  }
  for (auto& [name, value] : extra)
    if (!value.empty()) list.push_back(name + "=" + value);
  return list;
}

// Between fork and exec, where other threads' locks may be held: system calls only.
[[noreturn]] void become(char* const* words, char* const* variables, const child_options& how,
                         int null) {
  int ends[3] = {how.in < 0 ? null : how.in, how.out < 0 ? null : how.out,
                 how.err < 0 ? null : how.err};
  for (int& end : ends) end = fcntl(end, F_DUPFD, 10);
  for (int i = 0; i < 3; ++i) dup2(ends[i], i);
  for (int end : ends) close(end);
  // Under nohup SIGHUP is ignored, which a command leaves so.
  for (int number : {SIGPIPE, SIGHUP}) ::signal(number, SIG_DFL);
  if (how.as) {
    auto [uid, gid] = *how.as;
    if (syscall(SYS_setgroups, 0, nullptr) != 0 || syscall(SYS_setresgid, gid, gid, gid) != 0 ||
        syscall(SYS_setresuid, uid, uid, uid) != 0)
      _exit(126);
  }
  execve(words[0], words, variables);
  _exit(127);
}

// Feeds `input` and reads both ends until both are closed or nothing comes for too long.
void exchange(file_end& in, const std::string& input, int out, int err, outcome& result) {
  ::fcntl(in.get(), F_SETFL, O_NONBLOCK);
  size_t fed = 0;
  pollfd watched[3] = {{out, POLLIN, 0}, {err, POLLIN, 0}, {in.get(), POLLOUT, 0}};
  std::string* texts[2] = {&result.out, &result.err};
  while (watched[0].fd >= 0 || watched[1].fd >= 0) {
    if (fed == input.size()) {
      watched[2].fd = -1;
      in.close();
    }
    if (poll(watched, 3, static_cast<int>(command_timeout.count())) <= 0) return;
    for (int i = 0; i < 2; ++i) {
      if (watched[i].fd < 0 || watched[i].revents == 0) continue;
      char buffer[65536];
      auto n = read(watched[i].fd, buffer, sizeof buffer);
      if (n > 0)
        texts[i]->append(buffer, static_cast<size_t>(n));
      else
        watched[i].fd = -1;
    }
    if (watched[2].fd < 0 || watched[2].revents == 0) continue;
    auto n = write(in.get(), input.data() + fed, input.size() - fed);
    // A program may end without reading all of it.
    fed = n < 0 ? input.size() : fed + static_cast<size_t>(n);
  }
}

}  // namespace

void file_end::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

pipe_ends::pipe_ends() {
  int ends[2];
  REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
  read = file_end{ends[0]};
  write = file_end{ends[1]};
}

fs::path binaries() {
  const char* given = std::getenv("ELASTICTAPE_BIN");
  return given ? fs::path{given} : fs::path{ET_INSTALLED_BIN};
}

child::child(const std::vector<std::string>& words, const child_options& how) {
  ::signal(SIGPIPE, SIG_IGN);
  auto command = words;
  if (command[0].front() != '/') command[0] = (binaries() / command[0]).string();
  auto variables = surroundings(how.extra);
  auto word_list = pointers(command);
  auto variable_list = pointers(variables);
  file_end null{open("/dev/null", O_RDWR | O_CLOEXEC)};
  process_ = fork();
  REQUIRE(process_ >= 0);
  if (process_ == 0) become(word_list.data(), variable_list.data(), how, null.get());
  handle_ = static_cast<int>(syscall(SYS_pidfd_open, process_, 0));
}

child::~child() {
  if (!code_) {
    ::kill(process_, SIGKILL);
    wait(command_timeout);
  }
  ::close(handle_);
}

void child::signal(int number) const {
  if (!code_) ::kill(process_, number);
}

bool child::wait_catches() const {
  auto own = fs::read_symlink("/proc/self/exe");
  auto exe = "/proc/" + std::to_string(process_) + "/exe";
  auto until = std::chrono::steady_clock::now() + handler_timeout;
  while (std::chrono::steady_clock::now() < until) {
    // Before it becomes the program it still has the handlers of the test.
    std::error_code ignored;
    bool begun = fs::read_symlink(exe, ignored) != own;
    auto caught = std::strtoull(process_fact(process_, "SigCgt").c_str(), nullptr, 16);
    auto has = [&](int number) { return (caught >> (number - 1) & 1) != 0; };
    if (begun && has(SIGINT) && has(SIGTERM) && has(SIGHUP)) return true;
    pollfd ended{handle_, POLLIN, 0};
    if (poll(&ended, 1, 1) == 1) return false;
  }
  return false;
}

std::optional<int> child::wait(std::chrono::milliseconds limit) {
  if (code_) return code_;
  pollfd ended{handle_, POLLIN, 0};
  if (poll(&ended, 1, static_cast<int>(limit.count())) != 1) return std::nullopt;
  int status = 0;
  rusage usage{};
  REQUIRE(wait4(process_, &status, 0, &usage) == process_);
  peak_bytes_ = static_cast<uint64_t>(usage.ru_maxrss) * 1024;
  code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return code_;
}

outcome run(const std::vector<std::string>& words, const environment& extra,
            const std::string& input, std::optional<user> as) {
  pipe_ends in;
  pipe_ends out;
  pipe_ends err;
  child program{words, {extra, as, in.read.get(), out.write.get(), err.write.get()}};
  in.read.close();
  out.write.close();
  err.write.close();
  outcome result;
  exchange(in.write, input, out.read.get(), err.read.get(), result);
  result.code = program.wait(command_timeout).value_or(-1);
  result.peak_bytes = program.peak_bytes();
  return result;
}

void append(int fd, const std::string& text) {
  REQUIRE(write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
}

void wait_taken(int fd) {
  int left = 1;
  for (int i = 0; left > 0 && i < 60'000; ++i) {
    REQUIRE(ioctl(fd, FIONREAD, &left) == 0);
    if (left > 0) poll(nullptr, 0, 1);
  }
  REQUIRE(left == 0);
}

std::string read_line(int fd) {
  std::string line;
  pollfd watched{fd, POLLIN, 0};
  while (!line.ends_with('\n') && poll(&watched, 1, line_timeout_ms) > 0) {
    char c = 0;
    if (read(fd, &c, 1) != 1) break;
    line += c;
  }
  return line;
}

std::string process_fact(pid_t process, const std::string& name) {
  std::ifstream status{"/proc/" + std::to_string(process) + "/status"};
  std::string line;
  while (std::getline(status, line)) {
    if (!line.starts_with(name + ":")) continue;
    auto begin = line.find_first_not_of(" \t", name.size() + 1);
    return begin == std::string::npos ? "" : line.substr(begin);
  }
  return {};
}

std::vector<pid_t> sessions_of(pid_t process) {
  auto program_of = [](pid_t one) {
    std::error_code ignored;
    return fs::read_symlink("/proc/" + std::to_string(one) + "/exe", ignored);
  };
  std::vector<pid_t> found;
  for (auto& one : fs::directory_iterator("/proc")) {
    auto name = one.path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    auto candidate = static_cast<pid_t>(std::stol(name));
    if (process_fact(candidate, "PPid") == std::to_string(process) &&
        program_of(candidate) == program_of(process))
      found.push_back(candidate);
  }
  return found;
}

}  // namespace et::blackbox
