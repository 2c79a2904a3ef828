#include "tests/blackbox/cluster.hpp"

#include <arpa/inet.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <thread>

namespace et::blackbox {

namespace {

/// A port that was free a moment ago.
uint16_t free_port() {
  file_end fd{::socket(AF_INET, SOCK_STREAM, 0)};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  socklen_t size = sizeof address;
  ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

}  // namespace

const std::vector<std::string>& test_cluster::names() {
  static const std::vector<std::string> all{"head", "io1", "io2", "source"};
  return all;
}

test_cluster::test_cluster(shape wanted) : shape_(wanted) {
  fs::create_directories(data());
  auto all = names();
  if (shape_ == shape::with_standby) all.insert(all.begin() + 1, "standby");
  if (shape_ == shape::separated) networks_ = std::make_unique<separate_networks>(all);
  for (auto& name : all) nodes_[name].port = free_port();
  configure("head", "\"head\"", "", "");
  if (shape_ == shape::with_standby) configure("standby", "\"standby\"", "", "");
  for (std::string name : {"io1", "io2"})
    configure(name, "\"io\"", "",
              "[library]\nbarcode_prefix = \"" + std::string{name == "io1" ? "EA" : "EB"} +
                  "\"\ncapacity_bytes = \"2GiB\"\n");
  configure("source", "\"source\"", "\"" + data().string() + "\"", "");
  auto config = (folder_ / "head.toml").string();
  auto made = run({"elastictape", "admin", "cluster", "init", "--config", config});
  INFO(made.err);
  REQUIRE(made.code == 0);
  launch("head", {});
  for (auto& name : all) {
    if (name == "head") continue;
    auto token = run({"elastictape", "admin", "cluster", "token", "--config", config});
    REQUIRE(token.code == 0);
    launch(name, {"--join", link_address("head"), "--token",
                  token.out.substr(0, token.out.find('\n'))});
  }
  for (auto& name : names()) {
    bool up = wait_state(name, "up");
    INFO(name << "\n" << call({"admin", "cluster", "status"}).out << log_of(name));
    REQUIRE(up);
  }
  if (shape_ == shape::with_standby) REQUIRE(wait_follows("standby"));
  auto added = call({"admin", "workspace", "add", "w", "--root", data().string(), "--manager",
                     "root", "--quota", "1T"});
  INFO(added.err);
  REQUIRE(added.code == 0);
}

test_cluster::~test_cluster() {
  for (auto& [name, one] : nodes_)
    if (one.process) one.process->signal(SIGCONT);
  for (auto& [name, one] : nodes_) {
    if (!one.process) continue;
    one.process->signal(SIGTERM);
    if (!one.process->wait(std::chrono::seconds{60})) one.process->signal(SIGKILL);
  }
}

void test_cluster::configure(const std::string& name, const std::string& roles,
                             const std::string& roots, const std::string& more) {
  std::string text = "[node]\nname = \"" + name + "\"\nroles = [" + roles + "]\nroots = [" + roots +
                     "]\n[service]\nstate = \"" + (folder_ / name).string() +
                     "\"\nhttp = \"off\"\n";
  if (name.starts_with("io")) text += "tls_listen = \"" + host_of(name) + ":0\"\n";
  text += "[cluster]\nlisten = \"" + link_address(name) + "\"\nheartbeat_ms = 100\ndown_after_ms = 1000\n";
  bool pair = shape_ == shape::with_standby;
  if (pair) text += "standby_timeout_ms = 5000\n";
  if (name == "head") {
    if (pair) text += "standby = \"standby\"\nhead = \"" + link_address("standby") + "\"\n";
  } else {
    text += "head = [\"" + link_address("head") + '"';
    if (pair && name != "standby") text += ", \"" + link_address("standby") + '"';
    text += "]\n";
    if (name == "standby") text += "standby = \"head\"\n";
  }
  write_file(folder_ / (name + ".toml"), text + more);
}

std::string test_cluster::host_of(const std::string& name) const {
  return networks_ ? networks_->host(name) : "127.0.0.1";
}

std::string test_cluster::link_address(const std::string& name) const {
  return host_of(name) + ":" + std::to_string(nodes_.at(name).port);
}

std::vector<std::string> test_cluster::command_on(const std::string& name,
                                                  std::vector<std::string> words) const {
  if (!networks_) return words;
  words[0] = (binaries() / words[0]).string();
  auto all = networks_->on(name);
  all.insert(all.end(), words.begin(), words.end());
  return all;
}

void test_cluster::launch(const std::string& name, const std::vector<std::string>& more) {
  auto& one = nodes_.at(name);
  std::vector<std::string> words{"elastictape", "serve", "--config",
                                 (folder_ / (name + ".toml")).string()};
  words.insert(words.end(), more.begin(), more.end());
  words = command_on(name, words);
  one.said = std::make_unique<pipe_ends>();
  child_options how;
  how.out = one.said->write.get();
  one.process = std::make_unique<child>(words, how);
  one.said->write.close();
  await_ready(name);
}

void test_cluster::await_ready(const std::string& name) {
  auto line = read_line(nodes_.at(name).said->read.get());
  INFO(name << " said: " << line << log_of(name));
  REQUIRE(line.starts_with("elastictape ready:"));
}

void test_cluster::start(const std::string& node, const std::vector<std::string>& more) {
  launch(node, more);
}

void test_cluster::promote(const std::string& standby) {
  auto done = call_at(standby, {"admin", "cluster", "promote"});
  INFO(done.out << done.err << log_of(standby));
  REQUIRE(done.code == 0);
  CHECK(done.out.find("node " + standby + " is the head") != std::string::npos);
  // The same process says that it is ready once more.
  await_ready(standby);
  head_ = standby;
}

bool test_cluster::wait_follows(const std::string& name) const {
  auto until = std::chrono::steady_clock::now() + std::chrono::minutes{1};
  while (std::chrono::steady_clock::now() < until) {
    auto told = call_at(name, {"admin", "inspect"});
    if (told.out.find("has everything") != std::string::npos) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds{50});
  }
  return false;
}

void test_cluster::kill_9(const std::string& node) {
  auto& one = nodes_.at(node);
  one.process->signal(SIGKILL);
  one.process->wait(std::chrono::seconds{30});
  one.process.reset();
}

int test_cluster::stop(const std::string& node) {
  auto& one = nodes_.at(node);
  one.process->signal(SIGTERM);
  auto code = one.process->wait(std::chrono::seconds{60});
  one.process.reset();
  return code.value_or(-1);
}

void test_cluster::signal(const std::string& node, int number) {
  nodes_.at(node).process->signal(number);
}

outcome test_cluster::call_at(const std::string& node, std::vector<std::string> words) const {
  words.insert(words.begin(), "elastictape");
  return run(command_on(node, words),
             {{"ELASTICTAPE_SERVER", "unix:" + (folder_ / node / "elastictape.sock").string()},
              {"ELASTICTAPE_WORKSPACE", "w"},
              {"HOME", folder_.path().string()}});
}

uint64_t test_cluster::put(const fs::path& what) {
  auto done = call({"put", "-w", "w", what.string()});
  auto id = done.out.find("Batch ID: ");
  return done.code == 0 && id != std::string::npos ? std::stoull(done.out.substr(id + 10)) : 0;
}

std::string test_cluster::state_of(const std::string& node) const {
  auto all = call({"admin", "cluster", "status"});
  auto found = all.out.find("node " + node + "\n");
  if (found == std::string::npos) return {};
  auto word = all.out.find("state", found);
  auto begin = all.out.find_first_not_of(' ', word + 5);
  return all.out.substr(begin, all.out.find('\n', begin) - begin);
}

bool test_cluster::wait_state(const std::string& node, const std::string& state) const {
  auto until = std::chrono::steady_clock::now() + std::chrono::minutes{1};
  while (std::chrono::steady_clock::now() < until) {
    if (state_of(node) == state) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds{50});
  }
  return false;
}

bool test_cluster::wait_safe(uint64_t batch, std::chrono::seconds limit) const {
  auto until = std::chrono::steady_clock::now() + limit;
  while (std::chrono::steady_clock::now() < until) {
    auto now = call({"status", "-w", "w", "-b", std::to_string(batch)});
    if (now.out.find("workspace w: CACHED_SYNCED") != std::string::npos ||
        now.out.find("workspace w: SYNCED") != std::string::npos)
      return true;
    std::this_thread::sleep_for(std::chrono::milliseconds{100});
  }
  return false;
}

size_t test_cluster::descriptors_of(const std::string& node) const {
  size_t count = 0;
  for (auto& one : fs::directory_iterator(
           "/proc/" + std::to_string(nodes_.at(node).process->process()) + "/fd")) {
    (void)one;
    ++count;
  }
  return count;
}

size_t test_cluster::memory_kib_of(const std::string& node) const {
  return std::stoull(process_fact(nodes_.at(node).process->process(), "VmRSS"));
}

std::string test_cluster::log_of(const std::string& node) const {
  return read_file(folder_ / node / "log" / "elastictape.log");
}

}  // namespace et::blackbox
