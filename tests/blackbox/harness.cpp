#include "tests/blackbox/harness.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <random>
#include <sstream>

namespace et::blackbox {

namespace {

constexpr int command_timeout_ms = 300'000;
constexpr int start_timeout_ms = 60'000;
constexpr int stop_timeout_ms = 60'000;

int exit_code(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> list;
  for (auto& word : words) list.push_back(word.data());
  list.push_back(nullptr);
  return list;
}

[[noreturn]] void become(std::vector<std::string> words, const environment& extra) {
  for (auto& [name, value] : extra) setenv(name.c_str(), value.c_str(), 1);
  auto list = pointers(words);
  execv(list[0], list.data());
  std::fprintf(stderr, "cannot run %s: %s\n", list[0], std::strerror(errno));
  _exit(127);
}

/// Reads both ends until both are closed.
void drain(int out, int err, outcome& result) {
  pollfd watched[2] = {{out, POLLIN, 0}, {err, POLLIN, 0}};
  std::string* texts[2] = {&result.out, &result.err};
  int open = 2;
  while (open > 0) {
    if (poll(watched, 2, command_timeout_ms) <= 0) return;
    for (int i = 0; i < 2; ++i) {
      if (watched[i].fd < 0 || watched[i].revents == 0) continue;
      char buffer[65536];
      auto n = read(watched[i].fd, buffer, sizeof buffer);
      if (n > 0) {
        texts[i]->append(buffer, static_cast<size_t>(n));
      } else {
        watched[i].fd = -1;
        --open;
      }
    }
  }
}

}  // namespace

temp_folder::temp_folder() {
  const char* base = std::getenv("ET_TEST_FOLDER");
  auto pattern = std::string{base ? base : "/tmp"} + "/elastictape-test.XXXXXX";
  if (!mkdtemp(pattern.data())) throw std::runtime_error("no temporary folder");
  path_ = pattern;
}

temp_folder::~temp_folder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

fs::path binaries() {
  const char* given = std::getenv("ELASTICTAPE_BIN");
  return given ? fs::path{given} : fs::path{ET_INSTALLED_BIN};
}

outcome run(const std::vector<std::string>& words, const environment& extra,
            const std::string& input) {
  auto command = words;
  if (command[0].front() != '/') command[0] = (binaries() / command[0]).string();
  int in[2];
  int out[2];
  int err[2];
  REQUIRE(pipe2(in, O_CLOEXEC) == 0);
  REQUIRE(pipe2(out, O_CLOEXEC) == 0);
  REQUIRE(pipe2(err, O_CLOEXEC) == 0);
  auto child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    dup2(in[0], 0);
    dup2(out[1], 1);
    dup2(err[1], 2);
    become(command, extra);
  }
  close(in[0]);
  close(out[1]);
  close(err[1]);
  signal(SIGPIPE, SIG_IGN);
  // Inputs of these tests fit a pipe's buffer or are read at once by the command.
  [[maybe_unused]] auto n = write(in[1], input.data(), input.size());
  close(in[1]);
  outcome result;
  drain(out[0], err[0], result);
  close(out[0]);
  close(err[0]);
  int status = 0;
  waitpid(child, &status, 0);
  result.code = exit_code(status);
  return result;
}

service::service(fs::path state, std::string config)
    : state_(std::move(state)), own_(state_.string() + ".test"), config_(std::move(config)) {
  fs::create_directories(own_);
}

service::~service() {
  if (running()) stop();
}

std::vector<std::string> service::words() const {
  std::vector<std::string> list{(binaries() / "elastictape").string(), "serve", "--state",
                                state_.string()};
  if (!config_.empty()) {
    write_file(own_ / "service.toml", config_);
    list.insert(list.end(), {"--config", (own_ / "service.toml").string()});
  }
  return list;
}

void service::start() {
  REQUIRE_FALSE(running());
  int ready[2];
  REQUIRE(pipe2(ready, O_CLOEXEC) == 0);
  auto log = open((own_ / "log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  auto command = words();
  process_ = fork();
  REQUIRE(process_ >= 0);
  if (process_ == 0) {
    dup2(ready[1], 1);
    dup2(log, 2);
    become(command, {});
  }
  close(ready[1]);
  close(log);
  std::string line;
  pollfd watched{ready[0], POLLIN, 0};
  while (line.find('\n') == std::string::npos && poll(&watched, 1, start_timeout_ms) > 0) {
    char c = 0;
    if (read(ready[0], &c, 1) != 1) break;
    line += c;
  }
  close(ready[0]);
  INFO(this->log());
  REQUIRE(line.rfind("elastictape ready: commands ", 0) == 0);
}

outcome service::start_refused() {
  return run(words());
}

void service::kill_9() {
  REQUIRE(running());
  kill(process_, SIGKILL);
  waitpid(process_, nullptr, 0);
  process_ = 0;
}

int service::stop() {
  kill(process_, SIGTERM);
  auto watched = static_cast<int>(syscall(SYS_pidfd_open, process_, 0));
  pollfd ended{watched, POLLIN, 0};
  bool in_time = poll(&ended, 1, stop_timeout_ms) == 1;
  close(watched);
  if (!in_time) kill(process_, SIGKILL);
  int status = 0;
  waitpid(process_, &status, 0);
  process_ = 0;
  return in_time ? exit_code(status) : -1;
}

outcome service::call(const std::vector<std::string>& command, const std::string& input) const {
  return run(command,
             {{"ELASTICTAPE_STATE", state_.string()},
              {"ELASTICTAPE_SERVER", "unix:" + (state_ / "elastictape.sock").string()},
              {"ELASTICTAPE_SYSTEM_CONFIG", (own_ / "none").string()},
              {"HOME", own_.string()}},
             input);
}

uint64_t service::put(const std::vector<std::string>& extra) {
  std::vector<std::string> command{"et_put", "-w", "local"};
  command.insert(command.end(), extra.begin(), extra.end());
  last = call(command);
  auto at = last.out.find("Batch ID: ");
  if (at == std::string::npos) return 0;
  return std::strtoull(last.out.c_str() + at + 10, nullptr, 10);
}

int service::wait(uint64_t batch) const {
  return call({"elastictape", "status", "-w", "local", "-b", std::to_string(batch), "--wait"}).code;
}

std::string service::log() const {
  return read_file(own_ / "log");
}

void write_file(const fs::path& file, const std::string& content) {
  fs::create_directories(file.parent_path());
  std::ofstream out{file, std::ios::binary | std::ios::trunc};
  out << content;
  REQUIRE(out.good());
}

std::string read_file(const fs::path& file) {
  std::ifstream in{file, std::ios::binary};
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::string difference(const fs::path& tree, const fs::path& back) {
  size_t files = 0;
  for (auto& one : fs::recursive_directory_iterator(tree)) {
    if (!one.is_regular_file()) continue;
    ++files;
    auto copy = fs::path{back.string() + one.path().string()};
    struct stat a {};
    struct stat b {};
    if (stat(one.path().c_str(), &a) != 0 || stat(copy.c_str(), &b) != 0)
      return copy.string() + " is missing";
    if (a.st_size != b.st_size || a.st_mtim.tv_sec != b.st_mtim.tv_sec ||
        a.st_mtim.tv_nsec != b.st_mtim.tv_nsec || a.st_mode != b.st_mode)
      return copy.string() + " has another size, time or mode";
    auto same = run({"/usr/bin/cmp", one.path().string(), copy.string()});
    if (same.code != 0) return same.out + same.err;
  }
  size_t copies = 0;
  for (auto& one : fs::recursive_directory_iterator(back))
    if (one.is_regular_file()) ++copies;
  if (copies != files)
    return std::to_string(files) + " files, but " + std::to_string(copies) + " came back";
  return {};
}

void make_awkward_tree(const fs::path& tree, uint64_t large_bytes, uint32_t seed) {
  std::mt19937_64 random{seed};
  auto noise = [&](size_t size_bytes) {
    std::string text(size_bytes, '\0');
    for (size_t i = 0; i + 8 <= size_bytes; i += 8) {
      auto word = random();
      std::memcpy(text.data() + i, &word, 8);
    }
    return text;
  };
  write_file(tree / "empty", "");
  write_file(tree / "one byte", "x");
  write_file(tree / "new\nline", noise(100));
  write_file(tree / "tab\tand\\backslash", noise(513));
  write_file(tree /
                 "gr\xc3\xbc\xc3\x9f"
                 "e",
             noise(4096));
  write_file(tree / "bytes \xff\xfe", noise(511));
  write_file(tree / " leading and trailing ", noise(512));
  auto deep = tree;
  for (int i = 0; i < 6; ++i) deep /= std::string(200, static_cast<char>('a' + i));
  write_file(deep / "bottom", noise(10'000));
  for (int i = 0; i < 300; ++i)
    write_file(tree / "many" / std::to_string(i), noise(random() % 9000));
  std::ofstream large{tree / "large", std::ios::binary};
  auto piece = noise(1 << 20);
  for (uint64_t done = 0; done < large_bytes; done += piece.size()) {
    auto mark = done;
    std::memcpy(piece.data(), &mark, sizeof mark);
    large.write(piece.data(),
                static_cast<std::streamsize>(std::min<uint64_t>(piece.size(), large_bytes - done)));
  }
  chmod((tree / "one byte").c_str(), 0600);
  timespec times[2] = {{1'000'000'000, 123'456'789}, {1'234'567'890, 987'654'321}};
  utimensat(AT_FDCWD, (tree / "one byte").c_str(), times, 0);
}

}  // namespace et::blackbox
