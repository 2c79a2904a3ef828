#include "storage/cache/aggregation_builder.hpp"

#include <sys/mount.h>

#include <thread>

#include "cache_support.hpp"
#include "storage/format/hashes.hpp"

namespace fs = std::filesystem;

namespace et::test {

namespace {

constexpr size_t mib = 1024 * 1024;
const std::atomic<bool> never{false};

struct fixture {
  temporary_folder dir;
  fs::path sources = dir.path() / "sources";
  cache_store store = open_store(dir.path() / "cache");
  aggregation_builder builder{store, {}};

  static cache_store open_store(const fs::path& folder) {
    auto opened = cache_store::open(folder);
    REQUIRE(opened);
    return *opened;
  }

  file_entry make(const std::string& name, const std::string& content) {
    return source(sources / name, content);
  }
  fs::path cache_file() { return store.folder() / "files/2c/300.1"; }

  // Everything that must hold of a result, and that plain tar brings every good file back.
  void check_result(const build_job& job, const cached_aggregation& result,
                    const std::vector<size_t>& failed) {
    CHECK(result.id == job.aggregation.id);
    REQUIRE(result.placed.size() == job.entries.size());
    REQUIRE(result.failures.size() == failed.size());
    for (size_t i = 0; i < failed.size(); ++i) {
      CHECK(result.failures[i].path == job.entries[failed[i]].path);
      CHECK_FALSE(result.failures[i].reason.empty());
    }
    auto tar = read_file(cache_file());
    CHECK(tar.size() == result.size_bytes);
    CHECK(tar.size() % default_block_bytes == 0);
    CHECK(tar.size() <= max_aggregation_bytes(job.entries));
    aggregation_hasher hasher;
    hasher.update({reinterpret_cast<const uint8_t*>(tar.data()), tar.size()});
    CHECK(hasher.checksum() == result.checksum);
    auto restored = dir.path() / "restored";
    fs::create_directories(restored);
    REQUIRE(std::system(
                ("tar -xf " + cache_file().string() + " -C " + restored.string()).c_str()) == 0);
    for (size_t i = 0; i < job.entries.size(); ++i) {
      auto& entry = job.entries[i];
      bool bad = std::ranges::count(failed, i) > 0;
      INFO(entry.path);
      CHECK(result.placed[i].failed == bad);
      if (bad) continue;
      auto content = read_file(entry.path);
      CHECK((tar.compare(result.placed[i].offset_bytes, content.size(), content) == 0));
      CHECK(result.placed[i].checksum ==
            hash_file_content({reinterpret_cast<const uint8_t*>(content.data()), content.size()}));
      CHECK((read_file(restored.string() + entry.path) == content));
    }
  }

  void check_nothing_left() { CHECK(files_below(store.folder()).empty()); }
};

}  // namespace

TEST_CASE_METHOD(fixture, "plain tar brings back what was built") {
  auto deep = std::string{};
  for (int i = 0; i < 15; ++i) deep += std::string(99, char('a' + i)) + "/";
  auto job =
      job_of(sources,
             {make("a empty", ""), make("b one", "1"), make("c new\nline and \\ tab\t", "newline"),
              make("d \xff\xfe\x80 not text", "not utf-8"),
              make("e sm\xc3\xb8rrebr\xc3\xb8", "utf-8"), make("f/" + deep + "x", "deep"),
              make("g just small", pattern(mib, 1)), make("h just large", pattern(mib + 1, 2)),
              make("i large", pattern(5 * mib + 3, 3)), make("j last", "end")});
  auto result = builder.build(job, never);
  REQUIRE(result);
  check_result(job, *result, {});
  CHECK(files_below(store.folder()) == std::vector<std::string>{"files/2c/300.1"});
}

TEST_CASE_METHOD(fixture, "hostile files fail with their reason and disturb no other") {
  auto job =
      job_of(sources, {make("a", "good"), make("b size", "12345"), make("c time", "12345"),
                       make("d gone", "12345"), make("e link", "12345"), make("f/parent", "12345"),
                       make("g fifo", ""), make("h/folder", ""), make("i", pattern(2 * mib, 9)),
                       make("j big and gone", pattern(2 * mib, 9)), make("k outside", "12345"),
                       make("l", "")});
  write_file(job.entries[1].path, "1234");
  job.entries[2].mtime_ns += 1;
  fs::remove(job.entries[3].path);
  fs::rename(job.entries[4].path, sources / "elsewhere");
  fs::create_symlink(sources / "elsewhere", job.entries[4].path);
  fs::rename(sources / "f", sources / "other");
  fs::create_directory_symlink(sources / "other", sources / "f");
  fs::remove(job.entries[6].path);
  REQUIRE(::mkfifo(job.entries[6].path.c_str(), 0644) == 0);
  fs::remove(job.entries[7].path);
  fs::create_directory(job.entries[7].path);
  fs::remove(job.entries[9].path);
  job.entries[10].path = dir.path() / "outside";
  auto result = builder.build(job, never);
  REQUIRE(result);
  check_result(job, *result, {1, 2, 3, 4, 5, 6, 7, 9, 10});
  CHECK(result->failures[0].reason == "has 4 bytes, 5 were registered");
  CHECK(result->failures[0].code == errc::source_changed);
  CHECK(result->failures[2].reason == "is gone");
  CHECK(result->failures[2].code == errc::source_unreadable);
  CHECK(result->failures[3].reason == "a link is in its path");
  CHECK(result->failures[4].reason == "a link is in its path");
  CHECK(result->failures[8].reason == "is beneath no root of the workspace");
}

TEST_CASE_METHOD(fixture, "a path that a tar cannot hold fails alone") {
  auto job = job_of(
      sources, {make("a", "1"), make("b", "2"), make("c", pattern(2 * mib, 1)), make("d", "3")});
  job.entries[1].path = (sources / "." / "b").string();
  job.entries[2].path = (sources / "." / "c").string();
  auto result = builder.build(job, never);
  REQUIRE(result);
  check_result(job, *result, {1, 2});
  CHECK(result->failures[0].code == errc::invalid_argument);
}

TEST_CASE_METHOD(fixture, "a file that changes behind its opening fails alone") {
  auto job = job_of(sources, {make("a", "1"), make("b small", pattern(9000, 1)),
                              make("c large", pattern(4 * mib, 2)), make("d grows", "12345"),
                              make("e grows large", pattern(2 * mib, 2)),
                              make("f touched", "12345"), make("g", "end")});
  auto meddle = [&](const file_entry& file) -> caf::error {
    std::string_view name = file.path;
    if (name.ends_with("small")) fs::resize_file(file.path, 100);
    if (name.ends_with("c large")) fs::resize_file(file.path, 2 * mib + 77);
    if (name.ends_with("grows")) fs::resize_file(file.path, 50);
    if (name.ends_with("grows large")) fs::resize_file(file.path, 3 * mib);
    timespec times[2] = {{0, UTIME_OMIT}, {1, 1}};
    if (name.ends_with("touched")) ::utimensat(AT_FDCWD, file.path.c_str(), times, 0);
    return {};
  };
  meddling_opener opener{job, meddle};
  auto result = builder.build(job, opener, never);
  REQUIRE(result);
  check_result(job, *result, {1, 2, 3, 4, 5});
  for (auto& failure : result->failures) CHECK(failure.code == errc::source_changed);
  CHECK(result->failures[0].reason == "shrank while it was read: from 9000 to 100 bytes");
  CHECK(result->failures[1].reason == "shrank while it was read: from 4194304 to 2097229 bytes");
  CHECK(result->failures[4].reason == "changed while it was read");
}

TEST_CASE_METHOD(fixture, "without a good file there is no cache file") {
  auto gone = make("a gone", "1");
  fs::remove(gone.path);
  std::vector<file_entry> entries{gone};
  SECTION("small") {}
  SECTION("a large one half way, as the last") {
    entries.push_back(make("b large", pattern(4 * mib, 1)));
  }
  SECTION("a large one half way, with a bad one behind it") {
    entries.push_back(make("b large", pattern(4 * mib, 1)));
    auto last = make("c gone", "1");
    fs::remove(last.path);
    entries.push_back(last);
  }
  SECTION("a large one alone") {
    entries = {make("b large", pattern(4 * mib, 1))};
  }
  auto job = job_of(sources, entries);
  meddling_opener opener{job, [](auto& file) -> caf::error {
                           if (file.path.ends_with("large"))
                             fs::resize_file(file.path, 2 * mib + 1);
                           return {};
                         }};
  auto result = builder.build(job, opener, never);
  REQUIRE(result);
  CHECK(result->size_bytes == 0);
  CHECK(result->placed.size() == entries.size());
  CHECK(result->failures.size() == entries.size());
  for (auto& placed : result->placed) CHECK(placed.failed);
  check_nothing_left();
}

TEST_CASE_METHOD(fixture, "a file that the requester may not read fails, the service goes on") {
  if (::geteuid() != 0) {
    WARN("skipped: needs root");
    return;
  }
  auto job = job_of(sources, {make("a", "for all"), make("b", "for root"), make("c", "for all")});
  ::chmod(job.entries[1].path.c_str(), 0600);
  job.entries[1] = entry_of(job.entries[1].path);
  job.credentials = {65534, 65534, {}, "nobody"};
  auto result = builder.build(job, never);
  REQUIRE(result);
  check_result(job, *result, {1});
  CHECK(result->failures[0].reason == "may not be read by nobody");
  // The same builder, next for somebody who may.
  job.credentials = own_credentials();
  result = builder.build(job, never);
  REQUIRE(result);
  check_result(job, *result, {});
}

TEST_CASE_METHOD(fixture, "trouble of this machine fails the build, not the files") {
  auto job = job_of(sources, {make("a", "1"), make("b", "2"), make("c", pattern(2 * mib, 1))});
  for (size_t at : {0, 1, 2}) {
    meddling_opener opener{job, [&](auto& file) -> caf::error {
                             if (file.path == job.entries[at].path)
                               return fail(errc::limit_reached, "too many open files");
                             return {};
                           }};
    CHECK(code_of(builder.build(job, opener, never).error()) == errc::limit_reached);
    check_nothing_left();
  }
  CHECK(builder.build(job, never));
}

TEST_CASE_METHOD(fixture, "a build is cancelled while it reads") {
  auto job = job_of(sources, {make("a", "1"), make("b", pattern(40 * mib, 1))});
  std::atomic<bool> cancel{false};
  meddling_opener opener{job, [&](auto& file) -> caf::error {
                           if (file.size_bytes > 1) cancel = true;
                           return {};
                         }};
  CHECK(code_of(builder.build(job, opener, cancel).error()) == errc::cancelled);
  check_nothing_left();
}

TEST_CASE_METHOD(fixture, "a job that does not match its record, or runs already, is refused") {
  auto job = job_of(sources, {make("a", "1")});
  job.aggregation.files = 2;
  CHECK(code_of(builder.build(job, never).error()) == errc::invalid_argument);
  job.aggregation.files = 0;
  job.entries.clear();
  CHECK(code_of(builder.build(job, never).error()) == errc::invalid_argument);
  job = job_of(sources, {make("a", "1")});
  auto other = store.create_temporary(job.aggregation.id);
  REQUIRE(other);
  CHECK(code_of(builder.build(job, never).error()) == errc::already_exists);
}

TEST_CASE_METHOD(fixture, "the same sources give the same bytes, with any reader") {
  std::vector<file_entry> entries;
  for (int i = 0; i < 200; ++i)
    entries.push_back(make(std::to_string(1000 + i), pattern(i % 40 == 3 ? 3 * mib : i * 37, i)));
  auto job = job_of(sources, entries);
  auto result = builder.build(job, never);
  REQUIRE(result);
  auto first = read_file(cache_file());
  aggregation_builder narrow{store, {{1, 2}}};
  result = narrow.build(job, never);
  REQUIRE(result);
  CHECK((read_file(cache_file()) == first));
}

TEST_CASE_METHOD(fixture, "several builders work at once") {
  std::vector<build_job> jobs;
  for (uint32_t n = 1; n <= 12; ++n) {
    std::vector<file_entry> entries;
    for (int i = 0; i < 70; ++i)
      entries.push_back(make(std::to_string(n) + "/" + std::to_string(1000 + i),
                             pattern(i == 33 ? 2 * mib : i * 11, n * 1000 + i)));
    jobs.push_back(job_of(sources, entries, n));
  }
  std::vector<cached_aggregation> results(jobs.size());
  std::atomic<size_t> next{0};
  auto work = [&] {
    aggregation_builder own{store, {}};
    for (size_t i = next++; i < jobs.size(); i = next++) {
      auto built = own.build(jobs[i], never);
      if (built) results[i] = *built;
    }
  };
  std::thread a{work}, b{work}, c{work};
  a.join();
  b.join();
  c.join();
  for (size_t i = 0; i < jobs.size(); ++i) {
    CHECK(results[i].failures.empty());
    CHECK(results[i].placed.size() == 70);
    CHECK(*store.size_bytes(jobs[i].aggregation.id) == results[i].size_bytes);
  }
  check_result(jobs[0], results[0], {});
}

TEST_CASE("a full disk is an error of the build and leaves nothing behind") {
  temporary_folder dir;
  auto mounted = dir.path() / "small disk";
  fs::create_directory(mounted);
  if (::mount("tmpfs", mounted.c_str(), "tmpfs", 0, "size=3m") != 0) {
    WARN("skipped: cannot mount a small tmpfs");
    return;
  }
  {
    auto store = cache_store::open(mounted / "cache");
    REQUIRE(store);
    aggregation_builder builder{*store, {}};
    auto sources = dir.path() / "sources";
    auto large = job_of(sources, {source(sources / "a", pattern(6 * mib, 1))});
    CHECK(code_of(builder.build(large, never).error()) == errc::no_space);
    std::vector<file_entry> entries;
    for (int i = 0; i < 100; ++i)
      entries.push_back(source(sources / std::to_string(1000 + i), pattern(60'000, 2)));
    auto small = job_of(sources, entries);
    CHECK(code_of(builder.build(small, never).error()) == errc::no_space);
    CHECK(files_below(mounted).empty());
    auto fits = job_of(sources, {entries[0]});
    CHECK(builder.build(fits, never));
  }
  CHECK(::umount(mounted.c_str()) == 0);
}

}  // namespace et::test
