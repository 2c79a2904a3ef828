// Commands from another machine: put and get over TLS, and that a token for one workspace opens
// nothing else, whatever is asked.

#include <unistd.h>

#include <nlohmann/json.hpp>

#include "tests/blackbox/remote_fixture.hpp"
#include "tests/support/munge_daemon.hpp"

using namespace et::blackbox;

namespace {

/// Users that every Debian knows.
constexpr const char* mine_user = "daemon";
constexpr const char* their_user = "games";

bool can_test() {
  if (geteuid() == 0) return true;
  WARN("not root: files cannot be those of other users, not tested");
  return false;
}

fs::path owned_folder(const fs::path& path, uid_t uid) {
  fs::create_directories(path);
  REQUIRE(chown(path.c_str(), uid, uid) == 0);
  return path;
}

}  // namespace

TEST_CASE("remote: put, list and get over TLS") {
  remote_site s;
  auto data = s.folder / "data";
  make_awkward_tree(data, 3'000'000, 1);
  s.add_workspace("lidar", data, "root");
  auto me = s.client(s.token("root"));
  if (geteuid() != 0) return;
  auto put = run({"et_put", "-w", "lidar", "--wait", data.string()}, me);
  INFO(put.err);
  REQUIRE(put.code == 0);
  auto back = s.folder / "back";
  fs::create_directories(back);
  auto got = run({"et_get", "-w", "lidar", "-b", "1", "-r", back.string()}, me);
  INFO(got.err);
  CHECK(got.code == 0);
  CHECK(difference(data, back).empty());
  auto audit = s.node.call({"elastictape", "admin", "audit", "--json"});
  CHECK(audit.out.find("\"from\":\"127.0.0.1:") != std::string::npos);
  CHECK(audit.out.find("\"action\":\"put\"") != std::string::npos);
  CHECK(audit.out.find("\"action\":\"get\"") != std::string::npos);
}

TEST_CASE("remote: a token file that others can read is not sent") {
  remote_site s;
  auto file = s.token("root");
  fs::permissions(file, fs::perms::others_read, fs::perm_options::add);
  auto refused = run({"et_ls", "-L", "workspace"}, s.client(file));
  CHECK(refused.code == 1);
  CHECK(refused.err.find("chmod 600") != std::string::npos);
  auto audit = s.node.call({"elastictape", "admin", "audit"});
  CHECK(audit.out.find("127.0.0.1") == std::string::npos);
}

TEST_CASE("remote: with a token for another workspace there is no name and no byte") {
  if (!can_test()) return;
  remote_site s;
  auto mine = owned_folder(s.folder / "mine", 1);
  auto theirs = owned_folder(s.folder / "theirs", 5);
  const std::string name = "hidden-name", content = "hidden-content";
  write_file(theirs / name, content);
  write_file(mine / "a", "mine");
  REQUIRE(chown((theirs / name).c_str(), 5, 5) == 0);
  REQUIRE(chown((mine / "a").c_str(), 1, 1) == 0);
  s.add_workspace("mine", mine, mine_user);
  s.add_workspace("theirs", theirs, their_user);
  // The same user manages this one too, but the token is not for it.
  s.add_workspace("second", theirs, mine_user);
  auto they = s.client(s.token(their_user));
  auto put = run({"et_put", "-w", "theirs", "--wait", theirs.string()}, they);
  INFO(put.err);
  REQUIRE(put.code == 0);
  auto got = run({"et_get", "-w", "theirs", "-b", "1", "-r", s.folder.path().string()}, they);
  REQUIRE(got.code == 0);
  REQUIRE(read_file(s.folder.path() / (s.folder / "theirs").relative_path() / name) == content);
  fs::remove_all(s.folder / "tmp");

  auto me = s.client(s.token(mine_user, "mine"));
  auto own = run({"et_put", "-w", "mine", "--wait", mine.string()}, me);
  INFO(own.err);
  REQUIRE(own.code == 0);
  auto out = s.folder / "out";
  auto list = s.folder / "list";
  fs::create_directories(out);
  write_file(list, (theirs / name).string() + "\n");
  const auto et = std::string{"elastictape"};
  for (std::string w : {"theirs", "second", "mine"}) {
    std::vector<std::vector<std::string>> commands{
        {"et_ls", "-w", w, "-L", "file"},
        {"et_ls", "-w", w, "-L", "batch", "-F", "json"},
        {"et_ls", "-w", w, "-L", "workspace"},
        {"et_ls", "-w", w, "-b", "1", "-L", "file"},
        {"et_get", "-w", w, "-b", "1", "-r", out.string()},
        {"et_get", "-w", w, "-f", list.string(), "-r", out.string()},
        {"et_rm", "-w", w, "-b", "1"},
        {"et_put", "-w", w, theirs.string()},
        {et, "status", "-w", w, "-b", "1"},
        {et, "status", "-w", w, "-r", "1"},
        {et, "find", "-w", w, "*"},
        {et, "cancel", "-w", w, "-b", "1"},
        {et, "cancel", "-w", w, "-r", "1"},
        {et, "retry", "-w", w, "-b", "1"},
        {et, "release", "-w", w, "-b", "1"},
        {et, "admin", "workspace", "list", w},
        {et, "admin", "workspace", "set", w, "--quota", "1T"},
        {et, "admin", "workspace", "remove", w},
        {et, "admin", "token", "create"},
        {et, "admin", "token", "create", "--workspace", w},
        {et, "admin", "token", "list"},
        {et, "admin", "token", "revoke", "1"},
        {et, "admin", "volume", "list"},
        {et, "admin", "volume", "set", "ET0001L8", "--status", "quarantined"},
        {et, "admin", "inspect"},
        {et, "admin", "alerts"},
        {et, "admin", "audit"},
    };
    for (auto& words : commands) {
      auto said = run(words, me);
      std::string line;
      for (auto& word : words) line += word + ' ';
      INFO(line << "\n" << said.out << said.err);
      CHECK(said.out.find(name) == std::string::npos);
      CHECK(said.out.find(content) == std::string::npos);
      CHECK(said.out.find(their_user) == std::string::npos);
      CHECK((w == "mine" || said.out.empty() || words[1] == "admin"));
      CHECK((w == "mine" || said.code != 0 || words.back() == "alerts"));
    }
  }
  for (auto& one : fs::recursive_directory_iterator(out))
    CHECK(one.path().filename().string().find(name) == std::string::npos);
  // Nothing of theirs has changed.
  auto still = run({"et_ls", "-w", "theirs", "-L", "file"}, they);
  CHECK(still.out.find(name) != std::string::npos);
  auto audit = s.node.call({"elastictape", "admin", "audit", "--user", mine_user});
  INFO(audit.out << audit.err); CHECK(audit.out.find("rm in theirs, batch 1: not_authorised") != std::string::npos);
}

TEST_CASE("remote: MUNGE tells the service who we are") {
  et::test::private_munged real;
  if (!real.runs()) return;
  remote_site s{"munge = true\nmunge_socket = \"" + real.socket() + "\"\n"};
  s.add_workspace("lidar", s.folder / "data", "root");
  auto me = s.client({});
  me["ELASTICTAPE_TOKEN_FILE"] = "";
  write_file(s.folder / ".et_config",
             "[Server]\nMunge = yes\nMungeSocket = " + real.socket() + "\n");
  for (int i = 0; i < 2; ++i) {
    auto seen = run({"et_ls", "-L", "workspace"}, me);
    INFO(seen.err);
    CHECK(seen.code == 0);
    CHECK(seen.out.find("lidar") != std::string::npos);
  }
  auto audit = s.node.call({"elastictape", "admin", "audit"});
  CHECK(audit.out.find(" munge) login: ok") != std::string::npos);
}
