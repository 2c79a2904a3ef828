// Programs that the tests start: as other users, with signals, with what they used.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace et::blackbox {

namespace fs = std::filesystem;

/// Variables set over those of the test; an empty value stands for one that is not set.
using environment = std::map<std::string, std::string>;

/// Whom root becomes before it starts a program; no supplementary groups.
struct user {
  uint32_t uid = 0;
  uint32_t gid = 0;
};

struct outcome {
  int code = -1;  ///< exit code; 128 + signal when a signal ended it
  std::string out;
  std::string err;
  uint64_t peak_bytes = 0;  ///< the most memory it had
};

/// How a program is started.
struct child_options {
  environment extra;
  std::optional<user> as;
  // Its standard descriptors; -1: /dev/null. They stay the caller's.
  int in = -1;
  int out = -1;
  int err = -1;
};

/// A program that runs; killed with the object when it still does.
class child {
 public:
  /// A program of binaries(), or an absolute path.
  child(const std::vector<std::string>& words, const child_options& how);
  ~child();
  child(const child&) = delete;
  child& operator=(const child&) = delete;

  pid_t process() const { return process_; }
  void signal(int number) const;
  /// Waits until the program has set its handlers for signals; false when it ended before.
  bool wait_catches() const;
  /// Waits for its end, at most `limit`: the exit code as in outcome, or nothing.
  std::optional<int> wait(std::chrono::milliseconds limit);
  uint64_t peak_bytes() const { return peak_bytes_; }

 private:
  pid_t process_ = 0;
  int handle_ = -1;
  std::optional<int> code_;
  uint64_t peak_bytes_ = 0;
};

/// A descriptor that closes itself.
class file_end {
 public:
  explicit file_end(int fd = -1) : fd_(fd) {}
  ~file_end() { close(); }
  file_end(file_end&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  file_end& operator=(file_end&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  int get() const { return fd_; }
  void close();

 private:
  int fd_;
};

struct pipe_ends {
  pipe_ends();
  file_end read;
  file_end write;
};

/// Folder of the installed program and its links: ELASTICTAPE_BIN, else where `make test` installs.
fs::path binaries();

/// Runs a program to its end, at most 300 s. `input` may be larger than a pipe.
outcome run(const std::vector<std::string>& words, const environment& extra = {},
            const std::string& input = {}, std::optional<user> as = {});

/// Writes all of `text`, which a pipe has room for.
void append(int fd, const std::string& text);

/// Waits until the reader of a pipe has taken all that was written to it.
void wait_taken(int fd);

/// Waits until `holds()`, for a minute at most; whether it did.
template <class Condition>
bool comes(Condition holds) {
  auto end = std::chrono::steady_clock::now() + std::chrono::minutes{1};
  while (!holds()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
  }
  return true;
}

/// Reads up to the end of a line, of the file, or of a minute.
std::string read_line(int fd);

/// What stands in /proc/PROCESS/status behind `name:`; empty when there is no such process.
std::string process_fact(pid_t process, const std::string& name);

/// The processes whose parent is `process`, and that run its program: sanitizers start others.
std::vector<pid_t> sessions_of(pid_t process);

}  // namespace et::blackbox
