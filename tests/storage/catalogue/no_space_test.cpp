// Full and failing disks: calls fail clearly and change nothing; when the cause has gone, they work
// again.
#include <sys/mount.h>

#include <algorithm>
#include <fstream>

#include "storage/catalogue/catalogue_copy.hpp"
#include "tests/storage/catalogue/fixture.hpp"

using namespace et;
using namespace et::test;

namespace {

constexpr uintmax_t mib = 1024 * 1024;

/// A file system of 32 MiB; where mounting is not permitted, mounted() is false.
class small_disk {
 public:
  small_disk() {
    mounted_ = mount("tmpfs", folder_.path().c_str(), "tmpfs", 0, "size=32m") == 0;
    if (!mounted_) WARN("skipped: mounting a small file system is not permitted here");
  }
  ~small_disk() {
    if (mounted_) umount2(folder_.path().c_str(), MNT_DETACH);
  }
  bool mounted() const { return mounted_; }
  std::filesystem::path catalogue() const { return folder_.path() / "catalogue"; }
  std::filesystem::path elsewhere() const { return folder_.path() / "elsewhere"; }

  /// Leaves `slack_bytes` free.
  void fill(uintmax_t slack_bytes = 0) {
    std::ofstream file{ballast(), std::ios::binary | std::ios::app};
    std::string block(4096, 'x');
    while (file.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
    }
    auto size = std::filesystem::file_size(ballast());
    std::filesystem::resize_file(ballast(), size - std::min(size, slack_bytes));
  }
  void relieve() { std::filesystem::remove(ballast()); }

 private:
  std::filesystem::path ballast() const { return folder_.path() / "ballast"; }

  temporary_folder folder_;
  bool mounted_ = false;
};

/// A store of little memory on a small disk.
class small_store {
 public:
  explicit small_store(const small_disk& disk) : folder_(disk.catalogue().string()) {
    reopen();
    workspace_record record;
    record.name = "w";
    record.roots = {"/"};
    record.quota_bytes = uint64_t{1} << 40;
    need(store_->add_workspace(record));
  }
  catalogue_store* operator->() { return store_.get(); }
  void close() { store_.reset(); }
  void reopen() {
    store_.reset();
    catalogue_store::options opts;
    opts.clock = &clock_;
    opts.memory_bytes = mib;
    opts.log_bytes = 4 * mib;
    store_ = need(catalogue_store::open(folder_, opts));
  }
  batch_id begin() {
    batch_record draft;
    draft.workspace_name = "w";
    return need(store_->begin_batch(draft));
  }
  /// Hits the end of the disk in the middle of a write.
  void break_it(small_disk& disk) {
    disk.fill(3 * mib);
    REQUIRE(errc_of(store_->add_alert(large_alert())) == errc::no_space);
  }
  size_t alerts() { return need(store_->view()->alerts(0, SIZE_MAX)).size(); }

  static alert_record large_alert() {
    alert_record draft;
    draft.text = std::string(8 * mib, 'a');
    return draft;
  }

 private:
  std::string folder_;
  manual_clock clock_;
  std::unique_ptr<catalogue_store> store_;
};

std::vector<file_entry> chunk(int number) {
  return numbered_entries(500, "/chunk" + std::to_string(number));
}

alert_record small_alert() {
  alert_record draft;
  draft.text = "small";
  return draft;
}

}  // namespace

TEST_CASE("a full disk loses nothing and is got over without a restart", "[no_space]") {
  small_disk disk;
  if (!disk.mounted()) return;
  small_store store{disk};
  auto id = store.begin();
  int added = 0;
  for (uintmax_t slack_kib : {0, 4, 100, 600, 1000}) {
    need(store->add_files(id, chunk(added++)));
    disk.fill(slack_kib * 1024);
    auto refused = store->add_files(id, chunk(added));
    CHECK(errc_of(refused) == errc::no_space);
    CHECK(message_of(refused).find(" bytes left, it needs at least 1048576") != std::string::npos);
    CHECK(errc_of(store->commit_batch(id)) == errc::no_space);
    CHECK(errc_of(store->add_alert(small_alert())) == errc::no_space);
    CHECK_FALSE(need(store->view()->batch(id)));
    CHECK(need(store->view()->workspace("w"))->used_files == 0);
    disk.relieve();
    // The refused chunk left nothing behind: it is not a duplicate now.
    CHECK(need(store->add_files(id, chunk(added++))).empty());
  }
  auto batch = need(store->commit_batch(id));
  CHECK(batch.files == 5000);
  CHECK(store.alerts() == 1);
  store.reopen();
  CHECK(need(store->view()->entries(id, "", SIZE_MAX)).size() == 5000);
  CHECK(need(store->view()->workspace("w"))->used_bytes == batch.size_bytes);
}

TEST_CASE("a write that meets the end of the disk changes nothing", "[no_space]") {
  small_disk disk;
  if (!disk.mounted()) return;
  small_store store{disk};
  auto id = store.begin();
  need(store->add_files(id, chunk(0)));
  for (int round = 0; round < 4; ++round) {
    store.break_it(disk);
    CHECK(store.alerts() == static_cast<size_t>(round));
    // The torn end of the log fills the disk until the catalogue is opened anew.
    CHECK(errc_of(store->add_files(id, chunk(round + 1))) == errc::no_space);
    disk.relieve();
    CHECK(need(store->add_files(id, chunk(round + 1))).empty());
    CHECK(need(store->add_alert(small_alert())).number == static_cast<uint64_t>(round) + 1);
  }
  CHECK(need(store->commit_batch(id)).files == 2500);
  CHECK(store.alerts() == 5);
  store.reopen();
  CHECK(store.alerts() == 5);
  CHECK(need(store->view()->entries(id, "", SIZE_MAX)).size() == 2500);
}

TEST_CASE("a service that stops after a failed write starts again", "[no_space]") {
  small_disk disk;
  if (!disk.mounted()) return;
  small_store store{disk};
  need(store->add_alert(small_alert()));
  store.break_it(disk);
  store.close();
  disk.relieve();
  store.reopen();
  CHECK(store.alerts() == 1);
  CHECK(need(store->add_alert(small_alert())).number == 2);
}

TEST_CASE("recovery waits for views, and views outlast a failed write", "[no_space]") {
  small_disk disk;
  if (!disk.mounted()) return;
  small_store store{disk};
  need(store->add_alert(small_alert()));
  auto view = store->view();
  store.break_it(disk);
  disk.relieve();
  CHECK(errc_of(store->add_alert(small_alert())) == errc::io_error);
  CHECK(need(view->alerts(0, 10)).size() == 1);
  view.reset();
  CHECK(need(store->add_alert(small_alert())).number == 2);
  CHECK(store.alerts() == 2);
}

TEST_CASE("what cannot be written any more can still be read", "[no_space]") {
  small_disk disk;
  if (!disk.mounted()) return;
  small_store store{disk};
  need(store->add_alert(small_alert()));
  store.break_it(disk);
  disk.relieve();
  auto lock = disk.catalogue() / "LOCK";
  std::filesystem::remove(lock);
  std::filesystem::create_directory(lock);
  CHECK(errc_of(store->add_alert(small_alert())) == errc::io_error);
  CHECK(errc_of(store->add_alert(small_alert())) == errc::io_error);
  CHECK(store.alerts() == 1);
  std::filesystem::remove(lock);
  CHECK(need(store->add_alert(small_alert())).number == 2);
}

TEST_CASE("a catalogue that went away is an error until it is back", "[no_space]") {
  small_disk disk;
  if (!disk.mounted()) return;
  small_store store{disk};
  need(store->add_alert(small_alert()));
  store.break_it(disk);
  disk.relieve();
  std::filesystem::rename(disk.catalogue(), disk.elsewhere());
  CHECK(errc_of(store->add_alert(small_alert())) != errc::none);
  CHECK(errc_of(store->view()->alerts(0, 10)) == errc::io_error);
  CHECK(errc_of(store->view()->find_path(workspace_id{1}, "/a", {})) == errc::io_error);
  std::filesystem::remove_all(disk.catalogue());
  std::filesystem::rename(disk.elsewhere(), disk.catalogue());
  CHECK(need(store->add_alert(small_alert())).number == 2);
  CHECK(store.alerts() == 2);
}

TEST_CASE("numbers given in vain are given again after a failed write", "[no_space]") {
  small_disk disk;
  if (!disk.mounted()) return;
  small_store store{disk};
  auto first = store.begin();
  store.break_it(disk);
  disk.relieve();
  CHECK(store.begin().value == first.value + 1);
  CHECK(need(store->view()->unfinished_removals()).size() == 2);
  need(store->add_files(first, chunk(0)));
  need(store->commit_batch(first));
}

TEST_CASE("opening on a full disk says so", "[no_space]") {
  small_disk disk;
  if (!disk.mounted()) return;
  disk.fill();
  CHECK(errc_of(catalogue_store::open(disk.catalogue().string(), {})) == errc::no_space);
}

TEST_CASE("a copy goes on behind a write that failed", "[no_space][log]") {
  small_disk disk;
  if (!disk.mounted()) return;
  small_store store{disk};
  temporary_folder elsewhere;
  auto folder = (elsewhere.path() / "copy").string();
  auto files = need(store->log().checkpoint(disk.elsewhere().string()));
  std::filesystem::copy(disk.elsewhere(), folder);
  auto copy = need(catalogue_copy::open(folder, mib));
  log_reader reader{store->log(), copy->sequence()};
  store->log().hold(true);
  need(store->add_alert(small_alert()));
  need(copy->apply(need(reader.read(mib))));
  store->log().acknowledge(copy->sequence());
  CHECK(store.alerts() == 1);
  store.break_it(disk);
  disk.relieve();
  need(store->add_alert(small_alert()));
  // What was acknowledged went with the files that were opened anew.
  CHECK(errc_of(store->view()->alerts(0, SIZE_MAX)) == errc::unavailable);
  for (int i = 0; i < 3; ++i) need(copy->apply(need(reader.read(mib))));
  CHECK(copy->sequence() == store->log().sequence());
  store->log().acknowledge(copy->sequence());
  CHECK(store.alerts() == 2);
}
