#include "cli/commands/get.hpp"

#include <catch2/catch.hpp>

#include "cli/commands/get_streams.hpp"
#include "tests/cli/command_fixture.hpp"

using namespace et;
using namespace et::test;

namespace {

struct get_fixture : command_fixture {
  get_options options;

  get_fixture() {
    fs::create_directory(folder / "to");
    options.workspace = "ws";
    options.batch = batch_id{3};
    options.folder = folder / "to";
  }
  int get() { return run(run_get, options); }
  std::string target(const std::string& path) const { return folder / ("to" + path); }
  // Everything beneath the target that is no folder.
  size_t files_there() const {
    size_t count = 0;
    for (const auto& found : fs::recursive_directory_iterator{folder / "to"}) {
      if (!found.is_directory()) ++count;
    }
    return count;
  }
};

}  // namespace

TEST_CASE_METHOD(get_fixture, "a batch comes back with content, mode and time") {
  std::string big(3'000'000, 'x');
  for (size_t i = 0; i < big.size(); i += 7) big[i] = static_cast<char>(i);
  service.hold(3, "/d/a", "first");
  service.hold(3, "/d/b", "");
  service.hold(3, "/d/big", big);
  service.hold(3, "/d/n\n\xff", "odd name");
  service.hold(3, "/e/" + std::string(255, 'n'), "long name", 2);
  service.hold(3, "/e/" + std::string(254, 'n') + "o", "another long name", 2);
  service.rows[3][0].entry.mode = 0751;
  service.lends = GENERATE(false, true);
  CHECK(get() == exit_ok);
  CHECK(service.taken == (service.lends ? 2 : 0));
  CHECK(read_text(target("/d/a")) == "first");
  CHECK(fs::file_size(target("/d/b")) == 0);
  CHECK(read_text(target("/d/big")) == big);
  CHECK(read_text(target("/d/n\n\xff")) == "odd name");
  CHECK(read_text(target("/e/" + std::string(255, 'n'))) == "long name");
  CHECK(files_there() == 6);
  struct stat info {};
  REQUIRE(stat(target("/d/a").c_str(), &info) == 0);
  CHECK((info.st_mode & 07777) == 0751);
  CHECK(info.st_mtim.tv_sec == 1'600'000'000);
  CHECK(info.st_mtim.tv_nsec == 123'456'789);
  // One range for each aggregation: neighbours are asked for in one go.
  CHECK(service.wanted.size() == 2);
  CHECK(service.done.size() == 2);
  REQUIRE(service.outcome);
  CHECK(service.outcome->state == retrieval_state::completed);
  CHECK(service.outcome->files == 6);
  CHECK(service.outcome->bad_files == 0);
}

TEST_CASE_METHOD(get_fixture, "what is there already is skipped, what differs is an error") {
  for (std::string name : {"/d/a", "/d/b", "/d/c"}) service.hold(3, name, "content of " + name);
  CHECK(get() == exit_ok);
  write_text(target("/d/b"), "another file");
  fs::remove(target("/d/c"));
  CHECK(get() == exit_bad_files);
  CHECK(read_text(target("/d/b")) == "another file");
  CHECK(read_text(target("/d/c")) == "content of /d/c");
  CHECK(err_fd.text().find("bad file: /d/b: another file is there; --overwrite replaces it") !=
        std::string::npos);
  options.overwrite = true;
  CHECK(get() == exit_ok);
  CHECK(read_text(target("/d/b")) == "content of /d/b");
  CHECK(files_there() == 3);
}

TEST_CASE_METHOD(get_fixture, "same size and time are not enough to be skipped") {
  service.hold(3, "/f", "right");
  CHECK(get() == exit_ok);
  write_text(target("/f"), "wrong");
  timespec times[2] = {{0, UTIME_OMIT}, {1'600'000'000, 123'456'789}};
  REQUIRE(utimensat(AT_FDCWD, target("/f").c_str(), times, 0) == 0);
  CHECK(get() == exit_bad_files);
}

TEST_CASE_METHOD(get_fixture, "bytes that do not match their checksum are never delivered") {
  service.hold(3, "/d/a", "good");
  service.hold(3, "/d/b", "flipped");
  service.hold(3, "/d/c", "good, too");
  service.aggregations[{batch_id{3}, 1}][service.rows[3][1].offset_bytes] ^= 1;
  CHECK(get() == exit_bad_files);
  CHECK(fs::exists(target("/d/a")));
  CHECK_FALSE(fs::exists(target("/d/b")));
  CHECK(fs::exists(target("/d/c")));
  CHECK(files_there() == 2);
  CHECK(err_fd.text().find("bad file: /d/b: checksum ") != std::string::npos);
  CHECK(service.outcome->bad_files == 1);
}

TEST_CASE_METHOD(get_fixture, "files that failed, wait or cannot be read are bad; others come") {
  service.hold(3, "/a", "one");
  service.hold(3, "/b", "two");
  service.hold(3, "/c", "three");
  service.hold(3, "/d", "four", 2);
  service.rows[3][0].state = state::failed;
  service.rows[3][0].reason = "changed while it was read";
  service.rows[3][1].state = state::registered;
  service.rows[3][1].has_checksum = false;
  service.unreadable.insert({batch_id{3}, 2});
  CHECK(get() == exit_bad_files);
  auto text = err_fd.text();
  CHECK(text.find("/a: was not archived: changed while it was read") != std::string::npos);
  CHECK(text.find("/b: not archived yet") != std::string::npos);
  CHECK(text.find("/d: the tape is damaged") != std::string::npos);
  CHECK(read_text(target("/c")) == "three");
  CHECK(files_there() == 1);
}

TEST_CASE_METHOD(get_fixture, "nothing is written outside DIR or through links in it") {
  service.hold(3, "/../escape", "x");
  service.hold(3, "/a/../../escape", "x");
  service.hold(3, "/link/file", "x");
  service.hold(3, "/over", "new");
  service.hold(3, "relative", "x");
  fs::create_directory(folder / "outside");
  fs::create_symlink(folder / "outside", target("/link"));
  write_text(folder / "victim", "old");
  fs::create_symlink(folder / "victim", target("/over"));
  options.overwrite = true;
  CHECK(get() == exit_bad_files);
  CHECK_FALSE(fs::exists(folder / "escape"));
  CHECK(fs::is_empty(folder / "outside"));
  // The link itself is replaced, not what it points to.
  CHECK(read_text(folder / "victim") == "old");
  CHECK(fs::is_regular_file(fs::symlink_status(target("/over"))));
  CHECK(service.outcome->bad_files == 4);
}

TEST_CASE_METHOD(get_fixture, "listed files: the newest copy, missing ones are bad") {
  service.hold(3, "/d/a", "old");
  service.hold(3, "/d/b", "only in 3");
  service.hold(3, "/d/c", "not wanted");
  service.hold(4, "/d/a", "new");
  write_text(folder / "list", "/d/b\n/d/a\n/d/none\nrelative\n/d/b\n");
  options.list_file = folder / "list";
  options.batch = batch_id{};
  CHECK(get() == exit_bad_files);
  CHECK(read_text(target("/d/a")) == "new");
  CHECK(read_text(target("/d/b")) == "only in 3");
  CHECK(files_there() == 2);
  auto text = err_fd.text();
  CHECK(text.find("bad file: /d/none: not held by workspace ws\n") != std::string::npos);
  CHECK(text.find("bad file: line 4: relative: not an absolute path\n") != std::string::npos);

  options.batch = batch_id{3};
  options.overwrite = true;
  CHECK(get() == exit_bad_files);
  CHECK(read_text(target("/d/a")) == "old");
}

TEST_CASE_METHOD(get_fixture,
                 "two gets of one batch into one folder: the second finds what the first wrote") {
  for (int i = 100; i < 160; ++i) service.hold(3, "/d/" + std::to_string(i), "content");
  std::string large(2'000'000, 'x');
  service.hold(3, "/d/large", large);
  // The second looks when nothing is there yet, and writes when everything is.
  service.before_first_range = [&] {
    for (auto& row : service.rows[3]) {
      auto content = row.entry.path == "/d/large" ? large : std::string{"content"};
      write_text(target(row.entry.path), content);
      timespec times[2] = {{0, UTIME_OMIT}, {1'600'000'000, 123'456'789}};
      utimensat(AT_FDCWD, target(row.entry.path).c_str(), times, 0);
    }
  };
  CHECK(get() == exit_ok);
  CHECK(err_fd.text().find("0 files written") != std::string::npos);
  CHECK(err_fd.text().find("61 already there") != std::string::npos);
  CHECK(files_there() == 61);
}

TEST_CASE_METHOD(get_fixture, "rows that are not kept in memory are listed again") {
  for (int i = 100; i < 110; ++i) service.hold(3, "/" + std::to_string(i), "content");
  reporter report{"et_test", err_fd.get(), false};
  unique_fd target_fd{open((folder / "to").c_str(), O_PATH | O_DIRECTORY)};
  get_state state{service, report, "ws", false, target_fd.get()};
  range_planner planner{0xffffffff};
  for (int i = 2; i < 8; ++i) {
    planner.want(service.rows[3][i], service.rows[3][i - 1].entry.path, false);
  }
  auto ranges = planner.take(true);
  REQUIRE(ranges.size() == 1);
  REQUIRE(!service.get_want(state.retrieval, {ranges[0].range}, true));
  {
    get_streams streams{state, 2};
    streams.add(ranges[0]);
    while (!streams.wait_done(1000)) continue;
  }
  CHECK(!state.first_error());
  CHECK(state.files == 6);
  CHECK(files_there() == 6);
  CHECK(read_text(target("/102")) == "content");
  CHECK(read_text(target("/107")) == "content");
}

TEST_CASE_METHOD(get_fixture, "an empty batch of nothing but empty files needs no data") {
  service.hold(3, "/x", "");
  CHECK(get() == exit_ok);
  CHECK(service.wanted.empty());
  CHECK(fs::exists(target("/x")));
}

TEST_CASE_METHOD(get_fixture, "DIR and batch are judged") {
  options.folder = "relative";
  CHECK(get() == exit_parameters);
  options.folder = folder / "none";
  CHECK(get() == exit_refused);
  write_text(folder / "file", "");
  options.folder = folder / "file";
  CHECK(get() == exit_refused);
  CHECK(connections == 0);
  options.folder = folder / "to";
  options.batch = batch_id{99};
  CHECK(get() == exit_parameters);
  options.workspace = "theirs";
  CHECK(get() == exit_refused);
}

TEST_CASE_METHOD(get_fixture, "an interrupted get leaves no temporary files and goes on later") {
  for (int i = 100; i < 200; ++i) service.hold(3, "/" + std::to_string(i), "content");
  stop = true;
  CHECK(get() == exit_interrupted);
  CHECK(service.outcome->state == retrieval_state::cancelled);
  for (const auto& found : fs::directory_iterator{folder / "to"}) {
    CHECK(found.path().string().find("et-part") == std::string::npos);
  }
}
