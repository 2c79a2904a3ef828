// A munged of the test's own: its key, its socket, in a folder that goes with it.
#pragma once

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

namespace et::test {

class private_munged {
 public:
  private_munged() {
    std::string name = "/tmp/et_munge_XXXXXX";
    folder_ = ::mkdtemp(name.data());
    start();
  }
  ~private_munged() {
    stop();
    std::filesystem::remove_all(folder_);
  }
  private_munged(const private_munged&) = delete;

  /// Says so when not: tests are skipped then.
  bool runs() const {
    if (process_ == 0) WARN("munged is not there or does not start: not tested with a real one");
    return process_ != 0;
  }
  std::string socket() const { return file("socket"); }
  /// A new one with the same key, which has forgotten what was decoded.
  void restart() {
    stop();
    start();
  }

 private:
  std::string file(const std::string& name) const { return (folder_ / name).string(); }

  void start() {
    const char* program = "/usr/sbin/munged";
    if (::access(program, X_OK) != 0) return;
    ::chmod(folder_.c_str(), 0755);
    if (!std::filesystem::exists(file("key"))) std::ofstream{file("key")} << std::string(128, 'k');
    ::chmod(file("key").c_str(), 0400);
    process_ = ::fork();
    if (process_ == 0) {
      auto socket = "--socket=" + file("socket"), key = "--key-file=" + file("key"),
           log = "--log-file=" + file("log"), pid = "--pid-file=" + file("pid"),
           seed = "--seed-file=" + file("seed");
      ::execl(program, program, "--force", "--foreground", socket.c_str(), key.c_str(), log.c_str(),
              pid.c_str(), seed.c_str(), "--num-threads=2", nullptr);
      ::_exit(127);
    }
    for (int i = 0; i < 500; ++i) {
      if (std::filesystem::exists(file("pid")) && std::filesystem::exists(socket())) return;
      if (::waitpid(process_, nullptr, WNOHANG) == process_) break;
      std::this_thread::sleep_for(std::chrono::milliseconds{10});
    }
    process_ = 0;
  }
  void stop() {
    if (process_ == 0) return;
    ::kill(process_, SIGTERM);
    ::waitpid(process_, nullptr, 0);
    process_ = 0;
  }

  std::filesystem::path folder_;
  pid_t process_ = 0;
};

}  // namespace et::test
