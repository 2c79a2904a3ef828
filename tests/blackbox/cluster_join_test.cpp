// A cluster is begun, and a node joins it, with the commands that people use.
#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <thread>

#include "tests/blackbox/harness.hpp"

using namespace et::blackbox;

namespace {

constexpr auto patience = std::chrono::seconds{60};

/// `elastictape serve` of one node.
class node_process {
 public:
  node_process(const temp_folder& folder, const std::string& name, const std::string& config)
      : state_((folder / name).string()),
        config_((folder / (name + ".toml")).string()),
        log_((folder / (name + ".log")).string()) {
    write_file(config_, config);
  }

  /// What it says when it is ready; empty when it ends before.
  std::string start(const std::vector<std::string>& more = {}) {
    std::vector<std::string> words{"elastictape", "serve", "--state", state_, "--config", config_};
    words.insert(words.end(), more.begin(), more.end());
    pipe_ends ready;
    file_end log{open(log_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
    process_ =
        std::make_unique<child>(words, child_options{{}, {}, -1, ready.write.get(), log.get()});
    ready.write.close();
    return read_line(ready.read.get());
  }
  std::string said() const { return read_file(log_); }
  int stop() {
    process_->signal(SIGTERM);
    return ended();
  }
  int ended() { return process_->wait(patience).value_or(-1); }
  const std::string& state() const { return state_; }

 private:
  std::string state_, config_, log_;
  std::unique_ptr<child> process_;
};

std::string address_in(const std::string& ready) {
  auto at = ready.find(", nodes ");
  REQUIRE(at != std::string::npos);
  auto text = ready.substr(at + 8);
  return text.substr(0, text.find_first_of(",\n"));
}

std::string config_of(const std::string& name, const std::string& role) {
  return "[node]\nname = \"" + name + "\"\nroles = [\"" + role +
         "\"]\n[service]\nhttp = \"off\"\n[cluster]\nlisten = \"127.0.0.1:0\"\n";
}

outcome cluster_command(const std::string& what, const node_process& head,
                        const std::vector<std::string>& more = {}) {
  std::vector<std::string> words{"elastictape", "admin", "cluster", what, "--state", head.state()};
  words.insert(words.end(), more.begin(), more.end());
  return run(words);
}

std::string new_token(const node_process& head, const std::string& life = "1h") {
  auto made = cluster_command("token", head, {"--expires", life});
  INFO(made.err);
  REQUIRE(made.code == 0);
  REQUIRE(made.out.rfind("et-join1.", 0) == 0);
  return made.out.substr(0, made.out.find('\n'));
}

}  // namespace

TEST_CASE("a cluster is begun once, and a node joins it with a token once") {
  temp_folder folder;
  node_process head{folder, "head1", config_of("head1", "head")};
  auto early = cluster_command("token", head);
  CHECK(early.code != 0);
  CHECK(early.err.find("admin cluster init") != std::string::npos);
  auto made = cluster_command("init", head, {"--name", "head1"});
  INFO(made.err);
  REQUIRE(made.code == 0);
  CHECK(made.out.find("fingerprint ") != std::string::npos);
  CHECK(cluster_command("init", head, {"--name", "head1"}).code != 0);
  for (auto key : {"ca.key", "node.key"})
    CHECK((look(fs::path{head.state()} / "cluster" / key).st_mode & 0777) == 0600);

  auto address = address_in(head.start());
  auto token = new_token(head);
  node_process io{folder, "io1", config_of("io1", "io")};

  auto wrong = token;
  wrong[12] = wrong[12] == 'A' ? 'B' : 'A';
  CHECK(io.start({"--join", address, "--token", wrong}).empty());
  CHECK(io.ended() != 0);
  CHECK(io.said().find("elastictape admin cluster token") != std::string::npos);
  auto foreign = token;
  foreign.back() = foreign.back() == '0' ? '1' : '0';
  CHECK(io.start({"--join", address, "--token", foreign}).empty());
  CHECK(io.ended() != 0);
  CHECK(io.said().find("nothing was sent to it") != std::string::npos);

  auto ready = io.start({"--join", address, "--token", token});
  INFO(io.said());
  REQUIRE(ready.find("node io1") != std::string::npos);
  CHECK((look(fs::path{io.state()} / "cluster" / "node.key").st_mode & 0777) == 0600);
  CHECK_FALSE(fs::exists(fs::path{io.state()} / "cluster" / "ca.key"));

  node_process second{folder, "io2", config_of("io2", "io")};
  CHECK(second.start({"--join", address, "--token", token}).empty());
  CHECK(second.ended() != 0);
  CHECK(second.said().find("was used") != std::string::npos);

  // The node stays one without the words of joining.
  CHECK(io.stop() == 0);
  CHECK(io.start().find("node io1") != std::string::npos);
  CHECK(io.stop() == 0);
  CHECK(head.stop() == 0);
}

TEST_CASE("a node that cannot reach the head, or was never let in, says what to do") {
  temp_folder folder;
  node_process io{folder, "io1", config_of("io1", "io")};
  CHECK(io.start().empty());
  CHECK(io.ended() != 0);
  node_process head{folder, "head1", config_of("head1", "head")};
  REQUIRE(cluster_command("init", head, {"--name", "head1"}).code == 0);
  auto token = new_token(head);
  CHECK(io.start({"--join", "127.0.0.1:1", "--token", token}).empty());
  CHECK(io.ended() != 0);
  CHECK(io.said().find("127.0.0.1:1") != std::string::npos);
  CHECK(io.start({"--join", "127.0.0.1:1"}).empty());
  CHECK(io.ended() != 0);
  CHECK(io.said().find("--token") != std::string::npos);
}
