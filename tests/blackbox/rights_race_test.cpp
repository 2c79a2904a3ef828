// A user who swaps files and folders for links to another's while the service reads, and what a get
// writes for whom.

#include "tests/blackbox/two_users.hpp"

#include <fcntl.h>
#include <sys/syscall.h>

#include <atomic>
#include <thread>

using namespace et::blackbox;

namespace {

using words = std::vector<std::string>;

const std::string secret = "the secret of ann, never to be archived";
// As long: neither size nor time tells them apart.
const std::string harmless = "what bob has written himself, as long..";

constexpr unsigned swap_both = 2;  // RENAME_EXCHANGE

/// Exchanges two names all the time, until destroyed.
class swapper {
 public:
  swapper(const fs::path& one, const fs::path& other)
      : thread_([this, one, other] {
          while (!stop_) {
            syscall(SYS_renameat2, AT_FDCWD, one.c_str(), AT_FDCWD, other.c_str(), swap_both);
            ++swaps;
            // So that there is a moment in which somebody else can look.
            std::this_thread::sleep_for(std::chrono::microseconds{swaps % 7 * 100});
          }
        }) {}
  ~swapper() {
    stop_ = true;
    thread_.join();
  }
  std::atomic<uint64_t> swaps{0};

 private:
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace

TEST_CASE("a folder swapped with a link to another's all the time lets nothing of it in") {
  if (!can_be_others()) return;
  constexpr int rounds = 200;
  REQUIRE(secret.size() == harmless.size());
  two_users at;
  auto anns = at.folder / "ann" / "open";
  auto race = at.folder / "bob" / "race";
  two_users::make_folder(race, bob, 0755);
  two_users::make_folder(race / "swapped", bob, 0755);
  std::string all;
  for (int i = 0; i < rounds; ++i) {
    auto name = std::to_string(i);
    two_users::make_file(anns / name, ann, 0600, secret);
    two_users::make_file(race / "swapped" / name, bob, 0600, harmless);
    all += (race / "swapped" / name).string() + "\n";
  }
  fs::create_directory_symlink(anns, race / "link");
  int batches = 0;
  {
    swapper swapping{race / "swapped", race / "link"};
    for (int i = 0; i < rounds; ++i) {
      auto path = (race / "swapped" / std::to_string(i)).string();
      // A put of the folder takes all that is left.
      auto put = i >= rounds - 10 ? at.by(bob, {"et_put", "-c", "-w", "bob", race.string()})
                                  : at.by(bob, {"et_put", "-w", "bob", "-f", "-"}, path + "\n");
      CHECK((put.code == 0 || put.code == 2));
      batches += put.code == 0;
    }
    CHECK(swapping.swaps > rounds);
  }
  auto waited = at.by(bob, {"elastictape", "status", "-w", "bob", "--wait"});
  CHECK((waited.code == 0 || waited.code == 3));
  two_users::make_folder(at.folder / "back", bob, 0700);
  auto back = (at.folder / "back").string();
  auto got = at.by(bob, {"et_get", "-w", "bob", "-f", "-", "-r", back}, all);
  CHECK((got.code == 0 || got.code == 5));
  int delivered = 0;
  for (auto& one : fs::recursive_directory_iterator(back)) {
    if (!one.is_regular_file()) continue;
    ++delivered;
    CHECK(read_file(one.path()) == harmless);
  }
  WARN(rounds << " puts, " << batches << " batches, " << delivered << " files archived");
  CHECK(batches > 0);
  CHECK(delivered > 0);
  CHECK(files_with(at.node.state(), secret) == "");
  CHECK(files_with(at.node.state(), harmless) != "");
}

TEST_CASE("a file replaced by another's between registration and reading is not read") {
  if (!can_be_others()) return;
  two_users at{"[cache]\nreserve_bytes = \"1000T\"\n"};
  auto bobs = at.folder / "bob" / "open";
  auto open_one = at.folder / "ann" / "open" / "private";
  auto closed_one = at.folder / "ann" / "closed" / "below";
  for (auto& one : {open_one, closed_one}) two_users::make_file(one, ann, 0600, secret);
  words names{"link", "hard", "folder/below", "deep/er/below", "renamed", "good"};
  for (auto name : {"folder", "deep", "deep/er"}) two_users::make_folder(bobs / name, bob, 0755);
  for (auto& name : names) two_users::make_file(bobs / name, bob, 0600, harmless);
  auto put = at.by(bob, {"et_put", "-w", "bob", bobs.string()});
  INFO(put.err);
  REQUIRE(put.out == "Batch ID: 1\n");
  REQUIRE(at.node.stop() == 0);

  fs::remove(bobs / "link");
  fs::create_symlink(open_one, bobs / "link");
  fs::remove(bobs / "hard");
  REQUIRE(link(open_one.c_str(), (bobs / "hard").c_str()) == 0);
  fs::remove_all(bobs / "folder");
  fs::create_directory_symlink(closed_one.parent_path(), bobs / "folder");
  fs::remove_all(bobs / "deep");
  fs::create_directory_symlink(closed_one.parent_path().parent_path(), bobs / "deep");
  fs::create_directory_symlink("closed", at.folder / "ann" / "er");
  two_users::make_file(at.folder / "ann" / "open" / "moved", ann, 0600, secret);
  fs::rename(at.folder / "ann" / "open" / "moved", bobs / "renamed");

  at.node.set_config("[cache]\nreserve_bytes = 0\n");
  at.node.start();
  CHECK(at.by(bob, {"elastictape", "status", "-w", "bob", "-b", "1", "--wait"}).code == 3);
  auto files = at.by(bob, {"et_ls", "-w", "bob", "-L", "file"}).out;
  for (auto& name : names) {
    auto line = files.find("\t" + (bobs / name).string() + "\n");
    REQUIRE(line != std::string::npos);
    auto begin = files.rfind('\n', line) + 1;
    INFO(name);
    CHECK((files.compare(begin, 11, "F\t1\tFAILED\t") == 0) == (name != "good"));
  }
  CHECK(files_with(at.node.state(), secret) == "");
  CHECK(files_with(at.node.state(), harmless) != "");
}

TEST_CASE("a get writes with the rights of who asks, and through no link") {
  if (!can_be_others()) return;
  two_users at;
  auto file = at.folder / "bob" / "open" / "file";
  auto other = at.folder / "bob" / "closed" / "other";
  two_users::make_file(file, bob, 0640, "of bob");
  two_users::make_file(other, bob, 0600, "other of bob");
  REQUIRE(at.by(bob, {"et_put", "--wait", "-w", "bob", (at.folder / "bob").string()}).code == 0);
  auto get = [&](const fs::path& target, const words& more = {}) {
    words line{"et_get", "-w", "bob", "-b", "1", "-r", target.string()};
    line.insert(line.end(), more.begin(), more.end());
    auto done = at.by(bob, line);
    INFO(done.err);
    CHECK(done.out.empty());
    return done;
  };
  CHECK(get(at.folder / "ann").code == 2);
  CHECK(get(at.folder / "ann" / "open").code == 2);
  CHECK(get(at.folder / "ann" / "closed").code == 2);

  // In a folder of all, Ann was there first: with a link on the way, and with one at the end.
  auto shared = at.folder / "shared";
  two_users::make_folder(shared, ann, 0777);
  auto victim = at.folder / "bob" / "victim";
  two_users::make_folder(victim, bob, 0700);
  auto first = shared.string() + "/" + (*std::next(at.folder.path().begin())).string();
  fs::create_directory_symlink(victim, first);
  for (const auto& more : {words{}, words{"--overwrite"}}) {
    auto linked = get(shared, more);
    CHECK(linked.code == 5);
    CHECK(linked.err.find("link") != std::string::npos);
    CHECK(fs::is_empty(victim));
  }
  fs::remove(first);
  two_users::make_file(victim / "precious", bob, 0600, "of bob");
  fs::create_directories((shared.string() + file.string())
                             .substr(0, shared.string().size() + file.string().rfind('/')));
  for (auto& one : fs::recursive_directory_iterator(shared)) fs::permissions(one, fs::perms{0777});
  auto place = shared.string() + file.string();
  fs::create_symlink(victim / "precious", place);
  CHECK(get(shared).code == 5);
  CHECK(fs::is_symlink(place));
  auto forced = get(shared, {"--overwrite"});
  CHECK(forced.code == 0);
  CHECK_FALSE(fs::is_symlink(place));
  CHECK(read_file(place) == "of bob");
  CHECK(look(place).st_uid == bob.uid);
  CHECK(look(victim / "precious").st_nlink == 1);
  CHECK(read_file(victim / "precious") == "of bob");

  // Her folder in the tree: he may not write there, all else comes.
  auto own = at.folder / "back";
  two_users::make_folder(own, bob, 0755);
  auto closed = own.string() + other.parent_path().string();
  fs::create_directories(closed);
  for (auto& one : fs::recursive_directory_iterator(own))
    REQUIRE(chown(one.path().c_str(), bob.uid, bob.gid) == 0);
  REQUIRE(chown(closed.c_str(), ann.uid, ann.gid) == 0);
  auto partial = get(own);
  CHECK(partial.code == 5);
  CHECK(partial.err.find(other.string() + ": ") != std::string::npos);
  CHECK(read_file(own.string() + file.string()) == "of bob");
  CHECK(fs::is_empty(closed));
  CHECK(look(own.string() + file.string()).st_uid == bob.uid);
  CHECK((look(own.string() + file.string()).st_mode & 07777) == 0640);
}
