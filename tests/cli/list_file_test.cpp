#include "cli/list_file.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <catch2/catch.hpp>

#include "tests/cli/command_fixture.hpp"

using namespace et;
using test::write_text;
namespace fs = std::filesystem;

namespace {

std::string checked(std::string_view line) {
  std::string path;
  auto reason = check_line(line, path);
  return reason.empty() ? "ok " + path : reason;
}

std::vector<std::string> lines_of(const std::string& text) {
  test::memory_fd fd;
  REQUIRE(!write_all(fd.get(), text.data(), text.size()));
  lseek(fd.get(), 0, SEEK_SET);
  line_reader reader{fd.get()};
  std::vector<std::string> lines;
  std::string line;
  while (reader.next(line)) {
    lines.push_back(line);
    REQUIRE(reader.number() == lines.size());
  }
  REQUIRE(!reader.error());
  return lines;
}

}  // namespace

TEST_CASE("lines are split at newlines only") {
  using list = std::vector<std::string>;
  CHECK(lines_of("").empty());
  CHECK(lines_of("\n") == list{""});
  CHECK(lines_of("/a\n/b") == list{"/a", "/b"});
  CHECK(lines_of("/a\r\n\n/b\n") == list{"/a\r", "", "/b"});
  // Longer than the buffer: cut in memory, and the next line is whole.
  auto lines = lines_of(std::string(400'000, 'x') + "\n/next\n");
  REQUIRE(lines.size() == 2);
  CHECK(lines[0].size() >= line_reader::max_line_bytes);
  CHECK(lines[1] == "/next");
}

TEST_CASE("a directory is no list") {
  test::temporary_folder folder;
  unique_fd fd{open(folder.path().c_str(), O_RDONLY)};
  line_reader reader{fd.get()};
  std::string line;
  CHECK_FALSE(reader.next(line));
  CHECK(reader.error());
}

TEST_CASE("what may stand on a line") {
  CHECK(checked("/a/b c\\d\xff") == "ok /a/b c\\d\xff");
  CHECK(checked("/a//b/./c") == "ok /a/b/c");
  CHECK(checked("/a/.b/..c/d.") == "ok /a/.b/..c/d.");
  CHECK(checked("") == "blank line");
  CHECK(checked(" \t\r") == "blank line");
  CHECK(checked(" /a") == "white space around the path");
  CHECK(checked("/a\t") == "white space around the path");
  CHECK(checked("/a\r") == "white space at the end (carriage return)");
  CHECK(checked("a/b") == "not an absolute path");
  CHECK(checked("~/a") == "not an absolute path");
  CHECK(checked("/a/../b") == "'..' in the path");
  CHECK(checked("/a/..") == "'..' in the path");
  CHECK(checked("/a/b/") == "directory");
  CHECK(checked(std::string_view{"/a\0b", 4}) == "NUL byte in the path");
  CHECK(checked("/" + std::string(4094, 'x')).find("ok /x") == 0);
  CHECK(checked("/" + std::string(4095, 'x')) == "path longer than 4095 bytes");
}

TEST_CASE("files are looked at without following links") {
  test::temporary_folder folder;
  write_text(folder / "d/file", "12345");
  REQUIRE(chmod((folder / "d/file").c_str(), 04751) == 0);
  timespec times[2] = {{1, 0}, {1'600'000'000, 987'654'321}};
  REQUIRE(utimensat(AT_FDCWD, (folder / "d/file").c_str(), times, 0) == 0);
  fs::create_symlink("file", folder / "d/link");
  fs::create_symlink("d", folder / "linked");
  REQUIRE(mkfifo((folder / "d/pipe").c_str(), 0600) == 0);

  file_inspector inspector;
  file_entry entry;
  CHECK(inspector.look(folder / "d/file", entry).empty());
  CHECK(entry ==
        file_entry{folder / "d/file", 5, 1'600'000'000'987'654'321, 04751, geteuid(), entry.gid});
  CHECK(inspector.look(folder / "d/link", entry) == "symbolic link");
  CHECK(inspector.look(folder / "linked/file", entry) ==
        "symbolic link in the path: " + (folder / "linked"));
  CHECK(inspector.look(folder / "d", entry) == "directory");
  CHECK(inspector.look(folder / "d/pipe", entry) == "named pipe");
  CHECK(inspector.look(folder / "d/none", entry) == "no such file");
  CHECK(inspector.look(folder / "no/file", entry) == "no such file");
  CHECK(inspector.look(folder / "d/file/x", entry) == "no such file");
  CHECK(inspector.look("/dev/null", entry) == "character device");
  CHECK(entry.path == folder / "d/file");
}
