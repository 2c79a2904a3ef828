// The journal of another program, and what is played from it.

#include "tests/support/write_journal.hpp"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <set>

#include "storage/os/file.hpp"
#include "tests/support/scratch_folder.hpp"

namespace fs = std::filesystem;
using namespace et;
using namespace et::test;

namespace {

/// A shell script with the library preloaded, in a folder that was empty.
struct journalled_run {
  explicit journalled_run(const std::string& script) : journal(scratch.file("journal")) {
    auto folder = scratch.path() / "disk";
    fs::create_directory(folder);
    auto command = "cd '" + folder.string() + "' && LD_PRELOAD='" ET_PRELOAD "' ET_JOURNAL_FILE='" +
                   journal + "' ET_JOURNAL_FOLDER='" + folder.string() + "' JOURNAL='" + journal +
                   "' sh -e -c '" + script + "'";
    REQUIRE(std::system(command.c_str()) == 0);
  }
  /// What is in the folder after a power loss: NAME=BYTES of each file.
  std::string play(size_t records, uint64_t seed) const {
    journal_reader reader{journal};
    scratch_folder target;
    reader.play(records, target.path(), seed);
    std::set<std::string> found;
    for (const auto& one : fs::recursive_directory_iterator(target.path()))
      if (one.is_regular_file())
        found.insert(one.path().filename().string() + "=" + std::to_string(one.file_size()));
    std::string text;
    for (const auto& one : found) text += one + " ";
    return text;
  }
  std::set<std::string> play_all(size_t records) const {
    std::set<std::string> all;
    for (uint64_t seed = 0; seed < 100; ++seed) all.insert(play(records, seed));
    return all;
  }
  size_t records() const { return journal_reader{journal}.count(); }

  scratch_folder scratch;
  std::string journal;
};

}  // namespace

TEST_CASE("what a program flushed is there after any power loss, the rest may not be") {
  journalled_run flushed{"dd if=/dev/zero of=a bs=300 count=5 conv=fsync status=none; sync ."};
  CHECK(flushed.play_all(flushed.records()) == std::set<std::string>{"a=1500 "});
  journalled_run loose{"dd if=/dev/zero of=a bs=1024 count=1 status=none"};
  CHECK(loose.play_all(loose.records()) == std::set<std::string>{"", "a=0 ", "a=512 ", "a=1024 "});
}

TEST_CASE("the power may go behind any record") {
  journalled_run run{
      "dd if=/dev/zero of=a.new bs=512 count=1 conv=fsync status=none; mv a.new a; sync .;"
      "mkdir sub; ln a sub/b; rm a; dd if=/dev/zero of=sub/b bs=1 seek=100 count=0 status=none;"
      "sync sub/b sub .; rm sub/b; rmdir sub"};
  auto last = run.play_all(run.records());
  CHECK(last == std::set<std::string>{"", "b=100 "});
  std::set<std::string> all;
  for (size_t records = 0; records <= run.records(); ++records)
    for (uint64_t seed = 0; seed < 20; ++seed) all.insert(run.play(records, seed));
  CHECK(all == std::set<std::string>{"", "a.new=0 ", "a.new=512 ", "a=512 ", "a=512 b=512 ",
                                     "b=512 ", "b=100 ", "a=100 b=100 ", "a=100 "});
}

TEST_CASE("marks stand where they were made") {
  scratch_folder folder;
  auto journal = folder.path() / "journal";
  journalled_run run{"echo one > a"};
  auto before = run.records();
  add_mark(run.journal, "told 1");
  add_mark(run.journal, "told 2");
  journal_reader reader{run.journal};
  CHECK(reader.count() == before + 2);
  CHECK(reader.marks(before).empty());
  CHECK(reader.marks(before + 1) == std::vector<std::string>{"told 1"});
  CHECK(reader.marks(before + 2) == std::vector<std::string>{"told 1", "told 2"});
}

TEST_CASE("a journal ends at a record that was cut short") {
  journalled_run run{"echo one > a; echo two > b"};
  auto all = run.records();
  auto whole = fs::file_size(run.journal);
  std::set<size_t> counts;
  for (uint64_t size = whole; size > 0; size -= 5) {
    fs::resize_file(run.journal, size);
    counts.insert(run.records());
    if (size < 5) break;
  }
  CHECK(*counts.rbegin() == all);
  CHECK(counts.size() == all + 1);
  fs::resize_file(run.journal, 0);
  CHECK(run.records() == 0);
}
