// Opening: after a kill, with a torn log, beside another process, with a newer catalogue.
#include <fcntl.h>
#include <rocksdb/db.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "tests/storage/catalogue/fixture.hpp"

using namespace et;
using namespace et::test;
using namespace std::string_literals;

namespace {

/// What holds for every catalogue: batches have the files they count, and the quota is their sum.
void check_consistent(catalogue_store& store) {
  auto view = store.view();
  for (const auto& workspace : need(view->workspaces())) {
    uint64_t used_bytes = 0;
    uint64_t batches = 0;
    for (const auto& batch : need(view->batches(workspace.id, {}, SIZE_MAX))) {
      auto entries = need(view->entries(batch.id, "", SIZE_MAX));
      CHECK(entries.size() == batch.files);
      uint64_t size_bytes = 0;
      for (const auto& e : entries) {
        size_bytes += e.size_bytes;
        CHECK(need(view->find_path(workspace.id, e.path, batch.id)));
      }
      CHECK(size_bytes == batch.size_bytes);
      used_bytes += size_bytes - batch.failed_bytes;
      ++batches;
    }
    CHECK(workspace.used_bytes == used_bytes);
    CHECK(workspace.batches == batches);
  }
  uint64_t last = 0;
  for (const auto& alert : need(view->alerts(0, SIZE_MAX))) CHECK(alert.number == ++last);
}

std::filesystem::path newest_log(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> logs;
  for (const auto& item : std::filesystem::directory_iterator{folder})
    if (item.path().extension() == ".log") logs.push_back(item.path());
  REQUIRE(!logs.empty());
  return *std::max_element(logs.begin(), logs.end());
}

}  // namespace

TEST_CASE("a kill forgets nothing that was committed, and the caller forgets the rest",
          "[restart]") {
  fixture f;
  auto id = f.commit(numbered_entries(30));
  auto ids = f.plan(id, 10);
  f.cache(ids[0], {4});
  f.write({ids[0]});
  auto removed = f.commit(numbered_entries(30, "/removed"));
  need(f->remove_batch(removed));
  need(f->purge_batch(removed, 10));
  auto pending = f.begin();
  need(f->add_files(pending, numbered_entries(20, "/pending")));
  auto rows = f.rows(id);
  auto alerts = f.alert_texts();

  f.crash();
  CHECK(f.alert_texts() == alerts);
  CHECK(paths_of(f.rows(id)) == paths_of(rows));
  CHECK(f.batch(id).in_state == std::array<uint32_t, 6>{0, 2, 0, 1, 0, 0});
  CHECK_FALSE(need(f.view()->batch(pending)));
  auto refused = f.begin();
  CHECK(need(f->add_files(refused, numbered_entries(20, "/pending"))).size() == 20);
  CHECK(need(f->add_files(refused, numbered_entries(30, "/removed"))).empty());

  auto unfinished = need(f.view()->unfinished_removals());
  REQUIRE(unfinished.size() == 3);
  CHECK(unfinished[0].id == removed);
  CHECK(unfinished[0].phase == batch_phase::removing);
  CHECK(unfinished[1].id == pending);
  CHECK(unfinished[1].phase == batch_phase::pending);
  CHECK(need(f.view()->batches_in_motion()) == std::vector<batch_id>{id});
  for (const auto& batch : unfinished) f.purge(batch.id);
  CHECK(need(f.view()->unfinished_removals()).empty());
  f.crash();
  auto again = f.commit(numbered_entries(20, "/pending"));
  CHECK(again > refused);
  check_consistent(f.store());
}

TEST_CASE("a log cut anywhere leaves a consistent catalogue", "[restart]") {
  fixture f;
  for (int i = 0; i < 4; ++i) {
    auto id = f.begin();
    auto entries = numbered_entries(40, "/" + std::to_string(i));
    need(f->add_files(id, {entries.begin(), entries.begin() + 20}));
    need(f->add_files(id, {entries.begin() + 20, entries.end()}));
    need(f->commit_batch(id));
    auto ids = f.plan(id, 20);
    f.cache(ids[0], {1});
    if (i == 1) need(f->remove_batch(id));
  }
  auto size = std::filesystem::file_size(newest_log(f.path()));
  size_t most_batches = 0;
  size_t least_batches = 9;
  for (uintmax_t step = 0; step <= 14; ++step) {
    temporary_folder copy;
    auto folder = copy.path() / "c";
    copy_catalogue(f.path(), folder);
    std::filesystem::resize_file(newest_log(folder), size * step / 14);
    auto store = need(catalogue_store::open(folder.string(), {}));
    check_consistent(*store);
    auto batches = need(store->view()->batches(workspace_id{1}, {}, 10)).size();
    most_batches = std::max(most_batches, batches);
    least_batches = std::min(least_batches, batches);
  }
  CHECK(least_batches == 0);
  CHECK(most_batches == 3);
}

TEST_CASE("numbers continue after a restart", "[restart]") {
  fixture f;
  f.commit({entry("/a")});
  need(f->begin_retrieval({}));
  f.reopen();
  CHECK(f.commit({entry("/b")}) == batch_id{2});
  CHECK(need(f->begin_retrieval({})).id == retrieval_id{2});
  CHECK(f.alert_texts().size() == 4);
  CHECK(f->disk_bytes() > 0);
}

TEST_CASE("one process at a time", "[restart]") {
  fixture f;
  auto second = catalogue_store::open(f.path(), {});
  CHECK(errc_of(second) == errc::locked);
  CHECK(message_of(second) == "another process uses the catalogue in " + f.path());
  auto path = f.path();
  f.close();
  CHECK(errc_of(catalogue_store::open(path, {})) == errc::none);

  int ready[2];
  REQUIRE(pipe(ready) == 0);
  auto child = fork();
  if (child == 0) {
    struct flock lock {};
    lock.l_type = F_WRLCK;
    int fd = ::open((path + "/LOCK").c_str(), O_RDWR);
    bool locked = fd >= 0 && fcntl(fd, F_SETLK, &lock) == 0;
    if (write(ready[1], locked ? "y" : "n", 1) == 1) pause();
    _exit(0);
  }
  char answer = 0;
  REQUIRE(read(ready[0], &answer, 1) == 1);
  CHECK(answer == 'y');
  CHECK(errc_of(catalogue_store::open(path, {})) == errc::locked);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  close(ready[0]);
  close(ready[1]);
  CHECK(errc_of(catalogue_store::open(path, {})) == errc::none);
}

TEST_CASE("a catalogue of version 1 is opened and raised", "[restart]") {
  fixture f;
  f.commit({entry("/a")});
  f.close();
  overwrite(f.path(), keys::family::meta, "version", "\0\0\0\1"s);
  f.reopen();
  CHECK(f.batch(batch_id{1}).files == 1);
  f.close();
  CHECK(stored(f.path(), "version") == "\0\0\0\3"s);
}

TEST_CASE("a newer catalogue is refused and left as it is", "[restart]") {
  fixture f;
  f.commit({entry("/a")});
  f.close();
  auto message = "the catalogue in " + f.path() + " has version 4, this service knows version 3";

  SECTION("with the same families") {
    overwrite(f.path(), keys::family::meta, "version", "\0\0\0\4"s);
    auto opened = catalogue_store::open(f.path(), {});
    CHECK(errc_of(opened) == errc::newer_version);
    CHECK(message_of(opened) == message);
    overwrite(f.path(), keys::family::meta, "version", "\0\0\0\3"s);
    f.reopen();
    CHECK(f.batch(batch_id{1}).files == 1);
  }
  SECTION("with a family that this version does not know") {
    overwrite(f.path(), keys::family::meta, "version", "\0\0\0\4"s);
    {
      std::vector<std::string> names;
      REQUIRE(rocksdb::DB::ListColumnFamilies({}, f.path(), &names).ok());
      std::vector<rocksdb::ColumnFamilyDescriptor> families;
      for (const auto& name : names) families.emplace_back(name, rocksdb::ColumnFamilyOptions{});
      rocksdb::Options options;
      options.create_missing_column_families = true;
      families.emplace_back("tomorrow", rocksdb::ColumnFamilyOptions{});
      std::vector<rocksdb::ColumnFamilyHandle*> handles;
      rocksdb::DB* db = nullptr;
      REQUIRE(rocksdb::DB::Open(options, f.path(), families, &handles, &db).ok());
      for (auto* handle : handles) db->DestroyColumnFamilyHandle(handle);
      delete db;
    }
    CHECK(message_of(catalogue_store::open(f.path(), {})) == message);
    CHECK(errc_of(catalogue_store::open(f.path(), {})) == errc::newer_version);
  }
  SECTION("a version that makes no sense") {
    overwrite(f.path(), keys::family::meta, "version", "x");
    CHECK(errc_of(catalogue_store::open(f.path(), {})) == errc::corrupt);
  }
}

TEST_CASE("a folder that cannot be is an error, not a crash", "[restart]") {
  temporary_folder folder;
  auto path = (folder.path() / "file").string();
  std::ofstream{path} << "x";
  CHECK(errc_of(catalogue_store::open(path + "/catalogue", {})) == errc::io_error);
}
