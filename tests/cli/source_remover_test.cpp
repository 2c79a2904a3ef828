#include "cli/commands/source_remover.hpp"

#include <sys/stat.h>
#include <sys/wait.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

#include "tests/cli/command_fixture.hpp"

using namespace et;
using namespace et::test;

namespace {

struct tree {
  temporary_folder folder;

  file_row stored(const std::string& name, const std::string& content = "content") {
    auto path = folder / name;
    write_text(path, content);
    struct stat info {};
    REQUIRE(stat(path.c_str(), &info) == 0);
    file_row row;
    row.entry.path = path;
    row.entry.size_bytes = content.size();
    row.entry.mtime_ns = info.st_mtim.tv_sec * 1'000'000'000 + info.st_mtim.tv_nsec;
    row.state = state::synced;
    row.has_checksum = true;
    return row;
  }
  bool there(const std::string& name) const { return fs::exists(folder / name); }
  size_t files() const {
    size_t count = 0;
    for (const auto& one : fs::recursive_directory_iterator{folder.path()})
      if (!one.is_directory()) ++count;
    return count;
  }
};

}  // namespace

TEST_CASE_METHOD(tree, "a file as it was stored is removed") {
  auto row = stored("d/a");
  auto other = stored("d/b");
  CHECK(source_remover{true}.remove(row).what == removal::removed);
  CHECK(there("d/a"));
  source_remover remover{false};
  CHECK(remover.remove(row).what == removal::removed);
  CHECK_FALSE(there("d/a"));
  CHECK(remover.remove(row).what == removal::gone);
  CHECK(there("d/b"));
  CHECK(files() == 1);
  row.entry.path = folder / "none/such";
  CHECK(remover.remove(row).what == removal::gone);
  CHECK(remover.remove(other).what == removal::removed);
}

TEST_CASE_METHOD(tree, "what is not the stored file any more is kept") {
  source_remover remover{false};
  auto larger = stored("larger");
  write_text(folder / "larger", "content and more");
  auto touched = stored("touched");
  timespec times[2] = {{5, 0}, {5, 0}};
  REQUIRE(utimensat(AT_FDCWD, (folder / "touched").c_str(), times, 0) == 0);
  auto linked = stored("linked");
  fs::rename(folder / "linked", folder / "real");
  fs::create_symlink(folder / "real", folder / "linked");
  auto moved = stored("old/file");
  fs::rename(folder / "old", folder / "new");
  fs::create_directory_symlink(folder / "new", folder / "old");
  auto made_folder = stored("folder");
  fs::remove(folder / "folder");
  fs::create_directory(folder / "folder");
  for (auto* row : {&larger, &touched, &linked, &moved, &made_folder}) {
    INFO(row->entry.path);
    auto result = remover.remove(*row);
    CHECK(result.what == removal::kept);
    CHECK_FALSE(result.reason.empty());
  }
  CHECK(files() == 5);
}

TEST_CASE_METHOD(tree, "a file that another program has open is kept") {
  auto row = stored("open");
  unique_fd held{open((folder / "open").c_str(), O_RDWR)};
  source_remover remover{false};
  auto result = remover.remove(row);
  CHECK(result.what == removal::kept);
  CHECK(result.reason.find("open") != std::string::npos);
  CHECK(there("open"));
  held.reset();
  CHECK(remover.remove(row).what == removal::removed);
}

TEST_CASE_METHOD(tree,
                 "a file of another user is kept, also in a folder that everybody may change") {
  if (geteuid() != 0) {
    WARN("not root: not tested");
    return;
  }
  auto row = stored("d/theirs");
  auto mine = stored("d/mine");
  REQUIRE(chmod(folder.path().c_str(), 0755) == 0);
  REQUIRE(chmod((folder / "d").c_str(), 0777) == 0);
  REQUIRE(chmod((folder / "d/theirs").c_str(), 0666) == 0);
  REQUIRE(chown((folder / "d/mine").c_str(), 65534, 65534) == 0);
  auto child = fork();
  if (child == 0) {
    if (setresuid(65534, 65534, 65534) != 0) _exit(9);
    source_remover remover{false};
    bool kept = remover.remove(row).what == removal::kept;
    bool removed = remover.remove(mine).what == removal::removed;
    _exit((kept ? 0 : 1) | (removed ? 0 : 2));
  }
  int status = 0;
  waitpid(child, &status, 0);
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(there("d/theirs"));
  CHECK_FALSE(there("d/mine"));
}

TEST_CASE_METHOD(tree, "what a killed release moved aside is finished by the next one") {
  auto row = stored("d/a");
  fs::rename(folder / "d/a", folder / "d/.a.et-release");
  source_remover dry{true};
  CHECK(dry.remove(row).what == removal::gone);
  source_remover remover{false};
  CHECK(remover.remove(row).what == removal::removed);
  CHECK(files() == 0);

  // Another file has the name by now: both stay.
  auto again = stored("d/a");
  fs::rename(folder / "d/a", folder / "d/.a.et-release");
  write_text(folder / "d/a", "new and different");
  CHECK(remover.remove(again).what == removal::kept);
  CHECK(files() == 2);
}

TEST_CASE_METHOD(tree, "a file put in its place at any moment is never lost") {
  // Somebody saves a new version by rename, again and again, while the old one is released.
  std::atomic<int> version{0};
  auto name = folder / "d/file";
  fs::create_directory(folder / "d");
  for (int round = 0; round < 300; ++round) {
    auto row = stored("d/file");
    std::thread saver{[&] {
      write_text(folder / "d/draft", "version " + std::to_string(++version));
      fs::rename(folder / "d/draft", name);
    }};
    source_remover remover{false};
    auto result = remover.remove(row);
    saver.join();
    INFO(round << ": " << result.reason);
    // Whatever was removed, the new version is there, under its name or where the reason says.
    auto left = read_text(name);
    auto aside = read_text(folder / "d/.file.et-release");
    bool kept_new = left == "version " + std::to_string(version) ||
                    aside == "version " + std::to_string(version);
    REQUIRE(kept_new);
    fs::remove(folder / "d/.file.et-release");
  }
}
