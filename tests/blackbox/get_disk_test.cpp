// et_get and the disk it writes to: full, sparse files, killed in the middle.
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>

#include "tests/blackbox/child.hpp"
#include "tests/blackbox/harness.hpp"

using namespace et::blackbox;

namespace {

size_t files_in(const fs::path& folder) {
  size_t count = 0;
  for (auto& one : fs::recursive_directory_iterator(folder))
    if (one.is_regular_file()) ++count;
  return count;
}

}  // namespace

TEST_CASE("a full disk is told for each file that does not fit; nothing torn is left") {
  temp_folder folder;
  auto back = folder / "back";
  fs::create_directory(back);
  if (mount("none", back.c_str(), "tmpfs", 0, "size=4m") != 0) {
    WARN("no right to mount: not tested");
    return;
  }
  auto tree = folder / "tree";
  for (int i = 0; i < 100; ++i)
    write_file(tree / "small" / std::to_string(i), std::string(5000, 's'));
  write_file(tree / "large", std::string(20'000'000, 'l'));
  service node{folder / "state"};
  node.start();
  REQUIRE(node.put({tree.string()}) == 1);
  REQUIRE(node.wait(1) == 0);
  auto got = node.call({"et_get", "-w", "local", "-b", "1", "-t", "1", "-r", back.string()});
  INFO(got.err);
  CHECK(got.code == 5);
  CHECK(got.err.find("bad file: " + (tree / "large").string() + ": No space left on device") !=
        std::string::npos);
  CHECK(files_in(back) == 100);
  CHECK_FALSE(fs::exists(back.string() + (tree / "large").string()));
  CHECK(umount(back.c_str()) == 0);
}

TEST_CASE("a sparse file comes back sparse, byte for byte") {
  temp_folder folder;
  auto file = folder / "tree" / "sparse";
  write_file(file, "begin");
  fs::resize_file(file, 300'000'000);
  {
    std::ofstream out{file, std::ios::in | std::ios::out | std::ios::binary};
    out.seekp(123'456'789);
    out << "middle";
    out.seekp(299'999'990);
    out << "at the end";
  }
  service node{folder / "state"};
  node.start();
  REQUIRE(node.put({(folder / "tree").string()}) == 1);
  REQUIRE(node.wait(1) == 0);
  fs::create_directory(folder / "back");
  REQUIRE(node.call({"et_get", "-w", "local", "-b", "1", "-r", (folder / "back").string()}).code ==
          0);
  CHECK(difference(folder / "tree", folder / "back") == "");
  struct stat info {};
  REQUIRE(stat(((folder / "back").string() + file.string()).c_str(), &info) == 0);
  CHECK(info.st_blocks * 512 < 1'000'000);
}

TEST_CASE("a get that is killed leaves no torn file, and the next one finishes and tidies up") {
  temp_folder folder;
  auto tree = folder / "tree";
  for (int i = 0; i < 3000; ++i)
    write_file(tree / std::to_string(i % 10) / std::to_string(i), std::string(3000, 'x'));
  for (int i = 0; i < 4; ++i)
    write_file(tree / "large" / std::to_string(i), std::string(30'000'000, 'y'));
  service node{folder / "state"};
  node.start();
  REQUIRE(node.put({tree.string()}) == 1);
  REQUIRE(node.wait(1) == 0);
  auto back = folder / "back";
  fs::create_directory(back);
  for (size_t until : {1u, 800u, 2000u}) {
    child_options how;
    how.extra = node.surroundings();
    child get{{"et_get", "-w", "local", "-b", "1", "-r", back.string()}, how};
    while (files_in(back) < until && !get.wait(std::chrono::milliseconds{1})) {
    }
    get.signal(SIGKILL);
    get.wait(std::chrono::minutes{1});
    for (auto& one : fs::recursive_directory_iterator(back)) {
      if (!one.is_regular_file() || one.path().filename().string().front() == '.') continue;
      auto wanted = one.path().parent_path().filename() == "large" ? 30'000'000u : 3000u;
      REQUIRE(one.file_size() == wanted);
    }
  }
  auto last = node.call({"et_get", "-w", "local", "-b", "1", "-r", back.string()});
  INFO(last.err);
  CHECK(last.code == 0);
  CHECK(last.err.find("; 0 already there") == std::string::npos);
  // Every file, and nothing that the killed ones had begun.
  CHECK(difference(tree, back) == "");
}

TEST_CASE("a spoilt copy in the cache is noticed by a get, and the next one comes from tape") {
  temp_folder folder;
  auto tree = folder / "tree";
  const std::string content = "as it was stored";
  write_file(tree / "good", "good");
  write_file(tree / "file", content);
  service node{folder / "state"};
  node.start();
  REQUIRE(node.put({"--wait", tree.string()}) == 1);
  size_t spoilt = 0;
  for (auto& one : fs::recursive_directory_iterator(folder / "state" / "cache")) {
    if (!one.is_regular_file()) continue;
    auto bytes = read_file(one.path());
    auto at = bytes.find(content);
    if (at == std::string::npos) continue;
    bytes[at] ^= 1;
    write_file(one.path(), bytes);
    ++spoilt;
  }
  REQUIRE(spoilt == 1);
  auto get = [&](const std::string& into) {
    auto back = folder / into;
    fs::create_directory(back);
    return node.call({"et_get", "-w", "local", "-b", "1", "-r", back.string()});
  };
  auto first = get("first");
  INFO(first.err);
  CHECK(first.code == 5);
  CHECK(first.err.find("bad file: " + (tree / "file").string() + ": checksum") !=
        std::string::npos);
  CHECK_FALSE(fs::exists((folder / "first").string() + (tree / "file").string()));
  CHECK(read_file((folder / "first").string() + (tree / "good").string()) == "good");
  auto told = [&] {
    return node.call({"elastictape", "admin", "alerts"}).out.find("is not what was stored") !=
           std::string::npos;
  };
  auto end = std::chrono::steady_clock::now() + std::chrono::minutes{1};
  while (!told()) REQUIRE(std::chrono::steady_clock::now() < end);
  // The alert comes just before the copy leaves.
  for (int i = 0; get("back" + std::to_string(i)).code != 0; ++i)
    REQUIRE(std::chrono::steady_clock::now() < end);
  CHECK(node.log().find("aggregation 1.1 recalled") != std::string::npos);
}
