#include "storage/cache/source_reader.hpp"

#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <fstream>
#include <thread>

#include "cache_support.hpp"

namespace fs = std::filesystem;

namespace et::test {

namespace {

// Opens in a thread of its own, because its identity changes.
caf::expected<std::string> read_as(const source_credentials& who, std::vector<std::string> roots,
                                   const file_entry& file) {
  caf::expected<std::string> result{fail(errc::internal, "not run")};
  std::thread{[&] {
    source_reader reader{who, roots};
    if (auto error = reader.enter_thread()) {
      result = error;
      return;
    }
    auto opened = reader.open(file);
    if (!opened) {
      result = opened.error();
      return;
    }
    std::string text(file.size_bytes, '\0');
    auto error = read_source(*opened, reinterpret_cast<uint8_t*>(text.data()), text.size(), 0);
    if (!error) error = check_unchanged(*opened);
    if (error)
      result = error;
    else
      result = text;
  }}.join();
  return result;
}

caf::expected<std::string> read_own(const fs::path& root, const file_entry& file) {
  return read_as(own_credentials(), {root.string()}, file);
}

void check_refused(const caf::expected<std::string>& result, errc code, const std::string& reason) {
  REQUIRE_FALSE(result);
  CHECK(code_of(result.error()) == code);
  CHECK(concerns_source(code));
  CHECK(text_of(result.error()) == reason);
}

}  // namespace

TEST_CASE("a file that is as registered is read") {
  temporary_folder dir;
  for (std::string content : {"", "x", "some more bytes"}) {
    auto result = read_own(dir.path(), source(dir.path() / "a" / "f", content));
    REQUIRE(result);
    CHECK(*result == content);
  }
}

TEST_CASE("names are bytes") {
  temporary_folder dir;
  for (std::string name :
       {"with space", "new\nline", "\xff\xfe not utf-8", "sm\xc3\xb8rrebr\xc3\xb8"})
    CHECK(read_own(dir.path(), source(dir.path() / name, name)));
}

TEST_CASE("what is not a regular file is refused without waiting") {
  temporary_folder dir;
  auto path = dir.path() / "it";
  std::string kind;
  SECTION("folder") {
    fs::create_directory(path);
    kind = "is a folder, not a regular file";
  }
  SECTION("fifo") {
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    kind = "is a fifo, not a regular file";
  }
  SECTION("device") {
    if (::mknod(path.c_str(), S_IFCHR | 0600, ::makedev(1, 3)) != 0) {
      WARN("skipped: a device needs root");
      return;
    }
    kind = "is a device, not a regular file";
  }
  SECTION("socket") {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.native().copy(address.sun_path, sizeof address.sun_path - 1);
    unique_fd fd{::socket(AF_UNIX, SOCK_STREAM, 0)};
    REQUIRE(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    kind = "is not a regular file";
  }
  check_refused(read_own(dir.path(), entry_of(path)), errc::source_changed, kind);
}

TEST_CASE("links are not followed") {
  temporary_folder dir;
  auto file = source(dir.path() / "real" / "f", "secret");
  auto reason = "a link is in its path";
  SECTION("as the file") {
    fs::create_symlink(file.path, dir.path() / "link");
    file.path = dir.path() / "link";
    check_refused(read_own(dir.path(), file), errc::source_unreadable, reason);
  }
  SECTION("as a folder above it") {
    fs::create_directory_symlink(dir.path() / "real", dir.path() / "link");
    file.path = dir.path() / "link" / "f";
    check_refused(read_own(dir.path(), file), errc::source_unreadable, reason);
  }
  SECTION("but a root may be one") {
    fs::create_directory_symlink(dir.path() / "real", dir.path() / "root");
    file.path = dir.path() / "root" / "f";
    CHECK(read_own(dir.path() / "root", file));
  }
}

TEST_CASE("a file that is not what was registered is refused") {
  temporary_folder dir;
  auto file = source(dir.path() / "f", "12345");
  SECTION("another size") {
    file.size_bytes = 7;
    check_refused(read_own(dir.path(), file), errc::source_changed,
                  "has 5 bytes, 7 were registered");
  }
  SECTION("another time") {
    timespec times[2] = {{0, UTIME_OMIT}, {1'700'000'000, 5}};
    REQUIRE(::utimensat(AT_FDCWD, file.path.c_str(), times, 0) == 0);
    file.mtime_ns = -1;
    check_refused(read_own(dir.path(), file), errc::source_changed,
                  "was modified at 1700000000.000000005, -1.999999999 was registered");
  }
  SECTION("another owner than a client has made up for root to restore") {
    file.uid = geteuid() + 1;
    check_refused(read_own(dir.path(), file), errc::source_changed,
                  "belongs to " + std::to_string(geteuid()) + ":" + std::to_string(getegid()) +
                      ", " + std::to_string(geteuid() + 1) + ":" + std::to_string(getegid()) +
                      " was registered");
  }
  SECTION("another mode") {
    REQUIRE(::chmod(file.path.c_str(), 0640) == 0);
    file.mode = 04755;
    check_refused(read_own(dir.path(), file), errc::source_changed,
                  "has mode 0640, 4755 was registered");
  }
  SECTION("gone") {
    fs::remove(file.path);
    check_refused(read_own(dir.path(), file), errc::source_unreadable, "is gone");
  }
  SECTION("its folder became a file") {
    file.path += "/below";
    check_refused(read_own(dir.path(), file), errc::source_unreadable, "is gone");
  }
}

TEST_CASE("changes behind the opening are seen") {
  temporary_folder dir;
  auto file = source(dir.path() / "f", "12345");
  source_reader reader{own_credentials(), {dir.path().string()}};
  std::thread{[&] {
    REQUIRE_FALSE(reader.enter_thread());
    auto opened = reader.open(file);
    REQUIRE(opened);
    REQUIRE_FALSE(check_unchanged(*opened));
    uint8_t data[5];
    fs::resize_file(file.path, 3);
    auto error = read_source(*opened, data, 5, 0);
    CHECK(code_of(error) == errc::source_changed);
    CHECK(text_of(error) == "shrank while it was read: from 5 to 3 bytes");
    fs::resize_file(file.path, 9);
    CHECK_FALSE(read_source(*opened, data, 5, 0));
    error = check_unchanged(*opened);
    CHECK(text_of(error) == "changed while it was read: from 5 to 9 bytes");
  }}.join();
}

TEST_CASE("only what lies beneath a root is opened, at component boundaries") {
  temporary_folder dir;
  auto inside = source(dir.path() / "data" / "f", "1");
  auto beside = source(dir.path() / "database" / "f", "2");
  auto root = (dir.path() / "data").string();
  auto me = own_credentials();
  CHECK(read_as(me, {root}, inside));
  CHECK(read_as(me, {root + "///"}, inside));
  CHECK(read_as(me, {"/"}, inside));
  CHECK(read_as(me, {"/nowhere", root, "/"}, beside));
  auto reason = "is beneath no root of the workspace";
  check_refused(read_as(me, {root}, beside), errc::not_authorised, reason);
  check_refused(read_as(me, {}, inside), errc::not_authorised, reason);
  auto leaving = inside;
  leaving.path = root + "/../database/f";
  check_refused(read_as(me, {root}, leaving), errc::not_authorised,
                "its path leads out of the workspace");
  auto nul = inside;
  nul.path += std::string("\0x", 2);
  check_refused(read_as(me, {root}, nul), errc::invalid_argument, "has a NUL byte in its path");
  auto longest = (dir.path() / "gone").string();
  auto lost = inside;
  lost.path = longest + "/f";
  check_refused(read_as(me, {"/", longest}, lost), errc::source_unreadable,
                "the root " + longest + ": is gone");
}

TEST_CASE("deep paths are opened, also beyond what the kernel takes at once") {
  temporary_folder dir;
  unique_fd folder{::open(dir.path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
  auto path = dir.path().string();
  auto name = std::string(99, 'd');
  for (int depth = 0; depth < 90; ++depth) {
    REQUIRE(::mkdirat(folder.get(), name.c_str(), 0755) == 0);
    folder.reset(::openat(folder.get(), name.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    path += "/" + name;
    if (depth != 10 && depth != 38 && depth != 39 && depth != 40 && depth != 89) continue;
    unique_fd fd{::openat(folder.get(), "file", O_WRONLY | O_CREAT | O_CLOEXEC, 0644)};
    REQUIRE(::write(fd.get(), "deep", 4) == 4);
    struct stat status {};
    REQUIRE(::fstat(fd.get(), &status) == 0);
    file_entry file{path + "/file", 4,
                    status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec, 0644};
    auto result = read_own(dir.path(), file);
    INFO(file.path.size() << (result ? "" : text_of(result.error())));
    CHECK(result);
  }
  auto too_long = source(dir.path() / "f", "1");
  too_long.path = dir.path() / std::string(5000, 'x');
  auto result = read_own(dir.path(), too_long);
  REQUIRE_FALSE(result);
  CHECK(text_of(result.error()) == "cannot be opened: File name too long");
}

TEST_CASE("files are read with the requester's rights and groups") {
  if (::geteuid() != 0) {
    WARN("skipped: needs root");
    return;
  }
  temporary_folder dir;
  auto file = source(dir.path() / "f", "mine");
  std::vector<std::string> roots{dir.path().string()};
  source_credentials nobody{65534, 65534, {}, "nobody"};
  CHECK(read_as(nobody, roots, file));
  auto reason = "may not be read by nobody";
  ::chmod(file.path.c_str(), 0600);
  file = entry_of(file.path);
  check_refused(read_as(nobody, roots, file), errc::source_unreadable, reason);
  CHECK(read_as({0, 0, {}, "root"}, roots, file));
  SECTION("by a supplementary group") {
    REQUIRE(::chown(file.path.c_str(), 0, 4242) == 0);
    ::chmod(file.path.c_str(), 0640);
    file = entry_of(file.path);
    check_refused(read_as(nobody, roots, file), errc::source_unreadable, reason);
    CHECK(read_as({65534, 65534, {7, 4242}, "nobody"}, roots, file));
    CHECK(read_as({65534, 4242, {}, "nobody"}, roots, file));
  }
  SECTION("a folder above forbids it") {
    ::chmod(file.path.c_str(), 0644);
    file = entry_of(file.path);
    ::chmod(dir.path().c_str(), 0700);
    check_refused(read_as(nobody, roots, file), errc::source_unreadable, reason);
  }
  SECTION("a folder above the root forbids it") {
    auto below = source(dir.path() / "root" / "f", "x");
    ::chmod(dir.path().c_str(), 0700);
    roots = {(dir.path() / "root").string()};
    check_refused(read_as(nobody, roots, below), errc::source_unreadable,
                  "the root " + roots[0] + ": may not be read by nobody");
  }
}

TEST_CASE("the identity changes in the entering thread only, and can change again") {
  if (::geteuid() != 0) {
    WARN("skipped: needs root");
    return;
  }
  temporary_folder dir;
  auto file = source(dir.path() / "f", "x");
  ::chmod(file.path.c_str(), 0600);
  file = entry_of(file.path);
  source_reader nobody{{65534, 65534, {}, "nobody"}, {dir.path().string()}};
  source_reader root{{0, 0, {}, "root"}, {dir.path().string()}};
  std::thread{[&] {
    REQUIRE_FALSE(nobody.enter_thread());
    CHECK_FALSE(nobody.open(file));
    // Another thread, this one's parent, is still root.
    std::thread{[&] { CHECK_FALSE(root.enter_thread()); }}.join();
    REQUIRE_FALSE(root.enter_thread());
    CHECK(root.open(file));
  }}.join();
  CHECK(unique_fd{::open(file.path.c_str(), O_RDONLY)});
}

TEST_CASE("a service that is not root reads for its own user only") {
  temporary_folder dir;
  auto file = source(dir.path() / "f", "x");
  auto child = ::fork();
  if (child == 0) {
    if (::geteuid() == 0 && ::setuid(65534) != 0) ::_exit(10);
    source_reader own{own_credentials(), {dir.path().string()}};
    if (own.enter_thread() || !own.open(file)) ::_exit(11);
    source_reader other{{1, 1, {}, "daemon"}, {dir.path().string()}};
    ::_exit(code_of(other.enter_thread()) == errc::source_unreadable ? 0 : 12);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
}

TEST_CASE("the access time is left alone for the owner") {
  temporary_folder dir;
  auto file = source(dir.path() / "f", "x");
  timespec times[2] = {{1'000'000'000, 0}, {0, UTIME_OMIT}};
  REQUIRE(::utimensat(AT_FDCWD, file.path.c_str(), times, 0) == 0);
  CHECK(read_own(dir.path(), file));
  struct stat status {};
  REQUIRE(::stat(file.path.c_str(), &status) == 0);
  CHECK(status.st_atim.tv_sec == 1'000'000'000);
}

TEST_CASE("credentials are looked up") {
  auto root = look_up_credentials(0, 0);
  REQUIRE(root);
  CHECK(root->user == "root");
  CHECK(std::ranges::count(root->groups, 0u) == 1);
  auto unknown = look_up_credentials(4'000'000'123, 77);
  REQUIRE(unknown);
  CHECK(unknown->user == "4000000123");
  CHECK(unknown->gid == 77);
  CHECK(unknown->groups.empty());
}

}  // namespace et::test
