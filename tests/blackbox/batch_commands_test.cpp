// find, cancel, retry, release and put --update against a real service.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>

#include "tests/blackbox/child.hpp"
#include "tests/blackbox/harness.hpp"

using namespace et::blackbox;

namespace {

constexpr user somebody{61101, 61101};

/// A service whose cache never has room, so that what is registered stays where it is.
const std::string no_room = "[cache]\nreserve_bytes = \"1000T\"\n";

void add_workspace(service& node, const std::string& root = "/") {
  auto added = node.call({"elastictape", "admin", "workspace", "add", "local", "--root", root,
                          "--manager", "root", "--manager", "61101", "--quota", "1T"});
  INFO(added.err);
  REQUIRE(added.code == 0);
}

outcome command(const service& node, const std::string& name, std::vector<std::string> more) {
  std::vector<std::string> words{"elastictape", name, "-w", "local"};
  words.insert(words.end(), more.begin(), more.end());
  return node.call(words);
}

size_t count(const std::string& text, const std::string& part) {
  size_t n = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

void set_time(const fs::path& file, time_t seconds) {
  timespec times[2] = {{seconds, 0}, {seconds, 0}};
  REQUIRE(utimensat(AT_FDCWD, file.c_str(), times, 0) == 0);
}

}  // namespace

TEST_CASE("release deletes a safe batch's sources, and nothing that changed or is not in it") {
  temp_folder folder;
  auto tree = folder / "tree";
  make_awkward_tree(tree, 1'000'000, 5);
  service node{folder / "state"};
  node.start();
  REQUIRE(node.put({tree.string()}) == 1);
  REQUIRE(node.wait(1) == 0);
  write_file(tree / "later", "not in the batch");
  write_file(tree / "one byte", "y");
  set_time(tree / "one byte", 5);
  auto before = count(command(node, "find", {"*"}).out, "\n");
  REQUIRE(before == 309);

  auto dry = command(node, "release", {"-b", "1", "--dry-run"});
  CHECK(dry.code == 5);
  CHECK(count(dry.out, "\n") == 308);
  CHECK(dry.err.find("one byte: changed since it was stored") != std::string::npos);
  CHECK(fs::exists(tree / "many" / "7"));

  auto log = folder / "log";
  auto released = command(node, "release", {"-b", "1", "-l", log.string()});
  CHECK(released.code == 5);
  CHECK(released.err.find("308 files removed") != std::string::npos);
  CHECK(count(read_file(log), "removed: ") == 308);
  CHECK_FALSE(fs::exists(tree / "many" / "7"));
  CHECK_FALSE(fs::exists(tree / "bytes \xff\xfe"));
  CHECK(read_file(tree / "later") == "not in the batch");
  CHECK(read_file(tree / "one byte") == "y");

  auto again = command(node, "release", {"-b", "1", "--json"});
  CHECK(again.code == 5);
  CHECK(again.out.find("\"gone\":308") != std::string::npos);

  // And all of it comes back.
  fs::create_directory(folder / "back");
  CHECK(node.call({"et_get", "-w", "local", "-b", "1", "-r", (folder / "back").string()}).code ==
        0);
  CHECK(read_file((folder / "back").string() + (tree / "one byte").string()) == "x");
}

TEST_CASE("release deletes nothing of a batch that is not safe") {
  temp_folder folder;
  write_file(folder / "tree" / "a", "precious");
  service node{folder / "state", no_room};
  node.start();
  add_workspace(node);
  REQUIRE(node.put({(folder / "tree").string()}) == 1);
  auto refused = command(node, "release", {"-b", "1"});
  CHECK(refused.code == 3);
  CHECK(refused.err.find("REGISTERED, not safe; nothing is removed") != std::string::npos);
  CHECK(fs::exists(folder / "tree" / "a"));
}

TEST_CASE("release by a manager deletes no file of another user, and none of another workspace") {
  if (geteuid() != 0) {
    WARN("not root: not tested");
    return;
  }
  temp_folder folder;
  REQUIRE(chmod(folder.path().c_str(), 0755) == 0);
  auto tree = folder / "tree";
  write_file(tree / "of root", "root's");
  write_file(tree / "of somebody", "theirs");
  REQUIRE(chmod(tree.c_str(), 0777) == 0);
  REQUIRE(chown((tree / "of somebody").c_str(), somebody.uid, somebody.gid) == 0);
  service node{folder / "state", "[packing]\ntarget_bytes = \"64MiB\"\n"};
  node.start();
  add_workspace(node, tree.string());
  REQUIRE(node.call({"elastictape", "admin", "workspace", "add", "other", "--root", "/",
                     "--manager", "root", "--quota", "1T"})
              .code == 0);
  REQUIRE(node.put({tree.string()}) == 1);
  REQUIRE(node.wait(1) == 0);

  auto foreign = node.call_as(somebody, {"elastictape", "release", "-w", "other", "-b", "1"});
  CHECK(foreign.code == 2);
  auto released = node.call_as(somebody, {"elastictape", "release", "-w", "local", "-b", "1"});
  INFO(released.err);
  CHECK(released.code == 5);
  CHECK(released.err.find("of root: belongs to another user") != std::string::npos);
  CHECK(fs::exists(tree / "of root"));
  CHECK_FALSE(fs::exists(tree / "of somebody"));
}

TEST_CASE("put --update makes a nightly copy; get -f takes the newest, find shows all") {
  temp_folder folder;
  auto tree = folder / "tree";
  for (int i = 0; i < 50; ++i) write_file(tree / std::to_string(i), "first");
  service node{folder / "state"};
  node.start();
  REQUIRE(node.put({"--update", tree.string()}) == 1);
  REQUIRE(node.wait(1) == 0);

  auto nothing = node.call({"et_put", "-w", "local", "--update", tree.string()});
  CHECK(nothing.code == 0);
  CHECK(nothing.out.empty());
  CHECK(nothing.err.find("50 files are held already") != std::string::npos);

  write_file(tree / "7", "second");
  set_time(tree / "8", 1'000'000'000);
  write_file(tree / "new", "new");
  REQUIRE(node.put({"--update", tree.string()}) == 3);
  REQUIRE(node.wait(3) == 0);
  auto held = node.call({"et_ls", "-w", "local", "-L", "file", "-b", "3"}).out;
  CHECK(count(held, "\n") == 3);

  // Without --update a held path is an error that names the newest batch; -c skips it.
  CHECK(node.put({tree.string()}) == 0);
  CHECK(node.last.code == 2);
  CHECK(node.last.err.find((tree / "7").string() + ": already held by batch 3") !=
        std::string::npos);
  CHECK(node.last.err.find((tree / "9").string() + ": already held by batch 1") !=
        std::string::npos);
  write_file(tree / "newer", "newer");
  CHECK(node.put({"-c", tree.string()}) == 5);

  auto found = command(node, "find", {(tree / "7").string()});
  CHECK(found.code == 0);
  CHECK(count(found.out, "\n") == 2);
  CHECK(command(node, "find", {"new*", "-F", "json"}).out.find("\"batch\":5") != std::string::npos);

  write_file(folder / "list", (tree / "7").string() + "\n");
  fs::create_directory(folder / "newest");
  fs::create_directory(folder / "oldest");
  auto list = (folder / "list").string();
  CHECK(node.call({"et_get", "-w", "local", "-f", list, "-r", (folder / "newest").string()}).code ==
        0);
  CHECK(node.call({"et_get", "-w", "local", "-f", list, "-b", "1", "-r",
                   (folder / "oldest").string()})
            .code == 0);
  CHECK(read_file((folder / "newest").string() + (tree / "7").string()) == "second");
  CHECK(read_file((folder / "oldest").string() + (tree / "7").string()) == "first");
}

TEST_CASE("retry puts failed files again; then the failed batch can be released") {
  temp_folder folder;
  auto tree = folder / "tree";
  for (auto name : {"a", "b", "c"}) write_file(tree / name, "content");
  service node{folder / "state", no_room};
  node.start();
  add_workspace(node);
  REQUIRE(node.put({"-t", "tagged", tree.string()}) == 1);
  REQUIRE(node.stop() == 0);
  write_file(tree / "b", "changed since");
  node.set_config("[cache]\nreserve_bytes = 0\n");
  node.start();
  REQUIRE(node.wait(1) == 3);
  auto refused = command(node, "release", {"-b", "1"});
  CHECK(refused.code == 3);
  CHECK(fs::exists(tree / "a"));

  auto retried = command(node, "retry", {"-b", "1", "--wait"});
  INFO(retried.err);
  CHECK(retried.code == 0);
  CHECK(retried.out.rfind("Batch ID: 2\n", 0) == 0);
  auto listed = node.call({"et_ls", "-w", "local", "-L", "batch"}).out;
  CHECK(listed.find("B\t2\ttagged\tCACHED_SYNCED") != std::string::npos);
  CHECK(command(node, "retry", {"-b", "1"}).err.find("nothing to put") != std::string::npos);
  CHECK(command(node, "retry", {"-b", "2"}).code == 1);

  CHECK(command(node, "release", {"-b", "1"}).code == 0);
  CHECK_FALSE(fs::exists(tree / "a"));
  CHECK(fs::exists(tree / "b"));
  CHECK(command(node, "release", {"-b", "2"}).code == 0);
  CHECK_FALSE(fs::exists(tree / "b"));
}

TEST_CASE("cancel gives up a batch that waits: its files and quota are free again") {
  temp_folder folder;
  auto tree = folder / "tree";
  for (int i = 0; i < 20; ++i) write_file(tree / std::to_string(i), "content");
  service node{folder / "state", no_room};
  node.start();
  add_workspace(node);
  REQUIRE(node.put({tree.string()}) == 1);
  auto cancelled = command(node, "cancel", {"-b", "1"});
  INFO(cancelled.err);
  CHECK(cancelled.code == 0);
  CHECK(cancelled.err.find("0 files are safe, 20 are not") != std::string::npos);
  CHECK(node.wait(1) == 3);
  auto files = node.call({"et_ls", "-w", "local", "-L", "file", "-b", "1"}).out;
  CHECK(count(files, "\tFAILED\t") == 20);
  CHECK(node.call({"et_ls", "-w", "local", "-L", "workspace"}).out ==
        "W\tlocal\t1\t0\t0\t1099511627776\t0\n");
  CHECK(command(node, "cancel", {"-b", "1"}).code == 1);
  REQUIRE(node.put({tree.string()}) == 2);

  // It stays cancelled after a kill, and the new one goes its way.
  node.kill_9();
  node.set_config("[cache]\nreserve_bytes = 0\n");
  node.start();
  CHECK(node.wait(2) == 0);
  CHECK(node.wait(1) == 3);
  CHECK(node.call({"et_rm", "-w", "local", "-b", "1"}).code == 0);
}

TEST_CASE("a running get is seen by status and ended by cancel from another session") {
  temp_folder folder;
  auto tree = folder / "tree";
  write_file(tree / "file", "content");
  service node{folder / "state"};
  node.start();
  REQUIRE(node.put({tree.string()}) == 1);
  REQUIRE(node.wait(1) == 0);
  fs::create_directory(folder / "back");
  // It runs as long as its list has not ended.
  pipe_ends list;
  pipe_ends said;
  child_options how;
  how.extra = node.surroundings();
  how.in = list.read.get();
  how.err = said.write.get();
  child get{{"et_get", "-w", "local", "-f", "-", "-r", (folder / "back").string()}, how};
  said.write.close();
  std::string seen;
  while (seen.find("Retrieval 1 of workspace local: running") == std::string::npos)
    seen = command(node, "status", {}).out;
  auto one = command(node, "status", {"-r", "1", "--json"}).out;
  CHECK(one.find("\"state\":\"running\"") != std::string::npos);
  auto cancelled = command(node, "cancel", {"-r", "1"});
  CHECK(cancelled.code == 0);
  CHECK(command(node, "status", {"-r", "1"}).out.find("cancelled") != std::string::npos);
  CHECK(command(node, "cancel", {"-r", "1"}).code == 1);
  append(list.write.get(), (tree / "file").string() + "\n");
  list.write.close();
  auto code = get.wait(std::chrono::minutes{1});
  CHECK(code == 3);
  std::string told;
  for (auto line = read_line(said.read.get()); !line.empty(); line = read_line(said.read.get()))
    told += line;
  CHECK(told.find("retrieval 1 was cancelled by root") != std::string::npos);
  CHECK(fs::is_empty(folder / "back"));
  CHECK(command(node, "cancel", {"-r", "99"}).code == 1);
}
