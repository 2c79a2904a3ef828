#include "tests/blackbox/harness.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>

namespace et::blackbox {

namespace {

constexpr std::chrono::milliseconds stop_timeout{60'000};

}  // namespace

temp_folder::temp_folder(const char* base) {
  if (!base) base = std::getenv("ET_TEST_FOLDER");
  auto pattern = std::string{base ? base : "/tmp"} + "/elastictape-test.XXXXXX";
  if (!mkdtemp(pattern.data())) throw std::runtime_error("no temporary folder");
  path_ = pattern;
  fs::permissions(path_, fs::perms{0755});
}

temp_folder::~temp_folder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
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
  pipe_ends ready;
  file_end log{open((own_ / "log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)};
  process_ =
      std::make_unique<child>(words(), child_options{{}, {}, -1, ready.write.get(), log.get()});
  ready.write.close();
  auto line = read_line(ready.read.get());
  INFO(this->log());
  REQUIRE(line.rfind("elastictape ready: commands ", 0) == 0);
  auto told = line.rfind(", monitor ");
  REQUIRE(told != std::string::npos);
  monitor_ = line.substr(told + 10);
  remote_.clear();
  if (auto at = monitor_.find(", remote "); at != std::string::npos) {
    remote_ = monitor_.substr(at + 9);
    while (!remote_.empty() && remote_.back() == '\n') remote_.pop_back();
    monitor_.resize(at);
  }
  monitor_ = monitor_.substr(0, monitor_.find(','));
  while (!monitor_.empty() && (monitor_.back() == '\n' || monitor_.back() == '/'))
    monitor_.pop_back();
}

outcome service::start_refused() {
  return run(words());
}

void service::kill_9() {
  REQUIRE(running());
  process_.reset();
}

int service::stop() {
  process_->signal(SIGTERM);
  auto code = process_->wait(stop_timeout);
  process_.reset();
  return code.value_or(-1);
}

environment service::surroundings() const {
  return {{"ELASTICTAPE_STATE", state_.string()},
          {"ELASTICTAPE_SERVER", "unix:" + (state_ / "elastictape.sock").string()},
          {"ELASTICTAPE_SYSTEM_CONFIG", (own_ / "none").string()},
          {"HOME", own_.string()}};
}

outcome service::call(const std::vector<std::string>& command, const std::string& input) const {
  return run(command, surroundings(), input);
}

outcome service::call_as(const user& who, const std::vector<std::string>& command,
                         const std::string& input) const {
  return run(command, surroundings(), input, who);
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

std::string service::fact(const std::string& actor, const std::string& name) const {
  std::istringstream lines{call({"elastictape", "admin", "inspect", "--json"}).out};
  for (std::string line; std::getline(lines, line);) {
    auto report = nlohmann::json::parse(line);
    if (report.at("name") == actor) return report.at("facts").value(name, "");
  }
  return {};
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

struct stat look(const fs::path& file) {
  struct stat found {};
  REQUIRE(lstat(file.c_str(), &found) == 0);
  return found;
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
