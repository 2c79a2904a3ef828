#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <cstring>

#include "tests/blackbox/harness.hpp"

using namespace et::blackbox;

namespace {

fs::path share() {
  return binaries().parent_path() / "share";
}

// What a real bash has in COMPREPLY, one a line, with the script that it finds for `words[0]`.
std::vector<std::string> in_bash(const std::vector<std::string>& words) {
  auto name = fs::path{words[0]}.filename().string();
  std::vector<std::string> command{
      "/bin/bash",
      "--norc",
      "-c",
      "source \"$1\"; shift; COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); "
      "_elastictape \"$1\" \"${!#}\" x; for one in \"${COMPREPLY[@]}\"; do echo \"$one\"; done; "
      "complete -p \"${1##*/}\" >/dev/null",
      "bash",
      (share() / "bash-completion" / "completions" / name).string()};
  command.insert(command.end(), words.begin(), words.end());
  return command;
}

std::string installed(const std::string& name) {
  return (binaries() / name).string();
}

// A zsh at a terminal: `keys` are typed at its prompt; everything it shows until `awaited`.
std::vector<std::string> in_zsh(const std::string& keys, const std::string& awaited) {
  return {"/usr/bin/timeout",
          "60",
          "/usr/bin/zsh",
          "-f",
          "-c",
          "zmodload zsh/zpty; zpty z TERM=dumb zsh -f -i; "
          "zpty -w z \"PS1='ready''> ' fpath=($1 \\$fpath); autoload -Uz compinit; "
          "compinit -u -D\"; zpty -r z shown '*ready> *'; zpty -w -n z \"$2\"; "
          "zpty -r z shown \"*$3*\"; print -r -- \"$shown\"",
          "zsh",
          (share() / "zsh" / "site-functions").string(),
          keys,
          awaited};
}

}  // namespace

TEST_CASE("bash and zsh complete options, workspaces and batches of a real service") {
  temp_folder folder;
  service node{folder / "state"};
  node.start();
  for (int i = 0; i < 3; ++i) {
    write_file(folder / "tree" / std::to_string(i) / "file", "x");
    REQUIRE(node.put({"-t", "tag" + std::to_string(i),
                      (folder / "tree" / std::to_string(i)).string()}) ==
            static_cast<uint64_t>(i + 1));
  }
  SECTION("bash") {
    auto complete = [&](const std::vector<std::string>& words) {
      auto done = node.call(in_bash(words));
      INFO(done.err);
      CHECK(done.code == 0);
      CHECK(done.err.empty());
      return done.out;
    };
    CHECK(complete({installed("et_rm"), "-w", ""}) == "local\n");
    CHECK(complete({installed("et_rm"), "-w", "local", "-b", ""}) == "3\n2\n1\n");
    CHECK(complete({installed("et_get.py"), "-w", "local", "-b", "2"}) == "2\n");
    CHECK(complete({installed("elastictape"), "status", "-w", "local", "-b", ""}) == "3\n2\n1\n");
    CHECK(complete({installed("elastictape"), "st"}) == "status\n");
    CHECK(complete({installed("et_ls"), "--outputLevel", "=", "w"}) == "workspace\n");
    CHECK(complete({installed("et_ls"), "-L", "f"}) == "file\n");
    auto tree = (folder / "tree").string();
    CHECK(complete({installed("et_put"), tree + "/1"}) == tree + "/1\n");
    CHECK(complete({installed("et_put"), tree + "/1/"}).empty());
    CHECK(complete({installed("et_put"), "-f", tree + "/1/"}) == tree + "/1/file\n");
    // No workspace is known: nothing, without a word about it.
    CHECK(complete({installed("et_rm"), "-b", ""}).empty());
    node.stop();
    CHECK(complete({installed("et_rm"), "-w", ""}).empty());
  }
  SECTION("zsh") {
    if (!fs::exists("/usr/bin/zsh")) {
      WARN("not tested: zsh is not installed");
      return;
    }
    auto type = [&](const std::string& keys, const std::string& awaited) {
      auto done = node.call(in_zsh(keys, awaited));
      INFO(done.out << done.err);
      CHECK(done.code == 0);
      return done.out;
    };
    type(installed("et_ls") + " -L wo\t", "et_ls -L workspace");
    type(installed("et_ls") + " --outputFormat=c\t", "--outputFormat=csv");
    type(installed("et_rm.py") + " -w lo\t", "-w local");
    auto shown = type(installed("elastictape") + " status -w local -b \t", "tag0*file");
    CHECK(shown.find("tag2") < shown.find("tag1"));
  }
}

TEST_CASE("completion waits for a service that does not answer only for a moment") {
  temp_folder folder;
  int door = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  auto path = (folder / "door").string();
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  REQUIRE(::bind(door, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(::listen(door, 5) == 0);
  auto begin = std::chrono::steady_clock::now();
  auto done =
      run({"elastictape", "complete", "4", "--", "et_rm", "--server", "unix:" + path, "-w", ""});
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds{10});
  CHECK(done.code == 0);
  CHECK(done.err.empty());
  CHECK(done.out == "words\n");
  ::close(door);
}

TEST_CASE("the printed completion scripts are the installed ones") {
  CHECK(run({"elastictape", "completion", "bash"}).out ==
        read_file(share() / "bash-completion" / "completions" / "et_get.py"));
  CHECK(run({"elastictape", "completion", "zsh"}).out ==
        read_file(share() / "zsh" / "site-functions" / "_elastictape"));
  CHECK(run({"elastictape", "completion", "fish"}).code == 1);
}
