// -l LOGFILE: what a command did, in lines that several commands may write at once.

#include <signal.h>

#include <catch2/catch.hpp>
#include <regex>
#include <set>
#include <sstream>
#include <thread>

#include "tests/blackbox/harness.hpp"

using namespace et::blackbox;

namespace {

struct log_line {
  std::string program;
  std::string process;
  std::string text;
};

/// Every line of a log; the test fails on one that is not whole.
std::vector<log_line> read_log(const fs::path& file) {
  static const std::regex form{
      R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ (et_put|et_get|elastictape get)\[(\d+)\] (.+))"};
  std::vector<log_line> lines;
  std::istringstream all{read_file(file)};
  for (std::string line; std::getline(all, line);) {
    std::smatch found;
    INFO(line);
    REQUIRE(std::regex_match(line, found, form));
    lines.push_back({found[1], found[2], found[3]});
  }
  return lines;
}

bool holds(const std::vector<log_line>& lines, const std::string& text) {
  return std::any_of(lines.begin(), lines.end(), [&](const log_line& line) {
    return line.text.find(text) != std::string::npos;
  });
}

}  // namespace

TEST_CASE("the log of a put tells its beginning, every bad line, its figures and its end") {
  temp_folder folder;
  service node{folder / "state"};
  node.start();
  write_file(folder / "good", "12345");
  auto log = folder / "log";
  std::string list = (folder / "good").string() + "\n\nrelative\n";
  write_file(folder / "list of files", list);
  auto put = [&](std::vector<std::string> words) {
    words.insert(words.begin(), {"et_put", "-l", log.string(), "-w", "local"});
    return node.call(words);
  };

  CHECK(put({"-f", (folder / "list of files").string()}).code == 2);
  auto lines = read_log(log);
  REQUIRE(lines.size() == 5);
  CHECK(lines[0].text == "begins: " + (binaries() / "et_put").string() + " -l " + log.string() +
                             " -w local -f '" + (folder / "list of files").string() + "'");
  CHECK(lines[1].text.find(":2: ") != std::string::npos);
  CHECK(lines[1].text.find("blank line") != std::string::npos);
  CHECK(lines[2].text.find(":3: relative: ") != std::string::npos);
  CHECK(lines[3].text.find("2 bad; nothing is registered") == 0);
  CHECK(lines[4].text.find("ends: exit code 2 after ") == 0);

  CHECK(put({"-c", "-f", (folder / "list of files").string()}).code == 0);
  lines = read_log(log);
  REQUIRE(lines.size() == 10);
  CHECK(lines[8].text == "batch 2: 1 files, 5 B, 2 refused");
  CHECK(lines[9].text.find("ends: exit code 0 after ") == 0);
  CHECK(lines[9].process != lines[4].process);
  CHECK(std::all_of(lines.begin() + 5, lines.end(), [&](const log_line& line) {
    return line.program == "et_put" && line.process == lines[9].process;
  }));
}

TEST_CASE("the log of a get tells each file, each bad file and the sum") {
  temp_folder folder;
  service node{folder / "state"};
  node.start();
  write_file(folder / "tree" / "new\nline", "1234567");
  REQUIRE(node.put({"--wait", (folder / "tree").string()}) == 1);
  fs::create_directory(folder / "back");
  write_file(folder / "list", (folder / "missing").string() + "\n");
  auto get = [&](const std::string& option, const std::string& value) {
    return node.call({"elastictape", "get", "-l", (folder / "log").string(), "-w", "local", option,
                      value, "-r", (folder / "back").string()});
  };
  CHECK(get("-b", "1").code == 0);
  auto lines = read_log(folder / "log");
  CHECK(lines.front().text.find("begins: ") == 0);
  CHECK(lines.front().program == "elastictape get");
  CHECK(holds(lines, (folder / "tree").string() + "/new\\x0aline"));
  CHECK(holds(lines, "1 files written, 7 B in "));
  CHECK(lines.back().text.find("ends: exit code 0 after ") == 0);
  CHECK(get("-f", (folder / "list").string()).code == 5);
  lines = read_log(folder / "log");
  CHECK(holds(lines, "bad file: " + (folder / "missing").string() + ": not held"));
  CHECK(lines.back().text.find("ends: exit code 5 after ") == 0);
}

TEST_CASE("a log that cannot be written is an error at the beginning, and told once later") {
  temp_folder folder;
  service node{folder / "state"};
  node.start();
  write_file(folder / "tree" / "file", "1");
  auto refused = node.call({"et_put", "-w", "local", "-l", (folder / "none" / "log").string(),
                            (folder / "tree").string()});
  CHECK(refused.code == 1);
  CHECK(refused.out.empty());
  CHECK(refused.err.find((folder / "none" / "log").string()) != std::string::npos);
  CHECK(node.call({"et_ls", "-w", "local"}).out.empty());

  auto full =
      node.call({"et_put", "-v", "-w", "local", "-l", "/dev/full", (folder / "tree").string()});
  CHECK(full.code == 0);
  CHECK(full.out == "Batch ID: 1\n");
  auto first = full.err.find("cannot go on writing the log file");
  CHECK(first != std::string::npos);
  CHECK(full.err.find("cannot go on", first + 1) == std::string::npos);
}

TEST_CASE("commands that append to one log at once lose no line and mix none") {
  temp_folder folder;
  service node{folder / "state"};
  node.start();
  constexpr int commands = 8;
  constexpr int bad_lines = 3000;
  auto log = folder / "log";
  std::vector<std::unique_ptr<child>> running;
  auto surroundings = node.surroundings();
  for (int i = 0; i < commands; ++i) {
    std::string list;
    for (int k = 0; k < bad_lines; ++k)
      list +=
          std::string(static_cast<size_t>(20 + (k * 7919 + i) % 700), static_cast<char>('a' + i)) +
          "-" + std::to_string(k) + "\n";
    auto file = folder / ("list" + std::to_string(i));
    write_file(file, list);
    running.push_back(std::make_unique<child>(
        std::vector<std::string>{"et_put", "-w", "local", "-l", log.string(), "-f", file.string()},
        child_options{surroundings}));
  }
  for (auto& one : running) CHECK(one->wait(std::chrono::minutes{2}) == 2);
  std::map<std::string, std::set<std::string>> bad;
  std::map<std::string, int> ends;
  for (auto& line : read_log(log)) {
    static const std::regex form{R"(.*/list(\d):(\d+): (.)\3*-(\d+): not an absolute path)"};
    std::smatch found;
    if (line.text.starts_with("ends: exit code 2")) ++ends[line.process];
    if (!std::regex_match(line.text, found, form)) continue;
    CHECK(std::stoi(found[2]) == std::stoi(found[4]) + 1);
    CHECK(found[3].str()[0] - 'a' == std::stoi(found[1]));
    bad[line.process].insert(found[2]);
  }
  CHECK(ends.size() == commands);
  REQUIRE(bad.size() == commands);
  for (auto& [process, lines] : bad) CHECK(lines.size() == bad_lines);
}

TEST_CASE("a command that a signal ends says so in its log") {
  temp_folder folder;
  service node{folder / "state"};
  node.start();
  pipe_ends endless;
  child put{{"et_put", "-w", "local", "-l", (folder / "log").string(), "-f", "-"},
            {node.surroundings(), {}, endless.read.get()}};
  // The first line is there when the command reads its list.
  for (int i = 0; i < 1000 && read_file(folder / "log").empty(); ++i)
    REQUIRE_FALSE(put.wait(std::chrono::milliseconds{5}));
  put.signal(SIGTERM);
  CHECK(put.wait(std::chrono::seconds{20}) == 4);
  auto lines = read_log(folder / "log");
  REQUIRE(lines.size() == 2);
  CHECK(lines[1].text == "ends: exit code 4, interrupted");
  CHECK(lines[1].process == lines[0].process);
}
