// et_put as its contract says: lists, folders, tags, quotas, exit codes. What each kind of bad line
// is called: bad_input_test.

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "tests/blackbox/harness.hpp"

using namespace et::blackbox;
using nlohmann::json;

namespace {

using words = std::vector<std::string>;

size_t count(const std::string& text, const std::string& part) {
  size_t found = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

/// A service whose workspace `local` has one root, the folder `in`.
struct limited {
  explicit limited(const std::string& config = {}, const std::string& quota = "1T")
      : node(folder / "state", config) {
    node.start();
    auto set = node.call({"elastictape", "admin", "workspace", config.empty() ? "set" : "add",
                          "local", "--root", (folder / "in").string(), "--quota", quota});
    INFO(set.err);
    REQUIRE(set.code == 0);
  }
  outcome list(const std::string& text, const words& options = {}) {
    words line{"et_put", "-w", "local", "-f", "-"};
    line.insert(line.end(), options.begin(), options.end());
    return node.call(line, text);
  }
  uint64_t used() const {
    auto listed = node.call({"et_ls", "-w", "local", "-L", "workspace", "-F", "json"});
    return json::parse(listed.out).at("quota_used");
  }

  temp_folder folder;
  service node;
};

bool rejected(const outcome& put) {
  return put.code == 2 && put.out == "BATCH REJECTED\n";
}

}  // namespace

TEST_CASE("a list: every bad line is told, in the order of lines, and nothing is registered") {
  limited at{"[packing]\nmax_file_bytes = 1000\n"};
  auto path = [&](const std::string& name) { return (at.folder / name).string(); };
  write_file(at.folder / "in" / "good", "good");
  write_file(at.folder / "in" / "large", std::string(1001, 'x'));
  write_file(at.folder / "in" / "just", std::string(1000, 'x'));
  write_file(at.folder / "outside", "outside");
  fs::create_directory(at.folder / "in" / "folder");
  fs::create_directory_symlink("folder", at.folder / "in" / "link");
  write_file(at.folder / "in" / "folder" / "file", "x");
  int made = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path("in/socket").copy(address.sun_path, sizeof address.sun_path - 1);
  REQUIRE(bind(made, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  close(made);

  struct {
    std::string line;
    std::string reason;
  } bad[] = {{path("in/Good"), "no such file"},
             {path("in/folder/missing/file"), "no such file"},
             {path("in/large"), "1000"},
             {path("outside"), "outside the workspace's roots"},
             {path("in/link/file"), "symbolic link in the path: " + path("in/link")},
             {path("in/socket"), "socket"},
             {path("in/folder/"), "directory"},
             {path("in/folder/../good"), "'..' in the path"},
             {"/dev/null", "character device"},
             {path("in/good") + "\t", "white space"},
             {path("in/good") + "\r", "carriage return"},
             {path("in/good") + std::string(1, '\0') + "x", "NUL"},
             {"/" + std::string(5000, 'x'), "longer"},
             {path("in/folder") + "//./../good", "'..' in the path"},
             {path("in") + "//good", "listed twice"},
             {path("in/good"), "listed twice"}};
  std::string list = path("in/good") + "\n";
  for (auto& one : bad) list += one.line + "\n" + path("in/just") + "\n";
  // The second and later lines of `just` are bad, too.
  auto put = at.list(list);
  CHECK(rejected(put));
  size_t number = 2;
  size_t from = 0;
  for (auto& one : bad) {
    auto begin = put.err.find("stdin:" + std::to_string(number) + ": ", from);
    INFO("line " << number << ": " << one.reason << "\n" << put.err.substr(0, 1000));
    REQUIRE(begin != std::string::npos);
    auto text = put.err.substr(begin, put.err.find('\n', begin) - begin);
    CHECK(text.find(one.reason) != std::string::npos);
    if (number > 4) {
      auto line_before = put.err.find("stdin:" + std::to_string(number - 1) + ": ");
      CHECK(line_before < begin);
    }
    from = begin;
    number += 2;
  }
  CHECK(count(put.err, "stdin:") == 31);
  CHECK(count(put.err, "31 bad; nothing is registered") == 1);
  CHECK(at.used() == 0);
  CHECK(at.node.call({"et_ls", "-w", "local"}).out.empty());

  auto kept = at.list(list, {"-c"});
  CHECK(kept.code == 0);
  CHECK(kept.out.starts_with("Batch ID: "));
  CHECK(count(kept.err, "stdin:") == 31);
  CHECK(at.used() == 1004);
  auto files = at.node.call({"et_ls", "-w", "local", "-L", "file"}).out;
  CHECK(count(files, "\n") == 2);
  CHECK(files.find("\t" + path("in/good") + "\n") != std::string::npos);
  CHECK(files.find("\t" + path("in/just") + "\n") != std::string::npos);

  CHECK(rejected(at.list("\n\n", {"-c"})));
  CHECK(rejected(at.list("", {"-c"})));
  CHECK(rejected(at.list("")));
  CHECK(rejected(at.list(path("in/good") + "\n", {"-c"})));
  CHECK(at.used() == 1004);
}

TEST_CASE("over quota: rejected with the figures, also with -c; what fits exactly is taken") {
  limited at{{}, "5000"};
  write_file(at.folder / "in" / "a", std::string(3000, 'a'));
  write_file(at.folder / "in" / "b", std::string(2000, 'b'));
  write_file(at.folder / "in" / "c", "c");
  auto path = [&](const std::string& name) { return (at.folder / "in" / name).string() + "\n"; };
  for (const auto& options : {words{}, words{"-c"}}) {
    auto over = at.list(path("a") + path("b") + path("c"), options);
    CHECK(rejected(over));
    CHECK(over.err.find("5000") != std::string::npos);
    CHECK(over.err.find("5001") != std::string::npos);
    auto folder = at.node.call({"et_put", "-w", "local", (at.folder / "in").string()});
    CHECK(rejected(folder));
    CHECK(at.used() == 0);
  }
  CHECK(at.list(path("a")).code == 0);
  CHECK(at.used() == 3000);
  CHECK(rejected(at.list(path("b") + path("c"))));
  CHECK(at.list(path("b")).code == 0);
  CHECK(at.used() == 5000);
  auto over = at.list("relative\n" + path("c"), {"-c"});
  CHECK(rejected(over));
  CHECK(over.err.find("relative") != std::string::npos);
  CHECK(over.err.find("5000") != std::string::npos);
  auto batch = at.node.call({"et_ls", "-w", "local", "-F", "json"}).out;
  auto first = json::parse(batch.substr(0, batch.find('\n')));
  CHECK(at.node.call({"et_rm", "-w", "local", "-b", first.at("batch").dump()}).code == 0);
  CHECK(at.used() == 2000);
  CHECK(at.list(path("c")).code == 0);
}

TEST_CASE("DIR: absolute, a folder, without links in its path; all its files and nothing else") {
  limited at;
  auto put = [&](const std::string& folder, const words& options = {}) {
    words line{"et_put", "-w", "local"};
    line.insert(line.end(), options.begin(), options.end());
    line.push_back(folder);
    return at.node.call(line);
  };
  auto tree = at.folder / "in" / "tree";
  auto names = words{"plain",          "new\nline", "tab\tstop",        "back\\slash",
                     "bytes \xff\xc3", " spaces ",  "sub/deeper/below", "sub.file"};
  for (auto& name : names) write_file(tree / name, name);
  fs::create_symlink("plain", tree / "link");
  REQUIRE(mkfifo((tree / "fifo").c_str(), 0600) == 0);
  fs::create_directory_symlink("tree", at.folder / "in" / "way");
  fs::create_directory(at.folder / "in" / "empty");
  fs::create_directory(at.folder / "in" / "links");
  fs::create_symlink("nowhere", at.folder / "in" / "links" / "link");

  for (auto& [folder, reason] :
       std::map<std::string, std::string>{{"in/tree", "absolute"},
                                          {".", "absolute"},
                                          {tree.string() + "/plain", "Not a directory"},
                                          {tree.string() + "/missing", "No such file"},
                                          {(at.folder / "in" / "way").string(), tree.string()},
                                          {tree.string() + "/../tree", tree.string()}}) {
    auto refused = put(folder);
    INFO(folder << ": " << refused.err);
    CHECK(refused.code == 1);
    CHECK(refused.out.empty());
    CHECK(refused.err.find(reason) != std::string::npos);
  }
  for (auto* folder : {"in/empty", "in/links"}) {
    CHECK(rejected(put((at.folder / folder).string())));
    CHECK(rejected(put((at.folder / folder).string(), {"-c"})));
  }
  CHECK(rejected(put(at.folder.path().string() + "/state")));

  auto done = put(tree.string() + "/", {"-t", "t\xc3\xa4g", "--json"});
  INFO(done.err);
  REQUIRE(done.code == 0);
  auto told = json::parse(done.out);
  CHECK(told.at("tag") == "t\xc3\xa4g");
  CHECK(told.at("workspace") == "local");
  CHECK(told.at("files") == names.size());
  CHECK(told.at("left_out") == 2);
  CHECK(told.at("refused") == 0);
  uint64_t bytes = 0;
  for (auto& name : names) bytes += name.size();
  CHECK(told.at("bytes") == bytes);
  auto id = told.at("batch").dump();
  CHECK(done.out.find('\n') == done.out.size() - 1);
  CHECK(done.err.find("left out: " + (tree / "link").string() + ": symbolic link") !=
        std::string::npos);
  CHECK(done.err.find("left out: " + (tree / "fifo").string() + ": ") != std::string::npos);
  REQUIRE(at.node.call({"elastictape", "status", "-w", "local", "-b", id, "--wait"}).code == 0);
  fs::create_directory(at.folder / "back");
  auto back = at.folder / "back";
  CHECK(at.node.call({"et_get", "-w", "local", "-b", id, "-r", back.string()}).code == 0);
  for (auto& name : names) CHECK(read_file(back.string() + (tree / name).string()) == name);

  // Again: all of it is held.
  auto again = put(tree.string(), {"--json"});
  CHECK(again.code == 2);
  auto why = json::parse(again.out);
  CHECK(why.at("rejected") == true);
  CHECK(why.at("refused") == names.size());
  CHECK(count(again.err, "held") == names.size());
}

TEST_CASE("a tag is one word") {
  limited at;
  auto folder = (at.folder / "in").string();
  write_file(at.folder / "in" / "file", "x");
  for (const auto& tag :
       words{"two words", "tab\tstop", "new\nline", " ", std::string(129, 't'), "\x7f"}) {
    auto refused = at.node.call({"et_put", "-w", "local", "-t", tag, folder});
    INFO(tag);
    CHECK(refused.code == 1);
    CHECK(refused.out.empty());
    CHECK(refused.err.find("one word") != std::string::npos);
  }
  auto tag = std::string(128, 't');
  CHECK(at.node.call({"et_put", "-w", "local", "-t", tag, folder}).code == 0);
  CHECK(at.node.call({"et_ls", "-w", "local"}).out.find("\t" + tag + "\t") != std::string::npos);
}

TEST_CASE("--wait: 0 when the batch is safe, 3 when a file of it failed") {
  temp_folder folder;
  service node{folder / "state"};
  node.start();
  auto path = [&](const std::string& name) { return (folder / name).string() + "\n"; };
  write_file(folder / "good", "good");
  write_file(folder / "changed", "first");
  auto good = node.call({"et_put", "-w", "local", "--wait", "--json", "-f", "-"}, path("good"));
  CHECK(good.code == 0);
  auto line = json::parse(good.out.substr(good.out.find('\n') + 1));
  CHECK(line.at("state") == "CACHED_SYNCED");

  write_file(folder / "other", "other");
  pipe_ends in;
  pipe_ends out;
  child put{{"et_put", "-w", "local", "--wait", "-f", "-"},
            {node.surroundings(), {}, in.read.get(), out.write.get()}};
  append(in.write.get(), path("changed"));
  wait_taken(in.write.get());
  // When the next line is taken, the one before has been looked at.
  append(in.write.get(), path("other"));
  wait_taken(in.write.get());
  write_file(folder / "changed", "longer than it was");
  in.write.close();
  CHECK(put.wait(std::chrono::minutes{1}) == 3);
  auto id = read_line(out.read.get());
  REQUIRE(id.starts_with("Batch ID: "));
  auto batch = id.substr(10, id.size() - 11);
  auto shown = node.call({"elastictape", "status", "-w", "local", "-b", batch, "--json"});
  auto status = json::parse(shown.out);
  CHECK(status.at("state") == "FAILED");
  CHECK(status.at("failed_files") == 1);
  CHECK(status.at("failures").at(0).at("path") == (folder / "changed").string());
  CHECK(node.call({"elastictape", "status", "-w", "local", "-b", batch, "--wait"}).code == 3);
  CHECK(node.call({"elastictape", "status", "-w", "local", "--wait"}).code == 3);
}

TEST_CASE("a list that cannot be read is no batch") {
  temp_folder folder;
  service node{folder / "state"};
  node.start();
  write_file(folder / "file", "x");
  for (const auto& list : {folder / "missing", folder.path()}) {
    auto refused = node.call({"et_put", "-w", "local", "-f", list.string()});
    CHECK(refused.code == 1);
    CHECK(refused.out.empty());
    CHECK(refused.err.find(list.string()) != std::string::npos);
  }
  // A list may end without a newline, and lines may be any bytes.
  write_file(folder / "\xff\xfe", "x");
  write_file(folder / "list", (folder / "\xff\xfe").string() + "\n" + (folder / "file").string());
  CHECK(node.call({"et_put", "-w", "local", "-f", (folder / "list").string()}).code == 0);
  CHECK(count(node.call({"et_ls", "-w", "local", "-L", "file"}).out, "\n") == 2);
}
