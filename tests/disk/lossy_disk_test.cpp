// The disk that loses its power: what was flushed is never lost, what was not is lost for some
// seed, and nothing appears that a disk could not have.

#include "tests/support/lossy_disk.hpp"

#include <fcntl.h>
#include <rocksdb/db.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <functional>
#include <set>
#include <thread>

#include "storage/catalogue/engine_log.hpp"
#include "storage/os/file.hpp"
#include "tests/support/scratch_folder.hpp"

namespace fs = std::filesystem;
using namespace et;
using namespace et::test;

namespace {

constexpr uint64_t seeds = 200;

/// What a file holds; `(none)` when it is not there.
std::string content(const fs::path& path) {
  auto text = read_small_file(path, 1 << 20);
  return text ? *text : "(none)";
}

void put(const fs::path& path, const std::string& text, bool flush) {
  auto fd = open_file(path, O_WRONLY | O_CREAT | O_TRUNC);
  REQUIRE(fd);
  REQUIRE_FALSE(write_all(fd->get(), text.data(), text.size()));
  if (flush) REQUIRE_FALSE(sync_data(fd->get()));
}

/// Runs `changes` on a folder that `before` filled, takes the power away, and asks `after`; for
/// each seed. The distinct answers.
std::set<std::string> outcomes(const std::function<void(const fs::path&)>& before,
                               const std::function<void(const fs::path&)>& changes,
                               const std::function<std::string(const fs::path&)>& after) {
  std::set<std::string> all;
  for (uint64_t seed = 0; seed < seeds; ++seed) {
    scratch_folder folder;
    auto top = folder.path() / "disk";
    fs::create_directory(top);
    before(top);
    lossy_disk disk{top};
    changes(top);
    disk.power_loss(seed);
    all.insert(after(top));
  }
  return all;
}

void nothing(const fs::path&) {}

}  // namespace

TEST_CASE("data without fsync is kept, lost or cut at a sector; with it it stays") {
  std::string text(1500, 'x');
  auto one = [](const fs::path& top) { return std::to_string(content(top / "file").size()); };
  auto make = [](const fs::path& top) { put(top / "file", "", true); };
  auto change = [&](bool flush) {
    return outcomes(
        make, [&](const fs::path& top) { put(top / "file", text, flush); }, one);
  };
  CHECK(change(true) == std::set<std::string>{"1500"});
  CHECK(change(false) == std::set<std::string>{"0", "512", "1024", "1500"});
}

TEST_CASE("an unsynced overwrite leaves the old or the new bytes of every sector") {
  auto found =
      outcomes([](const fs::path& top) { put(top / "file", std::string(2048, 'a'), true); },
               [](const fs::path& top) {
                 auto fd = open_file(top / "file", O_RDWR);
                 REQUIRE_FALSE(write_at(fd->get(), std::string(1024, 'b').data(), 1024, 256));
               },
               [](const fs::path& top) {
                 auto text = content(top / "file");
                 REQUIRE(text.size() == 2048);
                 // Sectors: 256..512, 512..1024, 1024..1280.
                 std::string sectors{text[256], text[512], text[1024]};
                 REQUIRE(text == std::string(256, 'a') + std::string(256, sectors[0]) +
                                     std::string(512, sectors[1]) + std::string(256, sectors[2]) +
                                     std::string(768, 'a'));
                 return sectors;
               });
  CHECK(found.size() == 8);
}

TEST_CASE("of several writes to a file a later one may stay without the first") {
  auto found = outcomes(
      nothing,
      [](const fs::path& top) {
        put(top / "file", "", true);
        REQUIRE_FALSE(sync_folder(top));
        auto fd = open_file(top / "file", O_RDWR);
        REQUIRE_FALSE(write_at(fd->get(), std::string(512, 'a').data(), 512, 0));
        REQUIRE_FALSE(write_at(fd->get(), std::string(512, 'b').data(), 512, 512));
      },
      [](const fs::path& top) {
        auto text = content(top / "file");
        std::string seen;
        for (size_t at = 0; at < text.size(); at += 512) seen += text[at] ? text[at] : '0';
        return seen;
      });
  CHECK(found == std::set<std::string>{"", "a", "0", "ab", "a0", "0b", "00"});
}

TEST_CASE("a truncation without fsync may be undone with the bytes that it took") {
  auto found = outcomes([](const fs::path& top) { put(top / "file", "0123456789", true); },
                        [](const fs::path& top) {
                          auto fd = open_file(top / "file", O_RDWR);
                          REQUIRE(::ftruncate(fd->get(), 4) == 0);
                        },
                        [](const fs::path& top) { return content(top / "file"); });
  CHECK(found == std::set<std::string>{"0123456789", "0123"});
}

TEST_CASE("a name without fsync of its folder may be lost, with it never") {
  auto change = [](bool flush) {
    return outcomes(
        nothing,
        [flush](const fs::path& top) {
          put(top / "file", "text", true);
          if (flush) REQUIRE_FALSE(sync_folder(top));
        },
        [](const fs::path& top) { return content(top / "file"); });
  };
  CHECK(change(false) == std::set<std::string>{"(none)", "text"});
  CHECK(change(true) == std::set<std::string>{"text"});
}

TEST_CASE("a file renamed over another: old, new, or empty when it was not flushed") {
  auto change = [](bool flush_data, bool flush_name) {
    return outcomes([](const fs::path& top) { put(top / "file", "old", true); },
                    [=](const fs::path& top) {
                      put(top / "file.new", "new", flush_data);
                      fs::rename(top / "file.new", top / "file");
                      if (flush_name) REQUIRE_FALSE(sync_folder(top));
                    },
                    [](const fs::path& top) { return content(top / "file"); });
  };
  CHECK(change(true, true) == std::set<std::string>{"new"});
  CHECK(change(true, false) == std::set<std::string>{"old", "new"});
  // Its size may be on the disk without its data.
  const std::string zeros(3, '\0');
  CHECK(change(false, true) == std::set<std::string>{"", zeros, "new"});
  CHECK(change(false, false) == std::set<std::string>{"", zeros, "old", "new"});
}

TEST_CASE("a removed file comes back unless its folder was flushed") {
  auto change = [](bool flush) {
    return outcomes([](const fs::path& top) { put(top / "file", "text", true); },
                    [flush](const fs::path& top) {
                      fs::remove(top / "file");
                      if (flush) REQUIRE_FALSE(sync_folder(top));
                    },
                    [](const fs::path& top) { return content(top / "file"); });
  };
  CHECK(change(false) == std::set<std::string>{"(none)", "text"});
  CHECK(change(true) == std::set<std::string>{"(none)"});
}

TEST_CASE("names of one folder are lost from the latest on") {
  auto found = outcomes(
      nothing,
      [](const fs::path& top) {
        for (auto name : {"1", "2", "3"}) put(top / name, "x", true);
        fs::remove(top / "1");
      },
      [](const fs::path& top) {
        std::string seen;
        for (auto name : {"1", "2", "3"})
          if (fs::exists(top / name)) seen += name;
        return seen;
      });
  CHECK(found == std::set<std::string>{"", "1", "12", "123", "23"});
}

TEST_CASE("a rename between folders is kept or lost in both") {
  auto found = outcomes(
      [](const fs::path& top) {
        fs::create_directory(top / "a");
        fs::create_directory(top / "b");
        put(top / "a/file", "text", true);
      },
      [](const fs::path& top) { fs::rename(top / "a/file", top / "b/file"); },
      [](const fs::path& top) { return content(top / "a/file") + content(top / "b/file"); });
  CHECK(found == std::set<std::string>{"text(none)", "(none)text"});
}

TEST_CASE("a folder that was not flushed above goes with all in it") {
  auto found = outcomes(
      nothing,
      [](const fs::path& top) {
        fs::create_directory(top / "sub");
        put(top / "sub/file", "text", true);
        REQUIRE_FALSE(sync_folder(top / "sub"));
      },
      [](const fs::path& top) {
        return fs::exists(top / "sub") ? content(top / "sub/file") : "no folder";
      });
  CHECK(found == std::set<std::string>{"no folder", "text"});
}

TEST_CASE("a folder that was removed with its content comes back in steps") {
  auto found = outcomes(
      [](const fs::path& top) {
        fs::create_directory(top / "sub");
        put(top / "sub/file", "text", true);
      },
      [](const fs::path& top) { fs::remove_all(top / "sub"); },
      [](const fs::path& top) {
        return fs::exists(top / "sub") ? content(top / "sub/file") : "no folder";
      });
  CHECK(found == std::set<std::string>{"no folder", "(none)", "text"});
}

TEST_CASE("without power nothing changes, and old descriptors stay dead") {
  scratch_folder folder;
  lossy_disk disk{folder.path()};
  auto file = folder.path() / "file";
  put(file, "first", true);
  REQUIRE_FALSE(sync_folder(folder.path()));
  auto fd = open_file(file, O_RDWR);
  REQUIRE(fd);
  disk.power_off();
  CHECK(write_at(fd->get(), "later", 5, 0));
  CHECK(::fdatasync(fd->get()) == -1);
  CHECK(errno == EIO);
  CHECK_FALSE(open_file(folder.path() / "other", O_CREAT | O_RDWR));
  CHECK(::rename(file.c_str(), (file.string() + "2").c_str()) == -1);
  CHECK(::unlink(file.c_str()) == -1);
  CHECK(content(file) == "first");
  disk.power_loss(1);
  CHECK(write_at(fd->get(), "later", 5, 0));
  CHECK(content(file) == "first");
  put(file, "second", true);
  CHECK(content(file) == "second");
}

TEST_CASE("the same seed takes the same") {
  auto run = [](uint64_t seed) {
    scratch_folder folder;
    lossy_disk disk{folder.path()};
    for (int i = 0; i < 20; ++i)
      put(folder.path() / std::to_string(i), std::string(4000, 'x'), i % 3 == 0);
    disk.power_loss(seed);
    std::string seen;
    for (int i = 0; i < 20; ++i)
      seen += std::to_string(content(folder.path() / std::to_string(i)).size()) + " ";
    return seen;
  };
  std::set<std::string> all;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    auto seen = run(seed);
    CHECK(run(seed) == seen);
    all.insert(seen);
  }
  CHECK(all.size() > 10);
}

TEST_CASE("faults come at their rate, and a failed fsync promises nothing") {
  std::set<std::string> found;
  for (uint64_t seed = 0; seed < seeds; ++seed) {
    scratch_folder folder;
    lossy_disk disk{folder.path()};
    put(folder.path() / "file", "old", true);
    REQUIRE_FALSE(sync_folder(folder.path()));
    disk.set_faults({.seed = seed, .sync_error = 1, .only = "file"});
    auto fd = open_file(folder.path() / "file", O_RDWR);
    REQUIRE_FALSE(write_at(fd->get(), "new", 3, 0));
    CHECK(sync_data(fd->get()));
    put(folder.path() / "another", "text", true);  // not one of those that fail: it has no "file"
    disk.power_loss(seed);
    found.insert(content(folder.path() / "file"));
  }
  CHECK(found == std::set<std::string>{"old", "new"});

  scratch_folder folder;
  lossy_disk disk{folder.path()};
  auto fd = open_file(folder.path() / "many", O_RDWR | O_CREAT);
  disk.set_faults({.seed = 7, .write_error = 0.1, .short_write = 0.1, .full = 0.1});
  std::map<int, int> results;
  for (int i = 0; i < 2000; ++i) {
    auto n = ::pwrite(fd->get(), "0123456789", 10, 0);
    ++results[n < 0 ? -errno : n == 10 ? 10 : 1];
  }
  CHECK(results.size() == 4);
  for (int result : {-EIO, -ENOSPC, 1}) {
    CHECK(results[result] > 100);
    CHECK(results[result] < 300);
  }
  CHECK(disk.figures().faults == static_cast<uint64_t>(2000 - results[10]));
}

TEST_CASE("duplicates, streams and unlinked files are looked after too") {
  scratch_folder folder;
  lossy_disk disk{folder.path()};
  auto fd = open_file(folder.path() / "file", O_RDWR | O_CREAT | O_APPEND);
  int copy = ::dup(fd->get());
  fd->reset();
  REQUIRE(::write(copy, "abc", 3) == 3);
  CHECK(disk.figures().unsynced_files == 1);
  REQUIRE(::fsync(copy) == 0);
  CHECK(disk.figures().unsynced_files == 0);
  ::close(copy);
  { std::ofstream{folder.path() / "stream"} << "text"; }
  CHECK(disk.figures().unsynced_files == 1);
  CHECK(disk.figures().unsynced_names == 2);
  fs::remove(folder.path() / "stream");
  REQUIRE_FALSE(sync_folder(folder.path()));
  CHECK(disk.figures().unsynced_files == 0);
  CHECK(disk.figures().unsynced_names == 0);
}

TEST_CASE("what RocksDB has flushed is there after every power loss") {
  for (uint64_t seed = 0; seed < 60; ++seed) {
    CAPTURE(seed);
    scratch_folder folder;
    lossy_disk disk{folder.path()};
    rocksdb::Options options;
    options.create_if_missing = true;
    options.write_buffer_size = 20'000;
    // Its own log file ends the program when it cannot be written.
    options.info_log = make_engine_log();
    int durable = -1;
    {
      std::unique_ptr<rocksdb::DB> db;
      rocksdb::DB* raw = nullptr;
      REQUIRE(rocksdb::DB::Open(options, folder.path().string(), &raw).ok());
      db.reset(raw);
      for (int i = 0; i < 300; ++i) {
        rocksdb::WriteOptions how;
        how.sync = i % 7 == 0;
        REQUIRE(db->Put(how, std::to_string(i), std::string(200, 'v')).ok());
        if (how.sync) durable = i;
        if (i == static_cast<int>(150 + seed)) break;
      }
      CHECK(disk.figures().writes > 100);
      disk.power_off();
    }
    disk.power_loss(seed);
    rocksdb::DB* raw = nullptr;
    auto status = rocksdb::DB::Open(options, folder.path().string(), &raw);
    INFO(status.ToString());
    REQUIRE(status.ok());
    std::unique_ptr<rocksdb::DB> db{raw};
    std::string value;
    for (int i = 0; i <= durable; ++i) {
      CAPTURE(i);
      REQUIRE(db->Get({}, std::to_string(i), &value).ok());
      CHECK(value == std::string(200, 'v'));
    }
  }
}

TEST_CASE("many threads write, flush and rename at once") {
  scratch_folder folder;
  lossy_disk disk{folder.path()};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&folder, t] {
      for (int i = 0; i < 300; ++i) {
        auto name = folder.path() / (std::to_string(t) + "-" + std::to_string(i % 5));
        if (replace_file(name, std::to_string(i))) std::abort();
      }
    });
  for (auto& thread : threads) thread.join();
  disk.power_loss(3);
  for (int t = 0; t < 4; ++t)
    for (int i = 0; i < 5; ++i)
      CHECK(content(folder.path() / (std::to_string(t) + "-" + std::to_string(i))) ==
            std::to_string(295 + i));
}
