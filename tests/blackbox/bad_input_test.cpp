#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/blackbox/harness.hpp"

using namespace et::blackbox;

namespace {

/// A service whose cache never has room, so that what is registered is not read yet.
const std::string no_room = "[cache]\nreserve_bytes = \"1000T\"\n";

void add_workspace(service& node) {
  auto added = node.call({"elastictape", "admin", "workspace", "add", "local", "--root", "/",
                          "--manager", "root", "--quota", "1T"});
  INFO(added.err);
  REQUIRE(added.code == 0);
}

}  // namespace

TEST_CASE("each bad line of a list file is named with its reason, and nothing is registered") {
  temp_folder folder;
  auto good = folder / "good";
  write_file(good, "good");
  write_file(folder / "held", "held");
  fs::create_symlink(good, folder / "link");
  REQUIRE(mkfifo((folder / "fifo").c_str(), 0600) == 0);
  service node{folder / "state"};
  node.start();
  write_file(folder / "first", (folder / "held").string() + "\n");
  REQUIRE(node.put({"-f", (folder / "first").string()}) == 1);

  auto bad = [&](const std::string& line, const std::string& reason) {
    write_file(folder / "list", good.string() + "\n" + line + "\n");
    CHECK(node.put({"-f", (folder / "list").string()}) == 0);
    INFO(line << ": " << node.last.err);
    CHECK(node.last.code == 2);
    CHECK(node.last.out.find("BATCH REJECTED") != std::string::npos);
    CHECK(node.last.err.find("2") != std::string::npos);
    CHECK(node.last.err.find(reason) != std::string::npos);
  };
  bad("", "blank");
  bad(" " + good.string(), "white space");
  bad("relative/path", "absolute");
  bad((folder / "missing").string(), "");
  bad(folder.path().string(), "directory");
  bad((folder / "link").string(), "link");
  bad((folder / "fifo").string(), "");
  bad(good.string(), "listed twice");
  bad((folder / "held").string(), "held");
  CHECK(node.call({"et_ls", "-w", "local", "-L", "batch"}).out.find("B\t2") == std::string::npos);

  SECTION("with -c the bad ones are left out") {
    write_file(folder / "list", good.string() + "\nrelative\n");
    CHECK(node.put({"-c", "-f", (folder / "list").string()}) > 0);
    CHECK(node.last.code == 0);
    CHECK(node.last.err.find("relative") != std::string::npos);
  }
  SECTION("with -c and nothing left it is rejected") {
    write_file(folder / "list", "relative\n");
    CHECK(node.put({"-c", "-f", (folder / "list").string()}) == 0);
    CHECK(node.last.code == 2);
  }
  SECTION("a list from standard input") {
    auto outcome = node.call({"et_put", "-w", "local", "-f", "-"}, good.string() + "\n");
    CHECK(outcome.out.find("Batch ID: ") != std::string::npos);
  }
}

TEST_CASE("over quota is rejected with the figures") {
  temp_folder folder;
  write_file(folder / "tree" / "file", std::string(5000, 'x'));
  service node{folder / "state"};
  node.start();
  REQUIRE(
      node.call({"elastictape", "admin", "workspace", "set", "local", "--quota", "4000"}).code ==
      0);
  CHECK(node.put({(folder / "tree").string()}) == 0);
  CHECK(node.last.code == 2);
  CHECK(node.last.err.find("4000") != std::string::npos);
  CHECK(node.last.err.find("5000") != std::string::npos);
}

TEST_CASE(
    "files that change between registration and reading fail with their reason, others go on") {
  temp_folder folder;
  auto tree = folder / "tree";
  for (auto name : {"good", "gone", "grown", "shrunk", "touched", "linked", "good too"})
    write_file(tree / name, std::string(3000, 'a'));
  service node{folder / "state", no_room};
  node.start();
  add_workspace(node);
  auto batch = node.put({tree.string()});
  REQUIRE(batch == 1);
  auto status = node.call({"elastictape", "status", "-w", "local", "-b", "1"});
  CHECK(status.out.find("REGISTERED") != std::string::npos);
  REQUIRE(node.stop() == 0);

  fs::remove(tree / "gone");
  write_file(tree / "grown", std::string(3001, 'a'));
  write_file(tree / "shrunk", std::string(2999, 'a'));
  timespec times[2] = {{5, 0}, {5, 0}};
  utimensat(AT_FDCWD, (tree / "touched").c_str(), times, 0);
  fs::remove(tree / "linked");
  fs::create_symlink(tree / "good", tree / "linked");

  node.set_config("[cache]\nreserve_bytes = 0\n");
  node.start();
  CHECK(node.wait(batch) == 3);
  auto listed = node.call({"et_ls", "-w", "local", "-L", "batch"});
  CHECK(listed.out.find("FAILED") != std::string::npos);
  auto files = node.call({"et_ls", "-w", "local", "-L", "file", "-b", "1"}).out;
  size_t failed = 0;
  for (size_t at = files.find("\tFAILED\t"); at != std::string::npos;
       at = files.find("\tFAILED\t", at + 1))
    ++failed;
  CHECK(failed == 5);
  auto shown = node.call({"elastictape", "status", "-w", "local", "-b", "1"}).out;
  CHECK(shown.find("gone") != std::string::npos);
  auto alerts = node.call({"elastictape", "admin", "alerts"});
  CHECK(alerts.out.find("5 files failed") != std::string::npos);

  fs::create_directory(folder / "back");
  auto got = node.call({"et_get", "-w", "local", "-b", "1", "-r", (folder / "back").string()});
  CHECK(got.code == 5);
  CHECK(read_file((folder / "back").string() + (tree / "good too").string()) ==
        std::string(3000, 'a'));
}

TEST_CASE("no room in the cache: batches wait and say so, nothing is lost") {
  temp_folder folder;
  auto tree = folder / "tree";
  write_file(tree / "file", std::string(100'000, 'q'));
  service node{folder / "state", no_room};
  node.start();
  add_workspace(node);
  REQUIRE(node.put({tree.string()}) == 1);
  // The cache keeper is asked a moment after the registration.
  bool full = false;
  for (int i = 0; i < 300 && !full; ++i)
    full = node.call({"elastictape", "admin", "inspect"}).out.find("full") != std::string::npos;
  CHECK(full);
  auto alerts = node.call({"elastictape", "admin", "alerts"});
  CHECK(alerts.out.find("cache: full") != std::string::npos);
  CHECK(node.stop() == 0);
  node.set_config("[cache]\nreserve_bytes = 0\n");
  node.start();
  CHECK(node.wait(1) == 0);
}

TEST_CASE("a state folder of a newer version, and one in use, are refused") {
  temp_folder folder;
  service node{folder / "state"};
  node.start();
  service second{folder / "state"};
  auto refused = second.start_refused();
  CHECK(refused.code == 1);
  CHECK(refused.err.find("another service") != std::string::npos);
  CHECK(node.stop() == 0);
  write_file(folder / "state" / "version", "99\n");
  auto newer = second.start_refused();
  CHECK(newer.code == 1);
  CHECK(newer.err.find("version 99") != std::string::npos);
}

TEST_CASE("a configuration with an unknown key or a wrong type names file, line and key") {
  temp_folder folder;
  service node{folder / "state", "[tape]\nblock_bytes = 262144\n\n[library]\ndrvies = 2\n"};
  auto refused = node.start_refused();
  CHECK(refused.code == 1);
  CHECK(refused.err.find("service.toml:5: library.drvies") != std::string::npos);
}
