// Where a get writes: sparse files, a full disk, what dead gets have left, attributes.
#include "cli/commands/target_tree.hpp"

#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <catch2/catch.hpp>

#include "cli/commands/get_progress.hpp"
#include "tests/cli/command_fixture.hpp"

using namespace et;
using namespace et::test;

namespace {

struct tree_fixture {
  temporary_folder folder;
  std::atomic<bool> stop{false};
  unique_fd top{open(folder.path().c_str(), O_PATH | O_DIRECTORY)};
  target_tree tree{top.get(), stop};
  target_cursor cursor{tree};

  static file_row row_of(const std::string& path, const std::string& content,
                         uint32_t mode = 0644) {
    file_row row;
    row.batch = batch_id{1};
    row.entry = {path, content.size(), 1'500'000'000'987'654'321, mode, geteuid(), getegid()};
    row.has_checksum = true;
    row.checksum = fake_service::checksum(content);
    return row;
  }
  static std::span<const uint8_t> data(const std::string& text) {
    return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
  }
  caf::error stream(const file_row& row, const std::string& content, size_t piece) {
    auto file = cursor.create(row, false);
    if (!file) return file.error();
    for (size_t at = 0; at < content.size(); at += piece)
      if (auto error =
              (*file)->write(data(content).subspan(at, std::min(piece, content.size() - at))))
        return error;
    return (*file)->finish();
  }
  struct stat look(const std::string& path) const {
    struct stat info {};
    REQUIRE(lstat((folder.path().string() + path).c_str(), &info) == 0);
    return info;
  }
  size_t count() const {
    size_t files = 0;
    for (const auto& one : fs::recursive_directory_iterator{folder.path()})
      if (!one.is_directory()) ++files;
    return files;
  }
};

}  // namespace

TEST_CASE_METHOD(tree_fixture, "sparse files stay sparse, whatever the pieces they come in") {
  size_t piece = GENERATE(4096, 10'000, 262'144, 1 << 20);
  std::string content(20 << 20, '\0');
  content.replace(5 << 20, 10, "0123456789");
  content[(9 << 20) + 4095] = 'x';
  auto row = row_of("/d/sparse", content);
  REQUIRE_FALSE(stream(row, content, piece));
  CHECK(read_text(folder / "d/sparse") == content);
  CHECK(look("/d/sparse").st_blocks * 512 < 1 << 20);

  auto full = std::string(1 << 20, 'y');
  REQUIRE_FALSE(stream(row_of("/d/full", full), full, piece));
  CHECK(look("/d/full").st_blocks * 512 >= 1 << 20);
  auto zeros = std::string(3 << 20, '\0');
  REQUIRE_FALSE(stream(row_of("/d/zeros", zeros), zeros, piece));
  CHECK(read_text(folder / "d/zeros") == zeros);
  CHECK(look("/d/zeros").st_blocks == 0);
}

TEST_CASE_METHOD(tree_fixture, "a file that comes as a whole is judged before anything is made") {
  auto row = row_of("/a/b", "right");
  CHECK(code_of(cursor.put(row, data("wrong"), false)) == errc::corrupt);
  CHECK(code_of(cursor.put(row, data("righ"), false)) == errc::corrupt);
  CHECK_FALSE(fs::exists(folder / "a"));
  REQUIRE_FALSE(cursor.put(row, data("right"), false));
  CHECK(read_text(folder / "a/b") == "right");
  auto info = look("/a/b");
  CHECK((info.st_mode & 07777) == 0644);
  CHECK(info.st_mtim.tv_nsec == 987'654'321);
  CHECK(code_of(cursor.put(row, data("right"), false)) == errc::already_exists);
  CHECK_FALSE(cursor.put(row, data("right"), true));
  CHECK(count() == 1);
}

TEST_CASE_METHOD(tree_fixture, "a stream with wrong bytes leaves nothing") {
  auto row = row_of("/a/b", "right");
  CHECK(code_of(stream(row, "wrong", 2)) == errc::corrupt);
  CHECK(count() == 0);
}

TEST_CASE_METHOD(tree_fixture, "modes and owners are what they were, as far as this user may") {
  for (uint32_t mode : {0600u, 0444u, 0777u, 04755u, 02755u, 01644u}) {
    auto path = "/m" + std::to_string(mode);
    REQUIRE_FALSE(cursor.put(row_of(path, "x", mode), data("x"), false));
    CHECK((look(path).st_mode & 07777) == mode);
  }
  auto theirs = row_of("/theirs", "x", 04755);
  theirs.entry.uid = theirs.entry.gid = 61234;
  REQUIRE_FALSE(cursor.put(theirs, data("x"), false));
  auto info = look("/theirs");
  if (geteuid() == 0) {
    CHECK(info.st_uid == 61234);
    CHECK(info.st_gid == 61234);
    CHECK((info.st_mode & 07777) == 04755);
  } else {
    // Nobody else's rights are given away.
    CHECK((info.st_mode & 07777) == 0755);
  }
}

TEST_CASE_METHOD(tree_fixture, "a full disk: what does not fit is told and leaves nothing torn") {
  if (geteuid() != 0 || mount("none", folder.path().c_str(), "tmpfs", 0, "size=2m") != 0) {
    WARN("no right to mount: not tested");
    return;
  }
  unique_fd small{open(folder.path().c_str(), O_PATH | O_DIRECTORY)};
  {
    target_tree there{small.get(), stop};
    target_cursor writer{there};
    std::string large(3 << 20, 'x');
    auto row = row_of("/d/large", large);
    {
      auto file = writer.create(row, false);
      REQUIRE(file);
      CHECK(code_of((*file)->write(data(large))) == errc::no_space);
    }
    CHECK(count() == 0);
    auto little = row_of("/d/little", "fits");
    CHECK_FALSE(writer.put(little, data("fits"), false));
    CHECK(count() == 1);
  }
  small.reset();
  CHECK(umount(folder.path().c_str()) == 0);
}

TEST_CASE_METHOD(tree_fixture, "what dead gets have left goes, what others write stays") {
  fs::create_directory(folder / "d");
  // A process that has ended, on this machine.
  auto child = fork();
  if (child == 0) _exit(0);
  waitpid(child, nullptr, 0);
  auto own = tree.temporaries.name(1);
  auto machine = own.substr(0, own.find('-', std::string{".et-part-"}.size()) + 1);
  auto dead = machine + std::to_string(child) + "-00000000-1";
  auto alive = machine + "1-00000000-1";
  for (auto name : {dead, alive, own, std::string{".et-part-x"}, std::string{"file"}})
    write_text(folder / ("d/" + name), "part");
  CHECK(*cursor.compare(row_of("/d/none", "x")) == target_state::absent);
  CHECK_FALSE(fs::exists(folder / ("d/" + dead)));
  CHECK(count() == 4);
}

TEST_CASE("times are told as people say them") {
  CHECK(human_seconds(0) == "0 s");
  CHECK(human_seconds(59) == "59 s");
  CHECK(human_seconds(200) == "3 min 20 s");
  CHECK(human_seconds(3605) == "1 h 00 min");
  CHECK(human_seconds(47 * 3600) == "47 h 00 min");
  CHECK(human_seconds(3 * 86400 + 4 * 3600) == "3 d 4 h");
}

TEST_CASE("progress tells the rate and the time left of now, and what is waited for") {
  get_progress progress;
  get_progress::counts now{0, 0, 0, 10, 1'000'000'000};
  CHECK(progress.line(0, now, "") == "0 of 10 files, 0 B of 1.0 GB");
  now = {1, 100'000'000, 0, 10, 1'000'000'000};
  CHECK(progress.line(1000, now, "") == "1 of 10 files, 100.0 MB of 1.0 GB, 100.0 MB/s, 9 s left");
  // A long wait in front does not count for ever.
  for (int64_t t = 2000; t <= 60'000; t += 1000) progress.line(t, now, "");
  CHECK(progress.line(61'000, now, "volume A, place 2 in the queue of recalls") ==
        "1 of 10 files, 100.0 MB of 1.0 GB, 0 B/s; waits: volume A, place 2 in the queue of "
        "recalls");
  now = {2, 300'000'000, 3, 10, 1'000'000'000};
  CHECK(progress.line(71'000, now, "") ==
        "2 of 10 files, 300.0 MB of 1.0 GB, 20.0 MB/s, 35 s left, 3 bad");
}
