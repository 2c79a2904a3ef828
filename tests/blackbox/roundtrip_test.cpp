#include <catch2/catch.hpp>

#include "tests/blackbox/harness.hpp"

using namespace et::blackbox;

namespace {

size_t count_lines(const std::string& text) {
  return static_cast<size_t>(std::count(text.begin(), text.end(), '\n'));
}

}  // namespace

TEST_CASE("a tree goes to tape and comes back byte for byte") {
  temp_folder folder;
  auto tree = folder / "tree";
  make_awkward_tree(tree, 100'000'000, 1);
  service node{folder / "state"};
  node.start();
  auto batch = node.put({"-t", "tag1", tree.string()});
  INFO(node.last.err);
  REQUIRE(batch == 1);
  CHECK(node.last.code == 0);
  CHECK(node.wait(batch) == 0);

  auto listed = node.call({"et_ls", "-w", "local", "-L", "batch"});
  CHECK(listed.out.rfind("B\t1\ttag1\tCACHED_SYNCED\t", 0) == 0);
  auto files = node.call({"et_ls", "-w", "local", "-L", "file", "-b", "1"});
  CHECK(count_lines(files.out) == 309);
  CHECK(files.out.find("new\\nline\n") != std::string::npos);
  CHECK(files.out.find("bytes \xff\xfe\n") != std::string::npos);

  auto back = folder / "back";
  fs::create_directory(back);
  auto got = node.call({"et_get", "-w", "local", "-b", "1", "-r", back.string()});
  INFO(got.err);
  CHECK(got.code == 0);
  CHECK(difference(tree, back) == "");

  SECTION("a second get skips what is there") {
    auto again = node.call({"et_get", "-w", "local", "-b", "1", "-r", back.string()});
    CHECK(again.code == 0);
    CHECK(difference(tree, back) == "");
  }
  SECTION("a file that differs is an error unless overwritten") {
    auto victim = back.string() + (tree / "one byte").string();
    write_file(victim, "y");
    auto refused = node.call({"et_get", "-w", "local", "-b", "1", "-r", back.string()});
    CHECK(refused.code == 5);
    CHECK(read_file(victim) == "y");
    auto forced =
        node.call({"et_get", "-w", "local", "-b", "1", "-r", back.string(), "--overwrite"});
    CHECK(forced.code == 0);
    CHECK(read_file(victim) == "x");
  }
  SECTION("removed, it is gone and its quota is back") {
    CHECK(node.call({"et_rm", "-w", "local", "-b", "1"}).code == 0);
    CHECK(node.call({"et_ls", "-w", "local", "-L", "batch"}).out.empty());
    auto workspace = node.call({"et_ls", "-w", "local", "-L", "workspace"});
    CHECK(workspace.out == "W\tlocal\t0\t0\t0\t1099511627776\t0\n");
    CHECK(node.call({"et_get", "-w", "local", "-b", "1", "-r", back.string()}).code != 0);
    // The same paths may be put again at once.
    CHECK(node.put({tree.string()}) == 2);
  }
  SECTION("it is all still there after a stop and a start") {
    CHECK(node.stop() == 0);
    node.start();
    auto other = folder / "other";
    fs::create_directory(other);
    CHECK(node.call({"et_get", "-w", "local", "-b", "1", "-r", other.string()}).code == 0);
    CHECK(difference(tree, other) == "");
  }
}

TEST_CASE("what is on tape only comes back, whole or a single file of it") {
  temp_folder folder;
  auto tree = folder / "tree";
  make_awkward_tree(tree, 40'000'000, 2);
  // Safe data leaves the cache at once.
  service node{folder / "state", "[cache]\nretention_s = 0\n"};
  node.start();
  auto managed = node.call({"elastictape", "admin", "workspace", "add", "local", "--root", "/",
                            "--manager", "root", "--quota", "1T"});
  INFO(managed.err);
  REQUIRE(managed.code == 0);
  auto batch = node.put({tree.string()});
  REQUIRE(batch == 1);
  REQUIRE(node.wait(batch) == 0);
  // The cache keeper looks once a second; `status` says when the last aggregation has left.
  std::string state;
  for (int i = 0; i < 300 && state != "SYNCED"; ++i) {
    auto line = node.call({"et_ls", "-w", "local", "-L", "batch", "-b", "1"}).out;
    state = line.find("\tSYNCED\t") != std::string::npos ? "SYNCED" : line;
  }
  REQUIRE(state == "SYNCED");

  SECTION("a single file reads only its blocks") {
    auto list = folder / "list";
    write_file(list, (tree / "many" / "150").string() + "\n");
    fs::create_directory(folder / "one");
    auto got =
        node.call({"et_get", "-w", "local", "-f", list.string(), "-r", (folder / "one").string()});
    INFO(got.err);
    CHECK(got.code == 0);
    CHECK((read_file((folder / "one").string() + (tree / "many" / "150").string()) ==
           read_file(tree / "many" / "150")));
    auto log = node.log();
    auto at = log.find(" bytes read from tape");
    REQUIRE(at != std::string::npos);
    auto begin = log.rfind(' ', at - 1) + 1;
    CHECK(std::stoull(log.substr(begin, at - begin)) <= 2 * 262'144);
  }
  SECTION("the whole batch") {
    fs::create_directory(folder / "back");
    auto got = node.call({"et_get", "-w", "local", "-b", "1", "-r", (folder / "back").string()});
    INFO(got.err);
    CHECK(got.code == 0);
    CHECK(difference(tree, folder / "back") == "");
  }
  SECTION("a flipped byte on the cartridge is reported, never delivered; other files come") {
    REQUIRE(node.stop() == 0);
    auto image = folder / "state" / "library" / "ET0001L8.cartridge";
    auto bytes = read_file(image);
    auto content = read_file(tree / "many" / "77");
    auto at = bytes.find(content);
    REQUIRE(at != std::string::npos);
    bytes[at] = static_cast<char>(bytes[at] ^ 1);
    write_file(image, bytes);
    node.start();
    fs::create_directory(folder / "back");
    auto got = node.call({"et_get", "-w", "local", "-b", "1", "-r", (folder / "back").string()});
    CHECK(got.code == 5);
    CHECK_FALSE(fs::exists((folder / "back").string() + (tree / "many" / "77").string()));
    CHECK((read_file((folder / "back").string() + (tree / "large").string()) ==
           read_file(tree / "large")));
    CHECK(got.err.find("77") != std::string::npos);
    auto alerts = node.call({"elastictape", "admin", "alerts"});
    CHECK(alerts.out.find("cannot be read") != std::string::npos);
  }
  SECTION("a cartridge that is not in the library is named, and nobody waits for it") {
    REQUIRE(node.stop() == 0);
    fs::rename(folder / "state" / "library" / "ET0001L8.cartridge", folder / "taken");
    node.start();
    fs::create_directory(folder / "back");
    auto got = node.call({"et_get", "-w", "local", "-b", "1", "-r", (folder / "back").string()});
    CHECK(got.code == 5);
    CHECK(got.err.find("ET0001L8") != std::string::npos);
    REQUIRE(node.stop() == 0);
    fs::rename(folder / "taken", folder / "state" / "library" / "ET0001L8.cartridge");
    node.start();
    CHECK(node.call({"et_get", "-w", "local", "-b", "1", "-r", (folder / "back").string()}).code ==
          0);
    CHECK(difference(tree, folder / "back") == "");
  }
  SECTION("a cartridge image alone gives the files back with export and tar") {
    REQUIRE(node.stop() == 0);
    auto image = (folder / "state" / "library" / "ET0001L8.cartridge").string();
    auto listing = run({"elastictape", "export", image});
    CHECK(listing.code == 0);
    CHECK(listing.out.find("1.1") != std::string::npos);
    fs::create_directory(folder / "plain");
    auto exporter = (binaries() / "elastictape").string();
    auto shell = run({"/bin/sh", "-c",
                      exporter + " export " + image + " 1.1 | LC_ALL=C tar -x -C " +
                          (folder / "plain").string() + " 2>/dev/null"});
    CHECK(shell.code == 0);
    CHECK(read_file((folder / "plain").string() + (tree / "one byte").string()) == "x");
  }
}

TEST_CASE("volumes fill up, two copies never share one, and each alone gives everything back") {
  temp_folder folder;
  auto tree = folder / "tree";
  for (int i = 0; i < 20; ++i)
    make_awkward_tree(tree / std::to_string(i), 9'000'000, static_cast<uint32_t>(i));
  service node{
      folder / "state",
      "[catalogue]\ncopies = 2\n[cache]\nretention_s = 0\n[packing]\ntarget_bytes = \"8MiB\"\n"
      "[library]\ncapacity_bytes = \"64MiB\"\ncartridges = 8\n"};
  node.start();
  REQUIRE(node.call({"elastictape", "admin", "workspace", "add", "local", "--root", "/",
                     "--manager", "root", "--quota", "1T"})
              .code == 0);
  REQUIRE(node.put({tree.string()}) == 1);
  REQUIRE(node.wait(1) == 0);
  auto inspected = node.call({"elastictape", "admin", "inspect"}).out;
  CHECK(inspected.find("archive-2") != std::string::npos);
  size_t full = 0;
  for (size_t at = inspected.find("  full"); at != std::string::npos;
       at = inspected.find("  full", at + 1))
    ++full;
  CHECK(full >= 4);
  std::string state;
  for (int i = 0; i < 300 && state.find("\tSYNCED\t") == std::string::npos; ++i)
    state = node.call({"et_ls", "-w", "local", "-L", "batch", "-b", "1"}).out;
  REQUIRE(state.find("\tSYNCED\t") != std::string::npos);

  // The volume with the first copies of some is damaged: the other pool has it all. Which pool was
  // written first is a race of two drives.
  auto places = node.call({"elastictape", "status", "-w", "local", "-b", "1"}).out;
  auto named = places.find("ET000", places.find("  1.1 "));
  REQUIRE(named != std::string::npos);
  REQUIRE(node.stop() == 0);
  auto image = folder / "state" / "library" / (places.substr(named, 8) + ".cartridge");
  auto bytes = read_file(image);
  for (size_t at = 300'000; at < bytes.size(); at += 200'000)
    bytes[at] = static_cast<char>(bytes[at] ^ 0x40);
  write_file(image, bytes);
  node.start();
  fs::create_directory(folder / "back");
  auto got = node.call({"et_get", "-w", "local", "-b", "1", "-r", (folder / "back").string()});
  INFO(got.err);
  CHECK(got.code == 0);
  CHECK(difference(tree, folder / "back") == "");
  CHECK(node.log().find("trying its next copy") != std::string::npos);
}

TEST_CASE("a service without work is listed as such") {
  temp_folder folder;
  service node{folder / "state"};
  node.start();
  CHECK(node.call({"et_ls", "-w", "local", "-L", "batch"}).out.empty());
  CHECK(node.call({"et_ls", "-w", "nowhere"}).code == 1);
  auto inspected = node.call({"elastictape", "admin", "inspect", "--json"});
  CHECK(inspected.code == 0);
  for (auto word : {"registrar", "cache_keeper", "mount_scheduler", "drive0", "library0"})
    CHECK(inspected.out.find(word) != std::string::npos);
  CHECK(node.stop() == 0);
}

TEST_CASE("no service: a clear message") {
  temp_folder folder;
  service node{folder / "state"};
  auto refused = node.call({"et_ls", "-w", "local"});
  CHECK(refused.code == 1);
  CHECK(refused.err.find("elastictape serve") != std::string::npos);
}
