#include "cli/walker.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

#include "tests/cli/command_fixture.hpp"

using namespace et;
using test::write_text;
namespace fs = std::filesystem;

namespace {

struct walked {
  std::vector<std::string> files;
  std::vector<std::string> left_out;
  std::vector<std::string> errors;
};

walked walk(const std::string& folder, unsigned threads = 3, size_t limit = 2) {
  auto root = open_walk_root(folder);
  REQUIRE(root);
  walker walk{std::move(*root), threads};
  walked all;
  walk_page page;
  while (walk.next(page, limit)) {
    CHECK(page.files.size() <= limit);
    for (auto& file : page.files) all.files.push_back(file.path);
    for (auto& note : page.left_out) all.left_out.push_back(note.path + ": " + note.reason);
    for (auto& note : page.errors) all.errors.push_back(note.path + ": " + note.reason);
  }
  CHECK_FALSE(walk.next(page, limit));
  return all;
}

}  // namespace

TEST_CASE("files come in the byte order of their paths, hostile names, too") {
  test::temporary_folder folder;
  std::vector<std::string> names{"a/b",  "a.txt", "a0",       "a/\n",        "a/\xff\xfe",
                                 " ",    "-rf",   "..x/y",    "z/\x01/deep", "a/b.c/d",
                                 "a/b0", "UPPER", "tab\there"};
  for (const auto& name : names) write_text(folder / name, name);
  fs::create_directories(folder / "empty/emptier");
  std::vector<std::string> expected;
  for (const auto& name : names) expected.push_back(folder / name);
  // "a/b" is a file and "a/b.c" a folder: what counts are the bytes of whole paths.
  std::sort(expected.begin(), expected.end());
  for (unsigned threads : {0u, 1u, 4u}) {
    auto found = walk(folder.path().string(), threads);
    CHECK(found.files == expected);
    CHECK(found.left_out.empty());
    CHECK(found.errors.empty());
  }
}

TEST_CASE("entries carry what stat says") {
  test::temporary_folder folder;
  write_text(folder / "f", "abc");
  REQUIRE(chmod((folder / "f").c_str(), 0604) == 0);
  timespec times[2] = {{1, 0}, {12, 34}};
  REQUIRE(utimensat(AT_FDCWD, (folder / "f").c_str(), times, 0) == 0);
  auto root = open_walk_root(folder.path().string());
  REQUIRE(root);
  walker walk{std::move(*root), 1};
  walk_page page;
  REQUIRE(walk.next(page, 10));
  REQUIRE(page.files.size() == 1);
  CHECK(page.files[0] ==
        file_entry{folder / "f", 3, 12'000'000'034, 0604, geteuid(), page.files[0].gid});
}

TEST_CASE("links and special files are left out, and not entered") {
  test::temporary_folder folder;
  write_text(folder / "outside/secret", "x");
  write_text(folder / "tree/file", "x");
  fs::create_symlink("../outside", folder / "tree/linked");
  fs::create_symlink("file", folder / "tree/link");
  REQUIRE(mkfifo((folder / "tree/pipe").c_str(), 0600) == 0);
  auto found = walk(folder / "tree");
  CHECK(found.files == std::vector<std::string>{folder / "tree/file"});
  CHECK(found.left_out == std::vector<std::string>{(folder / "tree/link") + ": symbolic link",
                                                   (folder / "tree/linked") + ": symbolic link",
                                                   (folder / "tree/pipe") + ": named pipe"});
}

TEST_CASE("folders that are too deep are errors of their own") {
  test::temporary_folder folder;
  write_text(folder / "ok", "x");
  unique_fd at{open(folder.path().c_str(), O_RDONLY | O_DIRECTORY)};
  std::string name(200, 'd');
  for (int i = 0; i < 25; ++i) {
    REQUIRE(mkdirat(at.get(), name.c_str(), 0755) == 0);
    at.reset(openat(at.get(), name.c_str(), O_RDONLY | O_DIRECTORY));
    REQUIRE(at);
  }
  auto found = walk(folder.path().string());
  CHECK(found.files.size() == 1);
  REQUIRE(found.errors.size() == 1);
  CHECK(found.errors[0].find("path longer than 4095 bytes") != std::string::npos);
}

TEST_CASE("a folder with more names than one run") {
  test::temporary_folder folder;
  unique_fd at{open(folder.path().c_str(), O_RDONLY | O_DIRECTORY)};
  constexpr int count = 70'000;
  for (int i = 0; i < count; ++i) {
    REQUIRE(mknodat(at.get(), std::to_string(i).c_str(), S_IFREG | 0600, 0) == 0);
  }
  write_text(folder / "sub/file", "x");
  auto found = walk(folder.path().string(), 3, 4096);
  CHECK(found.files.size() == count + 1);
  std::sort(found.files.begin(), found.files.end());
  CHECK(std::unique(found.files.begin(), found.files.end()) == found.files.end());
}

TEST_CASE("a walk may be given up at any time") {
  test::temporary_folder folder;
  for (int i = 0; i < 200; ++i) write_text(folder / (std::to_string(i) + "/f"), "x");
  auto root = open_walk_root(folder.path().string());
  REQUIRE(root);
  walker walk{std::move(*root), 4};
  walk_page page;
  CHECK(walk.next(page, 1));
}

TEST_CASE("DIR must be absolute and real; the error tells the real path") {
  test::temporary_folder folder;
  write_text(folder / "real/sub/f", "x");
  fs::create_symlink("real", folder / "link");
  auto text = [](const std::string& path) {
    auto root = open_walk_root(path);
    return root ? "ok " + root->path : text_of(root.error());
  };
  CHECK(text(folder / "real//sub/./") == "ok " + (folder / "real/sub"));
  CHECK(text("/") == "ok /");
  CHECK(text("real") == "real: DIR must be an absolute path");
  CHECK(text("") == ": DIR must be an absolute path");
  CHECK(text(folder / "link/sub")
            .find("a link is in the path; the real path is " + (folder / "real/sub")) !=
        std::string::npos);
  CHECK(text(folder / "link").find("the real path is " + (folder / "real")) != std::string::npos);
  CHECK(text(folder / "real/sub/../sub")
            .find("'..' is in the path; the real path is " + (folder / "real/sub")) !=
        std::string::npos);
  CHECK(text(folder / "none").find("No such file") != std::string::npos);
  CHECK(text(folder / "real/sub/f").find("Not a directory") != std::string::npos);
}
