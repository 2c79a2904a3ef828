// What a user may not do: see, take, change or archive what is another's.

#include "tests/blackbox/two_users.hpp"

#include <pwd.h>

#include <nlohmann/json.hpp>
#include <sstream>

using namespace et::blackbox;
using nlohmann::json;

namespace et::blackbox {

std::string files_with(const fs::path& folder, const std::string& text) {
  std::string names;
  for (auto& one : fs::recursive_directory_iterator(folder))
    if (one.is_regular_file() && read_file(one.path()).find(text) != std::string::npos)
      names += one.path().string() + "\n";
  return names;
}

}  // namespace et::blackbox

namespace {

using words = std::vector<std::string>;

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size()))
    text.replace(at, what.size(), by);
  return text;
}

words sorted_lines(const std::string& text) {
  words all;
  std::istringstream in{text};
  for (std::string line; std::getline(in, line);) all.push_back(line);
  std::sort(all.begin(), all.end());
  return all;
}

}  // namespace

TEST_CASE("users without a name put, list, get and remove in their own workspace") {
  if (!can_be_others()) return;
  REQUIRE(getpwuid(ann.uid) == nullptr);
  two_users at;
  two_users::make_file(at.folder / "ann" / "closed" / "file", ann, 0600, "of ann");
  auto put = at.by(ann, {"et_put", "--wait", "-w", "ann", (at.folder / "ann").string()});
  INFO(put.err);
  REQUIRE(put.code == 0);
  auto batch = json::parse(at.by(ann, {"et_ls", "-w", "ann", "-F", "json"}).out);
  CHECK(batch.at("requester") == std::to_string(ann.uid));
  two_users::make_folder(at.folder / "back", ann, 0700);
  auto target = (at.folder / "back").string();
  words get{"et_get", "-w", "ann", "-b", batch.at("batch").dump(), "-r", target};
  CHECK(at.by(ann, get).code == 0);
  auto copy = target + (at.folder / "ann" / "closed" / "file").string();
  CHECK(read_file(copy) == "of ann");
  struct stat found {};
  REQUIRE(stat(copy.c_str(), &found) == 0);
  CHECK(found.st_uid == ann.uid);
  CHECK(found.st_gid == ann.gid);
  CHECK((found.st_mode & 07777) == 0600);
  // For root the owner comes back, too.
  fs::create_directory(at.folder / "of root");
  get.back() = (at.folder / "of root").string();
  CHECK(at.node.call(get).code == 0);
  REQUIRE(stat((get.back() + (at.folder / "ann" / "closed" / "file").string()).c_str(), &found) ==
          0);
  CHECK(found.st_uid == ann.uid);
  auto workspaces = at.by(ann, {"et_ls", "-L", "workspace"});
  CHECK(workspaces.out.starts_with("W\tann\t1\t1\t6\t"));
  CHECK(std::count(workspaces.out.begin(), workspaces.out.end(), '\n') == 1);
  CHECK(at.by(ann, {"et_rm", "-w", "ann", "-b", batch.at("batch").dump()}).code == 0);
}

TEST_CASE("another's workspace is refused in the words that one gets which does not exist") {
  if (!can_be_others()) return;
  two_users at;
  two_users::make_file(at.folder / "ann" / "open" / "file", ann, 0644, "of ann");
  two_users::make_file(at.folder / "bob" / "open" / "file", bob, 0644, "of bob");
  auto own = (at.folder / "bob" / "open").string();
  auto line = (at.folder / "ann" / "open" / "file").string() + "\n";
  two_users::make_folder(at.folder / "back", bob, 0755);
  auto target = (at.folder / "back").string();
  auto put = at.by(ann, {"et_put", "--wait", "-w", "ann", (at.folder / "ann").string()});
  REQUIRE(put.out.starts_with("Batch ID: 1\n"));
  fs::create_directory(at.folder / "back of ann");
  auto got = at.node.call(
      {"et_get", "-v", "-w", "ann", "-b", "1", "-r", (at.folder / "back of ann").string()});
  uint64_t retrieval = 0;
  REQUIRE(std::sscanf(got.err.c_str(), "et_get: retrieval %lu begins", &retrieval) == 1);
  auto number = std::to_string(retrieval);

  auto before = at.by(ann, {"et_ls", "-w", "ann", "-L", "workspace"}).out;
  for (const auto& command :
       {words{"et_ls", "-w", "?"}, words{"et_ls", "-w", "?", "-L", "file"},
        words{"et_ls", "-w", "?", "-L", "workspace"}, words{"et_ls", "-w", "?", "-b", "1"},
        words{"et_put", "-w", "?", own}, words{"et_put", "-w", "?", "--wait", "-f", "-"},
        words{"et_get", "-w", "?", "-b", "1", "-r", target},
        words{"et_get", "-w", "?", "-f", "-", "-r", target}, words{"et_rm", "-w", "?", "-b", "1"},
        words{"elastictape", "status", "-w", "?"},
        words{"elastictape", "status", "-w", "?", "-b", "1", "--wait"},
        words{"elastictape", "status", "-w", "?", "-r", number},
        words{"elastictape", "find", "-w", "?", "*"},
        words{"elastictape", "cancel", "-w", "?", "-b", "1"},
        words{"elastictape", "retry", "-w", "?", "-b", "1"},
        words{"elastictape", "release", "-w", "?", "-b", "1"},
        words{"elastictape", "admin", "workspace", "list", "?"}}) {
    std::string told[2];
    std::string names[2] = {"ann", "nowhere"};
    for (int i = 0; i < 2; ++i) {
      auto named = command;
      std::replace(named.begin(), named.end(), std::string{"?"}, names[i]);
      auto refused = at.by(bob, named, line);
      INFO(command[0] << " " << command[1] << ": " << refused.err);
      CHECK(refused.code == 2);
      CHECK(refused.out.empty());
      told[i] = replaced(refused.err, names[i], "?");
    }
    CHECK(told[0] == told[1]);
    CHECK(told[0].find("is not a manager of a workspace named ?") != std::string::npos);
  }
  // With his own workspace, a batch or retrieval of another's is one that does not exist.
  for (const auto& command :
       {words{"et_ls", "-w", "bob", "-b", "?"}, words{"et_rm", "-w", "bob", "-b", "?"},
        words{"et_get", "-w", "bob", "-b", "?", "-r", target},
        words{"elastictape", "status", "-w", "bob", "-b", "?", "--wait"},
        words{"elastictape", "status", "-w", "bob", "-r", "?"}}) {
    auto named = command;
    std::replace(named.begin(), named.end(), std::string{"?"}, number);
    auto missing = command;
    std::replace(missing.begin(), missing.end(), std::string{"?"}, std::string{"999"});
    auto refused = at.by(bob, named);
    CHECK(refused.code == 1);
    CHECK(replaced(refused.err, number, "?") == replaced(at.by(bob, missing).err, "999", "?"));
  }
  auto listed = at.by(bob, {"et_get", "-w", "bob", "-f", "-", "-r", target}, line);
  CHECK(listed.code == 5);
  CHECK(listed.err.find("not held by workspace bob") != std::string::npos);
  CHECK(fs::is_empty(target));
  CHECK(at.by(bob, {"et_ls", "-L", "workspace"}).out.starts_with("W\tbob\t0\t0\t0\t"));
  CHECK(at.by(ann, {"et_ls", "-w", "ann", "-L", "workspace"}).out == before);
}

TEST_CASE("what administrators do is refused to managers") {
  if (!can_be_others()) return;
  two_users at;
  for (const auto& command :
       {words{"add", "new", "--root", "/", "--manager", "64002", "--quota", "1T"},
        words{"set", "bob", "--quota", "1P"}, words{"set", "bob", "--root", "/"},
        words{"set", "ann", "--manager", "64002"}, words{"remove", "ann"},
        words{"remove", "bob"}}) {
    auto named = command;
    named.insert(named.begin(), {"elastictape", "admin", "workspace"});
    INFO(command[0]);
    CHECK(at.by(bob, named).code == 2);
  }
  CHECK(at.by(bob, {"elastictape", "admin", "inspect"}).code == 2);
  auto listed = at.node.call({"elastictape", "admin", "workspace", "list", "--json"}).out;
  CHECK(std::count(listed.begin(), listed.end(), '\n') == 3);
  CHECK(listed.find("\"quota\":1073741824") != std::string::npos);
  // Alerts of others are not for him.
  auto over = at.node.call({"elastictape", "admin", "workspace", "set", "ann", "--quota", "0"});
  REQUIRE(over.code == 0);
  auto alerts = at.by(bob, {"elastictape", "admin", "alerts"});
  CHECK(alerts.code == 0);
  CHECK(alerts.out.find("ann") == std::string::npos);
}

TEST_CASE("another's private file cannot be put: by path, link, dots or hard link") {
  if (!can_be_others()) return;
  two_users at;
  const std::string secret = "the secret of ann, never to be archived";
  auto open_one = at.folder / "ann" / "open" / "private";
  auto closed_one = at.folder / "ann" / "closed" / "private";
  auto closed_two = at.folder / "ann" / "closed" / "public";
  two_users::make_file(open_one, ann, 0600, secret);
  two_users::make_file(closed_one, ann, 0600, secret);
  two_users::make_file(closed_two, ann, 0644, secret);
  two_users::make_file(at.folder / "ann" / "open" / "public", ann, 0644, "for all");
  auto bobs = at.folder / "bob" / "open";
  two_users::make_file(bobs / "own", bob, 0600, "of bob");
  auto link = [&](const fs::path& to, const std::string& name) {
    REQUIRE(run({"/bin/ln", "-s", to.string(), (bobs / name).string()}, {}, {}, bob).code == 0);
    return (bobs / name).string();
  };
  auto file_link = link(open_one, "link");
  auto open_link = link(open_one.parent_path(), "open link");
  auto closed_link = link(closed_one.parent_path(), "closed link");
  auto root_link = link("/", "root link");
  auto own_link = link(bobs, "own link");
  // As he may make one, or as root made it for him.
  auto hard = (bobs / "hard").string();
  if (run({"/bin/ln", open_one.string(), hard}, {}, {}, bob).code != 0)
    REQUIRE(::link(open_one.c_str(), hard.c_str()) == 0);
  auto up = (at.folder / "bob" / ".." / "ann" / "open" / "private").string();

  struct {
    std::string line;
    std::string reason;
  } tries[] = {{open_one.string(), "cannot be read: Permission denied"},
               {closed_one.string(), "Permission denied"},
               {closed_two.string(), "Permission denied"},
               {closed_one.string() + " no such", "Permission denied"},
               {file_link, "symbolic link"},
               {open_link + "/private", "symbolic link"},
               {open_link + "/public", "symbolic link"},
               {closed_link + "/private", ""},
               {root_link + open_one.string(), "symbolic link"},
               {own_link + "/hard", "symbolic link"},
               {hard, "cannot be read: Permission denied"},
               {up, "'..' in the path"},
               {"/proc/self/root" + open_one.string(), ""},
               {(bobs / "own link" / ".." / ".." / "ann").string(), "'..' in the path"}};
  for (auto& [line, reason] : tries) {
    auto put = at.by(bob, {"et_put", "-c", "-w", "bob", "-f", "-"}, line + "\n");
    INFO(line << ": " << put.err);
    CHECK(put.code == 2);
    CHECK(put.out == "BATCH REJECTED\n");
    CHECK(put.err.find(reason) != std::string::npos);
  }
  for (auto& folder :
       {open_link, closed_link, own_link + "/", root_link, closed_one.parent_path().string()}) {
    auto put = at.by(bob, {"et_put", "-c", "-w", "bob", folder});
    INFO(folder << ": " << put.err);
    CHECK(put.code == 1);
    CHECK(put.out.empty());
  }
  // The whole tree: what he may read is taken, all else is told.
  CHECK(at.by(bob, {"et_put", "-w", "bob", (at.folder / "ann").string()}).code == 2);
  auto all = at.by(bob, {"et_put", "-c", "--wait", "-w", "bob", (at.folder / "ann").string()});
  INFO(all.err);
  CHECK(all.code == 0);
  CHECK(all.err.find(open_one.string() + ": Permission denied") != std::string::npos);
  CHECK(all.err.find(closed_one.parent_path().string()) != std::string::npos);
  auto files = at.by(bob, {"et_ls", "-w", "bob", "-L", "file"}).out;
  CHECK(std::count(files.begin(), files.end(), '\n') == 1);
  CHECK(files.find((at.folder / "ann" / "open" / "public").string() + "\n") != std::string::npos);
  CHECK(files_with(at.node.state(), "for all") != "");
  CHECK(files_with(at.node.state(), secret) == "");
}

TEST_CASE("a session is a process of its user, without privileges") {
  if (!can_be_others()) return;
  two_users at;
  pipe_ends list;
  child put{{"et_put", "-w", "bob", "-f", "-"}, {at.node.surroundings(), bob, list.read.get()}};
  append(list.write.get(), "/x\n");
  wait_taken(list.write.get());
  // Those of the commands before may still be ending.
  REQUIRE(comes([&] { return sessions_of(at.node.process()).size() == 1; }));
  auto sessions = sessions_of(at.node.process());
  REQUIRE(sessions.size() == 1);
  auto number = std::to_string(bob.uid);
  auto four = number + "\t" + number + "\t" + number + "\t" + number;
  CHECK(process_fact(sessions[0], "Uid") == four);
  CHECK(process_fact(sessions[0], "Gid") == four);
  CHECK(process_fact(sessions[0], "Groups") == "");
  CHECK(process_fact(sessions[0], "NoNewPrivs") == "1");
  CHECK(process_fact(sessions[0], "CapEff") == "0000000000000000");
  CHECK(process_fact(sessions[0], "CapPrm") == "0000000000000000");
  // It holds no file of the service.
  for (auto& one : fs::directory_iterator("/proc/" + std::to_string(sessions[0]) + "/fd")) {
    std::error_code gone;
    auto file = fs::read_symlink(one.path(), gone).string();
    CHECK(file.find(at.node.state().string() + "/") == std::string::npos);
  }
  list.write.close();
  CHECK(put.wait(std::chrono::seconds{30}) == 2);
}

TEST_CASE("the state folder tells nobody what the service knows") {
  if (!can_be_others()) return;
  two_users at;
  two_users::make_file(at.folder / "ann" / "closed" / "a name nobody knows", ann, 0600, "secret");
  auto put = at.by(ann, {"et_put", "--wait", "-w", "ann", (at.folder / "ann").string()});
  REQUIRE(put.code == 0);
  // He may guess names that he cannot list.
  auto readable = [&] {
    std::string names;
    for (auto& one : fs::recursive_directory_iterator(at.node.state()))
      names += one.path().string() + "\n";
    auto shell = "while read -r name; do test -r \"$name\" && echo \"$name\"; done";
    return run({"/bin/sh", "-c", shell}, {}, names, bob).out;
  };
  auto door = (at.node.state() / "elastictape.sock").string();
  auto told = (at.node.state() / "address").string();
  CHECK(sorted_lines(readable()) == words{told, door});
  REQUIRE(at.node.stop() == 0);
  at.node.start();
  CHECK(sorted_lines(readable()) == words{told, door});
  CHECK(at.by(ann, {"et_ls", "-w", "ann"}).code == 0);
}
