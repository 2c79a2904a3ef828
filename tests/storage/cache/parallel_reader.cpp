#include "storage/cache/parallel_reader.hpp"

#include <random>

#include "cache_support.hpp"
#include "storage/format/hashes.hpp"

namespace fs = std::filesystem;

namespace et::test {

namespace {

constexpr size_t mib = 1024 * 1024;

// Remembers everything, and checks the order of the calls.
struct recorder : source_consumer {
  std::vector<std::string> contents;
  std::vector<caf::error> errors;
  size_t next = 0;
  bool open = false;
  size_t stop_at = SIZE_MAX;

  explicit recorder(size_t files) : contents(files), errors(files) {}

  caf::error done(size_t index) {
    CHECK(index == next++);
    open = false;
    return index == stop_at ? fail(errc::no_space, "full") : caf::error{};
  }
  caf::error on_file(size_t index, std::span<const uint8_t> content,
                     const file_checksum& checksum) override {
    CHECK_FALSE(open);
    CHECK(checksum == hash_file_content(content));
    contents[index].assign(content.begin(), content.end());
    return done(index);
  }
  caf::error on_begin(size_t index) override {
    CHECK_FALSE(open);
    CHECK(index == next);
    open = true;
    return {};
  }
  caf::error on_piece(size_t index, std::span<const uint8_t> piece) override {
    CHECK(open);
    CHECK(index == next);
    CHECK(piece.size() <= max_small_file_bytes);
    contents[index].append(piece.begin(), piece.end());
    return {};
  }
  caf::error on_end(size_t index) override {
    CHECK(open);
    return done(index);
  }
  caf::error on_failure(size_t index, const caf::error& reason) override {
    errors[index] = reason;
    return done(index);
  }
};

const std::atomic<bool> never{false};

}  // namespace

TEST_CASE("files of all sizes come in order, whatever the number of threads") {
  temporary_folder dir;
  std::mt19937_64 random{7};
  std::vector<file_entry> entries;
  std::vector<std::string> contents;
  for (int i = 0; i < 400; ++i) {
    size_t size_bytes = random() % 3000;
    if (i % 13 == 0) size_bytes = random() % (3 * mib);
    if (i % 50 == 0) size_bytes = 0;
    if (i == 60 || i == 61) size_bytes = mib;
    if (i == 62 || i == 399) size_bytes = mib + 1;
    if (i == 63) size_bytes = 2 * mib;
    contents.push_back(pattern(size_bytes, random()));
    char name[10];
    std::snprintf(name, sizeof name, "f%03d", i);
    entries.push_back(source(dir.path() / name, contents.back()));
  }
  entries[5].size_bytes += 1;
  fs::remove(entries[63].path);
  fs::remove(entries[399].path);
  for (auto [threads, portions] : {std::pair{1, 2}, {2, 3}, {4, 16}, {9, 4}}) {
    parallel_reader reader{{size_t(threads), size_t(portions)}};
    // A reader is used again for the next job.
    for (int round = 0; round < 2; ++round) {
      source_reader opener{own_credentials(), {dir.path().string()}};
      recorder got{entries.size()};
      REQUIRE_FALSE(reader.run(opener, entries, got, never));
      CHECK(got.next == entries.size());
      for (size_t i = 0; i < entries.size(); ++i) {
        bool bad = i == 5 || i == 63 || i == 399;
        CHECK(bool(got.errors[i]) == bad);
        if (!bad && got.contents[i] != contents[i]) FAIL_CHECK("content of " << i);
      }
      CHECK(code_of(got.errors[5]) == errc::source_changed);
      CHECK(code_of(got.errors[63]) == errc::source_unreadable);
    }
  }
}

TEST_CASE("no entries is no work") {
  parallel_reader reader{{}};
  source_reader opener{own_credentials(), {"/"}};
  recorder got{0};
  CHECK_FALSE(reader.run(opener, {}, got, never));
}

TEST_CASE("the consumer's error ends the run, and the reader can be used again") {
  temporary_folder dir;
  std::vector<file_entry> entries;
  for (int i = 0; i < 300; ++i)
    entries.push_back(
        source(dir.path() / std::to_string(i), pattern(i % 100 == 7 ? 3 * mib : 9, i)));
  source_reader opener{own_credentials(), {dir.path().string()}};
  parallel_reader reader{{}};
  for (size_t stop_at : {0, 7, 8, 107, 250}) {
    recorder got{entries.size()};
    got.stop_at = stop_at;
    CHECK(code_of(reader.run(opener, entries, got, never)) == errc::no_space);
    CHECK(got.next == stop_at + 1);
  }
  recorder got{entries.size()};
  CHECK_FALSE(reader.run(opener, entries, got, never));
  CHECK(got.next == entries.size());
}

TEST_CASE("a run is cancelled") {
  temporary_folder dir;
  std::vector<file_entry> entries{source(dir.path() / "a", "1"), source(dir.path() / "b", "2")};
  source_reader opener{own_credentials(), {dir.path().string()}};
  parallel_reader reader{{}};
  recorder got{2};
  std::atomic<bool> cancel{true};
  CHECK(code_of(reader.run(opener, entries, got, cancel)) == errc::cancelled);
  CHECK(got.next == 0);
}

TEST_CASE("an exception of an opener or a consumer is an error") {
  temporary_folder dir;
  auto job = job_of(dir.path(),
                    {source(dir.path() / "a", "1"), source(dir.path() / "b", pattern(3 * mib, 1))});
  parallel_reader reader{{}};
  SECTION("opener, small file") {
    meddling_opener opener{job, [](auto& file) -> caf::error {
                             if (file.size_bytes == 1) throw std::bad_alloc{};
                             return {};
                           }};
    recorder got{2};
    CHECK_FALSE(reader.run(opener, job.entries, got, never));
    CHECK(code_of(got.errors[0]) == errc::limit_reached);
    CHECK_FALSE(got.errors[1]);
  }
  SECTION("opener, large file") {
    meddling_opener opener{job, [](auto& file) -> caf::error {
                             if (file.size_bytes != 1) throw std::bad_alloc{};
                             return {};
                           }};
    recorder got{2};
    CHECK_FALSE(reader.run(opener, job.entries, got, never));
    CHECK_FALSE(got.errors[0]);
    CHECK(code_of(got.errors[1]) == errc::limit_reached);
  }
  SECTION("consumer") {
    struct thrower : recorder {
      using recorder::recorder;
      caf::error on_begin(size_t) override { throw std::bad_alloc{}; }
    };
    source_reader opener{job.credentials, job.roots};
    thrower got{2};
    CHECK(code_of(reader.run(opener, job.entries, got, never)) == errc::internal);
  }
}

}  // namespace et::test
