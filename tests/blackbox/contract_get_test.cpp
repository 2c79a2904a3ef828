// et_get as its contract says: what it writes, what it leaves alone, its exit codes.

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/blackbox/harness.hpp"

using namespace et::blackbox;

namespace {

using words = std::vector<std::string>;

/// A service with one safe batch of a small tree, and a folder to write to.
struct archived {
  archived() {
    for (int i = 0; i < 20; ++i)
      write_file(tree / ("file" + std::to_string(i)),
                 std::string(1000, static_cast<char>('a' + i)));
    write_file(tree / "sub" / "empty", "");
    chmod((tree / "file1").c_str(), 0640);
    chmod((tree / "file2").c_str(), 0501);
    fs::create_directory(back);
    node.start();
    REQUIRE(node.put({"--wait", tree.string()}) == 1);
  }
  outcome get(const words& options, const std::string& input = {}) const {
    words line{"et_get", "-w", "local", "-r", back.string()};
    line.insert(line.end(), options.begin(), options.end());
    return node.call(line, input);
  }
  fs::path copy(const std::string& name) const { return back.string() + (tree / name).string(); }
  std::string line(const std::string& name) const { return (tree / name).string() + "\n"; }
  /// What is below the target that is no whole copy.
  std::string leftovers() const {
    std::string names;
    for (auto& one : fs::recursive_directory_iterator(back))
      if (one.path().filename().string().find("et-part") != std::string::npos)
        names += one.path().string() + "\n";
    return names;
  }

  temp_folder folder;
  fs::path tree = folder / "tree";
  fs::path back = folder / "back";
  service node{folder / "state"};
};

bool says(const outcome& done, const std::string& text) {
  return done.err.find(text) != std::string::npos;
}

}  // namespace

TEST_CASE("a get brings content, mode and time; a second one leaves all alone") {
  archived at;
  auto first = at.get({"-b", "1"});
  INFO(first.err);
  CHECK(first.code == 0);
  CHECK(says(first, "21 files written"));
  CHECK(difference(at.tree, at.back) == "");
  auto before = look(at.copy("file3"));
  auto second = at.get({"-b", "1", "--overwrite"});
  CHECK(second.code == 0);
  CHECK(says(second, "0 files written"));
  CHECK(says(second, "21 already there"));
  auto after = look(at.copy("file3"));
  CHECK(before.st_ino == after.st_ino);
  CHECK(before.st_ctim.tv_nsec == after.st_ctim.tv_nsec);
  // What was lost since comes again, the rest stays.
  fs::remove(at.copy("file4"));
  fs::remove(at.copy("sub/empty"));
  CHECK(says(at.get({"-b", "1"}), "2 files written"));
  CHECK(difference(at.tree, at.back) == "");
}

TEST_CASE("different files in the target are errors, or replaced with --overwrite") {
  archived at;
  REQUIRE(at.get({"-b", "1"}).code == 0);
  auto time = look(at.copy("file1")).st_mtim;
  timespec same[2] = {time, time};
  timespec other[2] = {{5, 5}, {5, 5}};
  write_file(at.copy("file0"), "another size");
  write_file(at.copy("file1"), std::string(1000, 'X'));
  utimensat(AT_FDCWD, at.copy("file1").c_str(), same, 0);
  utimensat(AT_FDCWD, at.copy("file2").c_str(), other, 0);
  fs::remove(at.copy("file3"));
  write_file(at.folder / "elsewhere", "mine");
  fs::create_symlink(at.folder / "elsewhere", at.copy("file3"));
  fs::remove(at.copy("file4"));
  fs::create_directories(at.copy("file4") / "in the way");
  fs::remove(at.copy("sub/empty"));
  write_file(at.copy("sub/empty"), "not empty");
  fs::remove(at.copy("file5"));

  auto refused = at.get({"-b", "1"});
  CHECK(refused.code == 5);
  CHECK(says(refused, "1 files written"));
  CHECK(says(refused, "14 already there; 6 bad"));
  for (auto name : {"file0", "file1", "file2", "file3", "file4", "sub/empty"})
    CHECK(says(refused, "bad file: " + (at.tree / name).string() + ": "));
  CHECK(read_file(at.copy("file0")) == "another size");
  CHECK(read_file(at.copy("file1")) == std::string(1000, 'X'));
  CHECK(fs::is_symlink(at.copy("file3")));
  CHECK(read_file(at.copy("file5")) == read_file(at.tree / "file5"));

  auto forced = at.get({"-b", "1", "--overwrite"});
  CHECK(forced.code == 5);
  CHECK(says(forced, "5 files written"));
  CHECK(says(forced, "bad file: " + (at.tree / "file4").string() + ": "));
  CHECK(read_file(at.folder / "elsewhere") == "mine");
  CHECK(at.leftovers() == "");
  fs::remove_all(at.copy("file4"));
  CHECK(at.get({"-b", "1"}).code == 0);
  CHECK(difference(at.tree, at.back) == "");
}

TEST_CASE("a list takes the newest batch that holds a file, or the one that is named") {
  archived at;
  // Of batch 2 one file fails: it changes after it was looked at. Batch 3 holds it.
  write_file(at.tree / "again", "first");
  write_file(at.tree / "other", "other");
  pipe_ends list;
  child put{{"et_put", "-w", "local", "--wait", "-f", "-"},
            {at.node.surroundings(), {}, list.read.get()}};
  append(list.write.get(), at.line("again"));
  wait_taken(list.write.get());
  append(list.write.get(), at.line("other"));
  wait_taken(list.write.get());
  write_file(at.tree / "again", "second time");
  list.write.close();
  REQUIRE(put.wait(std::chrono::minutes{1}) == 3);
  auto third = at.node.call({"et_put", "-w", "local", "--wait", "-f", "-"}, at.line("again"));
  REQUIRE(third.code == 0);

  auto newest = at.get({"-f", "-"}, at.line("again") + at.line("other") + at.line("file0"));
  INFO(newest.err);
  CHECK(newest.code == 0);
  CHECK(read_file(at.copy("again")) == "second time");
  CHECK(read_file(at.copy("other")) == "other");
  CHECK(fs::exists(at.copy("file0")));
  CHECK_FALSE(fs::exists(at.copy("file1")));

  auto named =
      at.get({"-b", "2", "-f", "-"}, at.line("again") + at.line("other") + at.line("file0"));
  CHECK(named.code == 5);
  CHECK(says(named, "bad file: " + (at.tree / "again").string() + ": was not archived: "));
  CHECK(says(named, "bad file: " + (at.tree / "file0").string() + ": not held by batch 2"));
  CHECK(says(named, "0 files written"));
  CHECK(says(named, "1 already there; 2 bad"));
}

TEST_CASE("bad lines of a list are told, all others are delivered") {
  archived at;
  auto done = at.get({"-f", "-"}, at.line("file0") + "\nrelative\n" + at.line("missing") + " " +
                                      at.line("file1") + at.line("file0") + at.line("file2"));
  INFO(done.err);
  CHECK(done.code == 5);
  CHECK(says(done, "2 files written"));
  CHECK(says(done, "line 2"));
  CHECK(says(done, "blank line"));
  CHECK(says(done, "line 3: relative: "));
  CHECK(says(done, "missing: not held by workspace local"));
  CHECK(says(done, "line 5"));
  CHECK(fs::exists(at.copy("file0")));
  CHECK(fs::exists(at.copy("file2")));
  CHECK_FALSE(fs::exists(at.copy("file1")));
  auto unreadable = at.get({"-f", (at.folder / "missing").string()});
  CHECK(unreadable.code == 1);
  CHECK(says(unreadable, (at.folder / "missing").string()));
}

TEST_CASE("DIR: relative is a parameter error; missing or not writable is exit 2") {
  archived at;
  auto get = [&](const std::string& target, std::optional<user> as = {}) {
    words line{"et_get", "-w", "local", "-b", "1", "-r", target};
    auto done = as ? at.node.call_as(*as, line) : at.node.call(line);
    INFO(target << done.err);
    CHECK(done.out.empty());
    CHECK_FALSE(done.err.empty());
    return done.code;
  };
  CHECK(get("back") == 1);
  CHECK(get(".") == 1);
  CHECK(get("") == 1);
  CHECK(get((at.folder / "missing").string()) == 2);
  CHECK(get((at.tree / "file0").string()) == 2);
  CHECK_FALSE(fs::exists(at.folder / "missing"));
  if (geteuid() == 0) {
    CHECK(get(at.back.string(), user{64'001, 64'001}) == 2);
    chmod(at.back.c_str(), 0700);
    CHECK(get(at.back.string(), user{64'001, 64'001}) == 2);
  }
  // A link to a folder, and one with a slash behind it, are folders.
  fs::create_directory_symlink("back", at.folder / "link");
  CHECK(get((at.folder / "link").string() + "/") == 0);
  CHECK(difference(at.tree, at.back) == "");
}

TEST_CASE("a get that loses its service ends with 3, the same again goes on") {
  archived at;
  pipe_ends list;
  child get{{"et_get", "-w", "local", "--reconnect", "1", "-f", "-", "-r", at.back.string()},
            {at.node.surroundings(), {}, list.read.get()}};
  // The list is read when the retrieval has begun.
  append(list.write.get(), at.line("file0"));
  wait_taken(list.write.get());
  at.node.kill_9();
  append(list.write.get(), at.line("file1"));
  list.write.close();
  CHECK(get.wait(std::chrono::minutes{1}) == 3);
  CHECK(at.leftovers() == "");
  at.node.start();
  CHECK(at.get({"-b", "1"}).code == 0);
  CHECK(difference(at.tree, at.back) == "");
}

TEST_CASE("a get that is interrupted ends with 4, the same again goes on") {
  archived at;
  pipe_ends list;
  child get{{"et_get", "-w", "local", "-f", "-", "-r", at.back.string()},
            {at.node.surroundings(), {}, list.read.get()}};
  append(list.write.get(), at.line("file0"));
  wait_taken(list.write.get());
  get.signal(SIGINT);
  list.write.close();
  CHECK(get.wait(std::chrono::minutes{1}) == 4);
  CHECK(at.leftovers() == "");
  CHECK(at.get({"-b", "1"}).code == 0);
  CHECK(difference(at.tree, at.back) == "");
}

TEST_CASE("one stream and the most streams bring the same") {
  archived at;
  for (auto* streams : {"1", "2", "48"}) {
    fs::remove_all(at.back);
    fs::create_directory(at.back);
    CHECK(at.get({"-b", "1", "-t", streams}).code == 0);
    CHECK(difference(at.tree, at.back) == "");
  }
}
