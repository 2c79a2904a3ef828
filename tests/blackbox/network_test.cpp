// What tests of networks leave on a machine.

#include "tests/blackbox/network.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>

namespace fs = std::filesystem;
using namespace et::blackbox;

TEST_CASE("network namespaces of a test that was killed are removed by the next") {
  auto obstacle = separate_networks::obstacle();
  if (!obstacle.empty()) {
    WARN("skipped: " << obstacle);
    return;
  }
  auto process = ::fork();
  REQUIRE(process >= 0);
  if (process == 0) {
    try {
      separate_networks left{{"node"}};
      ::_exit(0);
    } catch (...) {
    }
    ::_exit(1);
  }
  int status = 0;
  REQUIRE(::waitpid(process, &status, 0) == process);
  REQUIRE(status == 0);
  auto left = fs::path{"/run/netns"} / ("et-" + std::to_string(process) + "-node");
  REQUIRE(fs::exists(left));
  separate_networks mine{{"node", "other"}};
  CHECK(!fs::exists(left));
  auto there = mine.on("other");
  there.insert(there.end(), {"/bin/true"});
  CHECK(run(there, {}).code == 0);
}
