// What a command shows on a terminal, and what not elsewhere.
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/blackbox/child.hpp"
#include "tests/blackbox/harness.hpp"

using namespace et::blackbox;

TEST_CASE("on a terminal a waiting command shows one line that goes; elsewhere nothing at first") {
  temp_folder folder;
  write_file(folder / "tree" / "a", "content");
  // No room in the cache: the batch waits for ever.
  service node{folder / "state", "[cache]\nreserve_bytes = \"1000T\"\n"};
  node.start();
  REQUIRE(node.call({"elastictape", "admin", "workspace", "add", "local", "--root", "/",
                     "--manager", "root", "--quota", "1T"})
              .code == 0);
  int top = -1;
  int terminal = -1;
  winsize size{24, 60, 0, 0};
  REQUIRE(openpty(&top, &terminal, nullptr, nullptr, &size) == 0);
  pipe_ends out;
  child_options how;
  how.extra = node.surroundings();
  how.out = out.write.get();
  how.err = terminal;
  child put{{"et_put", "-w", "local", "--wait", (folder / "tree").string()}, how};
  out.write.close();
  close(terminal);
  CHECK(read_line(out.read.get()) == "Batch ID: 1\n");
  // A line that is drawn over the one before, no wider than the terminal.
  std::string seen;
  while (seen.find("batch 1: REGISTERED") == std::string::npos) {
    char buffer[4096];
    auto n = read(top, buffer, sizeof buffer);
    REQUIRE(n > 0);
    seen.append(buffer, static_cast<size_t>(n));
  }
  CHECK(seen.rfind("\r\x1b[K", 0) == 0);
  CHECK(seen.find('\n') == std::string::npos);
  CHECK(seen.find("aggregations safe") != std::string::npos);
  put.signal(SIGINT);
  CHECK(put.wait(std::chrono::minutes{1}) == 4);
  for (char buffer[4096];;) {
    auto n = read(top, buffer, sizeof buffer);
    if (n <= 0) break;
    seen.append(buffer, static_cast<size_t>(n));
  }
  close(top);
  // The line has gone when the command has.
  CHECK(seen.substr(seen.rfind("\x1b[K")).find("batch") == std::string::npos);

  auto quiet = node.call({"elastictape", "status", "-w", "local", "-b", "1"});
  CHECK(quiet.err.empty());
}
