#include "storage/cache/cache_store.hpp"

#include "cache_support.hpp"

namespace fs = std::filesystem;

namespace et::test {

namespace {

const aggregation_id some{batch_id{300}, 7};

std::span<const uint8_t> as_data(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

cache_store open_in(const temporary_folder& dir) {
  auto store = cache_store::open(dir.path() / "node" / "cache");
  REQUIRE(store);
  return *store;
}

void put(cache_store& store, aggregation_id id, const std::string& content) {
  auto sink = store.create_temporary(id);
  REQUIRE(sink);
  REQUIRE_FALSE(sink->write(as_data(content)));
  REQUIRE_FALSE(store.publish(*sink));
}

}  // namespace

TEST_CASE("a file gets its name when it is published") {
  temporary_folder dir;
  auto store = open_in(dir);
  auto sink = store.create_temporary(some);
  REQUIRE(sink);
  REQUIRE_FALSE(sink->write(as_data("abc")));
  REQUIRE_FALSE(sink->write(as_data("defg")));
  CHECK(sink->size_bytes() == 7);
  CHECK(files_below(store.folder()) == std::vector<std::string>{"files/2c/300.7.part"});
  CHECK(code_of(store.open_read(some).error()) == errc::not_found);
  CHECK(code_of(store.size_bytes(some).error()) == errc::not_found);
  CHECK(code_of(store.create_temporary(some).error()) == errc::already_exists);
  REQUIRE_FALSE(store.publish(*sink));
  CHECK(files_below(store.folder()) == std::vector<std::string>{"files/2c/300.7"});
  CHECK(read_file(store.folder() / "files/2c/300.7") == "abcdefg");
  CHECK(*store.size_bytes(some) == 7);
  CHECK(code_of(store.publish(*sink)) == errc::internal);
  struct stat status {};
  REQUIRE(::stat((store.folder() / "files/2c/300.7").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
}

TEST_CASE("a temporary file that could not be removed is not in the way of the next one") {
  temporary_folder dir;
  auto store = open_in(dir);
  auto part = store.folder() / "files/2c/300.7.part";
  std::filesystem::create_directories(part.parent_path());
  write_file(part, "longer than what follows");
  put(store, some, "abc");
  CHECK(read_file(store.folder() / "files/2c/300.7") == "abc");
  CHECK_FALSE(std::filesystem::exists(part));
}

TEST_CASE("what was lent gives its space back when it is removed, whoever keeps it open") {
  temporary_folder dir;
  auto store = open_in(dir);
  put(store, some, "abc");
  const aggregation_id other{batch_id{300}, 8};
  put(store, other, "def");
  auto recall = store.create_recall(some, 5);
  REQUIRE(recall);
  REQUIRE_FALSE(write_at(recall->get(), "xyz", 3, 0));
  auto lent = store.open_read(some);
  auto kept = store.open_read(other);
  auto part = store.open_recall(some, 5);
  store.will_lend(some, 0);
  store.will_lend(some, 5);
  REQUIRE_FALSE(store.remove(some));
  REQUIRE_FALSE(store.remove(other));
  REQUIRE_FALSE(store.remove_recall(some, 5));
  char byte = 0;
  CHECK(*read_at(lent->get(), &byte, 1, 0) == 0);
  CHECK(*read_at(part->get(), &byte, 1, 0) == 0);
  CHECK(*read_at(kept->get(), &byte, 1, 0) == 1);
  // The same name again has nothing to do with it.
  put(store, some, "new");
  auto again = store.open_read(some);
  REQUIRE_FALSE(store.remove(some));
  CHECK(*read_at(again->get(), &byte, 1, 0) == 1);
  CHECK_FALSE(store.remove(some));
}

TEST_CASE("what is not published goes") {
  temporary_folder dir;
  auto store = open_in(dir);
  {
    auto sink = store.create_temporary(some);
    REQUIRE(sink);
    auto moved = std::move(*sink);
    REQUIRE_FALSE(moved.write(as_data("abc")));
  }
  CHECK(files_below(store.folder()).empty());
  put(store, some, "again");
  put(store, some, "and in its place");
  CHECK(*store.size_bytes(some) == 16);
}

TEST_CASE("many megabytes arrive as they were written") {
  temporary_folder dir;
  auto store = open_in(dir);
  auto content = pattern(21 * 1024 * 1024 + 5, 3);
  auto sink = store.create_temporary(some);
  REQUIRE(sink);
  auto data = as_data(content);
  for (size_t at = 0, step = 1; at < data.size(); at += step, step = step * 3 % 1'500'007 + 1) {
    step = std::min(step, data.size() - at);
    REQUIRE_FALSE(sink->write(data.subspan(at, step)));
  }
  REQUIRE_FALSE(store.publish(*sink));
  CHECK(read_file(store.folder() / "files/2c/300.7") == content);
}

TEST_CASE("a removed file stays readable for who has it open") {
  temporary_folder dir;
  auto store = open_in(dir);
  put(store, some, "abc");
  auto fd = store.open_read(some);
  REQUIRE(fd);
  CHECK_FALSE(store.remove(some));
  CHECK_FALSE(store.remove(some));
  CHECK_FALSE(store.open_read(some));
  char text[3];
  CHECK(*read_at(fd->get(), text, 3, 0) == 3);
}

TEST_CASE("recalls have files of their own") {
  temporary_folder dir;
  auto store = open_in(dir);
  auto fd = store.create_recall(some, 12);
  REQUIRE(fd);
  REQUIRE_FALSE(write_at(fd->get(), "xyz", 3, 5000));
  CHECK(files_below(store.folder()) == std::vector<std::string>{"recalls/300.7.12"});
  auto reading = store.open_recall(some, 12);
  REQUIRE(reading);
  char text[3];
  CHECK(*read_at(reading->get(), text, 3, 5000) == 3);
  CHECK(std::string(text, 3) == "xyz");
  CHECK(code_of(store.open_recall(some, 13).error()) == errc::not_found);
  CHECK_FALSE(store.remove_recall(some, 12));
  CHECK(files_below(store.folder()).empty());
}

TEST_CASE("a restart finds complete files and removes leftovers, and nothing else") {
  temporary_folder dir;
  {
    auto store = open_in(dir);
    put(store, {batch_id{2}, 1}, "1");
    put(store, {batch_id{1}, 10}, "22");
    put(store, {batch_id{1}, 9}, "333");
    write_file(store.folder() / "files/05/5.1.part", "half");
    write_file(store.folder() / "recalls/5.1.2", "range");
    for (auto* foreign : {"files/05/6.1", "files/05/5.01", "files/05/5", "files/05/5.1.bak",
                          "files/05/5.1.part.x", "files/05/99999999999999999999.1", "files/05/5.0",
                          "recalls/5.1", "recalls/5.1.2.3", "recalls/notes", "files/notes"})
      write_file(store.folder() / foreign, "?");
  }
  auto store = open_in(dir);
  auto found = store.scan();
  REQUIRE(found);
  REQUIRE(found->files.size() == 3);
  CHECK(found->files[0].id == aggregation_id{batch_id{1}, 9});
  CHECK(found->files[0].size_bytes == 3);
  CHECK(found->files[1].id == aggregation_id{batch_id{1}, 10});
  CHECK(found->files[2].id == aggregation_id{batch_id{2}, 1});
  CHECK(found->leftovers == std::vector<fs::path>{store.folder() / "files/05/5.1.part",
                                                  store.folder() / "recalls/5.1.2"});
  REQUIRE_FALSE(store.remove_leftovers());
  CHECK(store.scan()->leftovers.empty());
  CHECK(files_below(store.folder()).size() == 3 + 11);
}

TEST_CASE("free space is known, and a folder that cannot be is an error") {
  temporary_folder dir;
  CHECK(*open_in(dir).free_bytes() > 0);
  write_file(dir.path() / "file", "");
  CHECK(code_of(cache_store::open(dir.path() / "file" / "cache").error()) == errc::io_error);
}

}  // namespace et::test
