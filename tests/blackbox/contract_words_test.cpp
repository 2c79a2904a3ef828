// The words of the command line: program names, help, options in all their spellings, and what
// goes to which output.

#include <signal.h>

#include <catch2/catch.hpp>

#include "tests/blackbox/harness.hpp"

using namespace et::blackbox;

namespace {

using words = std::vector<std::string>;

std::string joined(const words& list) {
  std::string text;
  for (auto& one : list) text += one + ' ';
  return text;
}

words operator+(words first, const words& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

/// No service is needed to find out that a line is wrong.
void check_usage(const words& line) {
  INFO(joined(line));
  auto refused = run(line, {{"ELASTICTAPE_SERVER", "unix:/nowhere"}});
  CHECK(refused.code == 1);
  CHECK(refused.out.empty());
  CHECK(refused.err.find("Usage: ") != std::string::npos);
}

}  // namespace

TEST_CASE("help on every level goes to standard output, version too") {
  words levels[] = {{"elastictape"},
                    {"elastictape", "serve"},
                    {"elastictape", "put"},
                    {"elastictape", "get"},
                    {"elastictape", "rm"},
                    {"elastictape", "ls"},
                    {"elastictape", "status"},
                    {"elastictape", "export"},
                    {"elastictape", "admin"},
                    {"elastictape", "admin", "workspace"},
                    {"elastictape", "admin", "workspace", "add"},
                    {"elastictape", "admin", "workspace", "set"},
                    {"elastictape", "admin", "workspace", "list"},
                    {"elastictape", "admin", "workspace", "remove"},
                    {"elastictape", "admin", "inspect"},
                    {"elastictape", "admin", "alerts"},
                    {"et_put"},
                    {"et_get"},
                    {"et_rm"},
                    {"et_ls"},
                    {"et_put.py"},
                    {"et_get.py"},
                    {"et_rm.py"},
                    {"et_ls.py"}};
  for (auto& level : levels) {
    for (auto option : {"--help", "-h"}) {
      INFO(joined(level) << option);
      auto help = run(level + words{option});
      CHECK(help.code == 0);
      CHECK(help.out.find("Usage: ") != std::string::npos);
      CHECK(help.err.empty());
    }
  }
  for (auto& level : levels) {
    if (level.size() > 2 || level.back() == "admin") continue;
    INFO(joined(level));
    auto version = run(level + words{"--version"});
    CHECK(version.code == 0);
    CHECK(version.out.starts_with("elastictape "));
    CHECK(version.out.find('\n') == version.out.size() - 1);
    CHECK(version.err.empty());
  }
}

TEST_CASE("unknown options, missing values and missing arguments: usage, exit 1") {
  check_usage({"elastictape"});
  check_usage({"elastictape", "nonsense"});
  check_usage({"elastictape", "--nonsense"});
  check_usage({"elastictape", "admin"});
  check_usage({"elastictape", "admin", "nonsense"});
  check_usage({"elastictape", "admin", "workspace"});
  check_usage({"elastictape", "admin", "workspace", "add"});
  check_usage({"elastictape", "admin", "workspace", "add", "name"});
  check_usage({"elastictape", "admin", "workspace", "add", "name", "--root", "/", "--quota", "x"});
  check_usage({"elastictape", "admin", "workspace", "set"});
  check_usage({"elastictape", "admin", "workspace", "remove"});
  check_usage({"elastictape", "admin", "inspect", "more"});
  check_usage({"elastictape", "admin", "alerts", "--after", "x"});
  check_usage({"elastictape", "serve", "more"});
  check_usage({"elastictape", "serve", "--state"});
  check_usage({"elastictape", "status", "-b", "1", "-r", "1"});
  check_usage({"elastictape", "export"});
  for (auto name : {"et_put", "et_get", "et_rm", "et_ls"}) {
    check_usage({name, "--nonsense"});
    check_usage({name, "-w"});
    check_usage({std::string{name} + ".py", "--nonsense"});
    check_usage({"elastictape", std::string{name}.substr(3), "--nonsense"});
  }
  check_usage({"elastictape", "status", "--nonsense"});
  check_usage({"elastictape", "serve", "--nonsense"});
  check_usage({"et_put"});
  check_usage({"et_put", "-f"});
  check_usage({"et_put", "-f", "list", "/dir"});
  check_usage({"et_put", "/dir", "/another"});
  check_usage({"et_put", "-t", "two", "words", "/dir"});
  check_usage({"et_put", "-t", "", "/dir"});
  check_usage({"et_get"});
  check_usage({"et_get", "-b", "1"});
  check_usage({"et_get", "-r", "/tmp"});
  check_usage({"et_get", "-b", "1", "-r", "/tmp", "more"});
  check_usage({"et_rm"});
  check_usage({"et_rm", "1"});
  check_usage({"et_ls", "more"});
  check_usage({"et_ls", "-L", "files"});
  check_usage({"et_ls", "-F", "xml"});
  for (auto id : {"0", "-1", "x", "1x", "0x1", "", "18446744073709551616"}) {
    check_usage({"et_rm", "-b", id});
    check_usage({"et_ls", "-b", id});
    check_usage({"et_get", "-r", "/tmp", "-b", id});
    check_usage({"elastictape", "status", "-b", id});
    check_usage({"elastictape", "status", "-r", id});
  }
  for (auto streams : {"0", "49", "-5", "x", ""})
    check_usage({"et_get", "-b", "1", "-r", "/tmp", "-t", streams});
}

TEST_CASE("every name and every spelling of an option does the same") {
  temp_folder folder;
  auto tree = (folder / "tree").string();
  write_file(folder / "tree" / "file", "content");
  write_file(folder / "list", tree + "/file\n");
  auto list = (folder / "list").string();
  service node{folder / "state"};
  node.start();
  auto socket = "unix:" + (node.state() / "elastictape.sock").string();
  uint64_t batch = 0;

  auto put = [&](const words& program, const words& rest) {
    auto done = node.call(program + rest);
    INFO(joined(program) << joined(rest) << done.err);
    REQUIRE(done.code == 0);
    REQUIRE(std::sscanf(done.out.c_str(), "Batch ID: %lu", &batch) == 1);
  };
  auto remove = [&](const words& program, const words& rest) {
    auto done = node.call(program + rest + words{std::to_string(batch)});
    INFO(joined(program) << joined(rest) << done.err);
    CHECK(done.code == 0);
    CHECK(node.call({"et_ls", "-w", "local"}).out.empty());
  };
  put({"et_put"}, {"-v", "-l", (folder / "log1").string(), "-w", "local", "-c", "-t", "tag", tree});
  remove({"et_rm"}, {"-v", "-w", "local", "-b"});
  put({"et_put.py"}, {"--verbose", "--logfile", (folder / "log2").string(), "--workspace", "local",
                      "--continue", "--tag", "tag", "--listfile", list});
  remove({"et_rm.py"}, {"--verbose", "--workspace", "local", "--batch"});
  put({"elastictape", "put"}, {"-wlocal", "-ttag", "-f" + list});
  remove({"elastictape", "rm"}, {"-wlocal", "-b"});
  put({"elastictape", "et_put"}, {"-w", "nowhere", "--workspace=local", "--tag=tag", tree});
  CHECK(fs::file_size(folder / "log1") > 0);
  CHECK(fs::file_size(folder / "log2") > 0);
  REQUIRE(node.wait(batch) == 0);

  auto id = std::to_string(batch);
  auto listed = node.call({"et_ls", "-H", "-w", "local", "-L", "file", "-b", id}).out;
  CHECK(listed.starts_with("H\tbatch\tstate\t"));
  CHECK(listed.find("\t" + tree + "/file\n") != std::string::npos);
  for (const auto& line :
       {words{"et_ls.py", "--headerWanted", "--workspace", "local", "--outputLevel", "file",
              "--batchid", id, "--outputFormat", "text"},
        words{"elastictape", "ls", "-H", "-wlocal", "-Lfile", "-b" + id, "-Ftext"},
        words{"elastictape", "ls", "-H", "--server", socket, "-w", "local", "-L", "batch", "-L",
              "file", "-F", "json", "-F", "text"},
        words{"et_ls", "-H", "--state", node.state().string(), "-w", "local", "-L", "file"}}) {
    INFO(joined(line));
    CHECK(node.call(line).out == listed);
  }

  auto back = folder / "back";
  auto got = [&](const words& line) {
    INFO(joined(line));
    fs::remove_all(back);
    fs::create_directory(back);
    auto done = node.call(line);
    INFO(done.err);
    CHECK(done.code == 0);
    CHECK(read_file(back.string() + tree + "/file") == "content");
  };
  got({"et_get", "-v", "-l", (folder / "log3").string(), "-b", id, "-w", "local", "-r",
       back.string(), "-t", "1"});
  got({"et_get.py", "--verbose", "--logfile", (folder / "log4").string(), "--batch", id,
       "--workspace", "local", "--target", back.string(), "--maxproc", "48", "--overwrite"});
  got({"elastictape", "get", "-f" + list, "-wlocal", "-r" + back.string(), "-t5"});
  got({"elastictape", "et_get", "--filelist=" + list, "--workspace=local",
       "--target=" + back.string()});
  CHECK(fs::file_size(folder / "log3") > 0);
  CHECK(fs::file_size(folder / "log4") > 0);
  for (const auto& line : {words{"elastictape", "status", "-w", "local", "-b", id, "--json"},
                           words{"elastictape", "status", "--workspace", "local", "--batch", id,
                                 "--wait", "--verbose", "--json"},
                           words{"elastictape", "status", "-w", "local", "--json"}})
    CHECK(node.call(line).out.starts_with("{\"batch\":" + id + ","));
}

TEST_CASE("data goes to standard output, all else to standard error") {
  temp_folder folder;
  auto tree = folder / "tree";
  write_file(tree / "file", "content");
  fs::create_symlink("file", tree / "link");
  fs::create_directory(folder / "back");
  service node{folder / "state"};
  node.start();
  auto quiet = node.call({"et_ls", "-w", "local"});
  CHECK(quiet.out.empty());
  CHECK(quiet.err.empty());
  auto put = node.call({"et_put", "-v", "--wait", "-w", "local", tree.string()});
  CHECK(put.out.starts_with("Batch ID: 1\nBatch 1 of workspace local: CACHED_SYNCED\n"));
  CHECK(put.err.find("left out: " + (tree / "link").string()) != std::string::npos);
  CHECK(put.err.find("et_put: batch 1: 1 files, 7 B") != std::string::npos);
  auto plain = node.call({"elastictape", "status", "-w", "local"});
  CHECK(plain.out.starts_with("Batch 1 of workspace local: "));
  CHECK(plain.err.empty());
  auto got =
      node.call({"et_get", "-v", "-w", "local", "-b", "1", "-r", (folder / "back").string()});
  CHECK(got.out.empty());
  CHECK(got.err.find((tree / "file").string()) != std::string::npos);
  CHECK(got.err.find("1 files written") != std::string::npos);
  auto workspaces = node.call({"elastictape", "admin", "workspace", "list"});
  CHECK(workspaces.out.starts_with("local\n  roots     /\n"));
  CHECK(workspaces.err.empty());
  auto changed = node.call({"elastictape", "admin", "workspace", "set", "local", "--quota", "2T"});
  CHECK(changed.out.empty());
  CHECK(changed.err == "elastictape admin: workspace local changed\n");
  auto as_json =
      node.call({"elastictape", "admin", "workspace", "set", "local", "--quota", "2TB", "--json"});
  CHECK(as_json.out.starts_with("{\"workspace\":\"local\",\"roots\":[\"/\"],"));
  CHECK(as_json.out.find("\"quota\":2000000000000,") != std::string::npos);
  auto removed = node.call({"et_rm", "-w", "local", "-b", "1"});
  CHECK(removed.out.empty());
  CHECK(removed.err == "et_rm: batch 1 removed: 1 files, 7 B\n");
  // Colours and lines that replace each other are for terminals.
  for (auto* text : {&put.out, &put.err, &plain.out, &got.err, &workspaces.out, &removed.err})
    CHECK(text->find_first_of("\x1b\r") == std::string::npos);
  // What goes wrong.
  for (const auto& line :
       {words{"et_rm", "-w", "local", "-b", "1"}, words{"et_ls", "-w", "local", "-b", "1"},
        words{"et_get", "-w", "local", "-b", "1", "-r", (folder / "back").string()},
        words{"elastictape", "status", "-w", "local", "-b", "1"},
        words{"elastictape", "status", "-w", "local", "-r", "77"},
        words{"elastictape", "admin", "workspace", "remove", "nowhere"},
        words{"elastictape", "admin", "workspace", "set", "nowhere", "--quota", "1"}}) {
    INFO(joined(line));
    auto refused = node.call(line);
    CHECK(refused.code == 1);
    CHECK(refused.out.empty());
    CHECK(std::count(refused.err.begin(), refused.err.end(), '\n') == 1);
  }
}

TEST_CASE("a service prints one line when it serves, and ends with 0 when asked to") {
  temp_folder folder;
  for (int number : {SIGTERM, SIGINT}) {
    pipe_ends out;
    auto state = (folder / "state").string();
    child node{{"elastictape", "serve", "--state", state, "--listen", "unix:" + state + "/door"},
               {{}, {}, -1, out.write.get()}};
    out.write.close();
    auto text = read_line(out.read.get());
    CHECK(text.starts_with("elastictape ready: commands unix:" + state + "/door, monitor "));
    // Commands find the socket by the state folder.
    auto listed = run({"et_ls", "-w", "local"}, {{"ELASTICTAPE_STATE", state},
                                                 {"ELASTICTAPE_SERVER", ""},
                                                 {"ELASTICTAPE_SYSTEM_CONFIG", "/nowhere"},
                                                 {"HOME", state}});
    CHECK(listed.code == 0);
    node.signal(number);
    CHECK(node.wait(std::chrono::minutes{1}) == 0);
    CHECK(read_line(out.read.get()).empty());
  }
  auto refused =
      run({"elastictape", "serve", "--state", (folder / "state").string(), "--listen", "nonsense"});
  CHECK(refused.code == 1);
  CHECK(refused.out.empty());
  CHECK(refused.err.find("nonsense") != std::string::npos);
}
