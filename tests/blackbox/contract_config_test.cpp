// Which server and which workspace a command means: option, environment, the user's et_config, the
// system's, the state folder.

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/blackbox/harness.hpp"

using namespace et::blackbox;

namespace {

using words = std::vector<std::string>;

/// Three services told apart by the name of a workspace each has; a home and a system's file.
struct places {
  /// Starts those named.
  explicit places(const words& names) {
    for (auto& name : names) {
      auto& node = name == "first" ? first : name == "second" ? second : third;
      node.start();
      auto added = node.call(
          {"elastictape", "admin", "workspace", "add", name, "--root", "/", "--quota", "1T"});
      REQUIRE(added.code == 0);
    }
    fs::create_directories(folder / "home");
  }

  static std::string address(const service& node) {
    return "unix:" + (node.state() / "elastictape.sock").string();
  }
  static std::string server(const service& node) {
    return "[Server]\nHost = " + address(node) + "\n";
  }
  void own(const std::string& text) { write_file(folder / "home" / ".et_config", text); }
  void system(const std::string& text) { write_file(folder / "system", text); }

  outcome call(const words& line) const {
    return run(line, {{"HOME", (folder / "home").string()},
                      {"ELASTICTAPE_SYSTEM_CONFIG", (folder / "system").string()},
                      {"ELASTICTAPE_SERVER", in_environment},
                      {"ELASTICTAPE_STATE", third.state().string()}});
  }
  /// The service that a command reaches.
  std::string reached(const words& extra = {}) const {
    words line{"et_ls", "-L", "workspace"};
    line.insert(line.end(), extra.begin(), extra.end());
    auto listed = call(line);
    INFO(listed.err);
    CHECK(listed.code == 0);
    for (auto one : {"first", "second", "third"})
      if (listed.out.find("W\t" + std::string{one}) != std::string::npos) return one;
    return "none: " + listed.out;
  }

  temp_folder folder;
  service first{folder / "one"};
  service second{folder / "two"};
  service third{folder / "three"};
  std::string in_environment;
};

}  // namespace

TEST_CASE("the server: option, then environment, user's file, system's file, state folder") {
  places at{{"first", "second", "third"}};
  CHECK(at.reached() == "third");
  at.system(places::server(at.second));
  CHECK(at.reached() == "second");
  at.own(places::server(at.first));
  CHECK(at.reached() == "first");
  at.in_environment = places::address(at.second);
  CHECK(at.reached() == "second");
  CHECK(at.reached({"--server", places::address(at.third)}) == "third");

  // Setting by setting: the user's file says the workspace only.
  at.in_environment.clear();
  at.own("[Batch]\nWorkspace = second\n");
  CHECK(at.reached({"-w", "second"}) == "second");
  auto listed = at.call({"et_ls", "-L", "batch"});
  CHECK(listed.code == 0);

  // The state folder of the line is that of another embedded service.
  fs::remove(at.folder / "system");
  CHECK(at.reached({"--state", at.first.state().string(), "-w", "first"}) == "first");
  // Without the file that tells the address there is still the usual place.
  fs::remove(at.third.state() / "address");
  at.own("");
  CHECK(at.reached() == "third");
}

TEST_CASE("the workspace: option, then the user's file, then the system's") {
  places at{{"third"}};
  at.system(places::server(at.third) + "[Batch]\nWorkspace = third\n");
  auto listed = at.call({"et_ls"});
  CHECK(listed.code == 0);
  CHECK(listed.err.empty());
  at.own("[Batch]\nWorkspace = elsewhere\n");
  listed = at.call({"et_ls"});
  CHECK(listed.code == 1);
  CHECK(listed.err.find("elsewhere") != std::string::npos);
  CHECK(at.call({"et_ls", "-w", "third"}).code == 0);
  // Values are case-sensitive.
  CHECK(at.call({"et_ls", "-w", "Third"}).code == 1);

  SECTION("every command that needs one says where to set it") {
    at.own("");
    at.system(places::server(at.third));
    for (const auto& line :
         {words{"et_ls"}, words{"et_ls", "-L", "file"}, words{"et_put", at.folder.path().string()},
          words{"et_get", "-b", "1", "-r", at.folder.path().string()}, words{"et_rm", "-b", "1"},
          words{"elastictape", "status"}}) {
      INFO(line[0]);
      auto refused = at.call(line);
      CHECK(refused.code == 1);
      CHECK(refused.out.empty());
      for (auto* hint : {"-w", "[Batch]", "Workspace", ".et_config"})
        CHECK(refused.err.find(hint) != std::string::npos);
      CHECK(refused.err.find((at.folder / "system").string()) != std::string::npos);
    }
    CHECK(at.reached() == "third");
  }
}

TEST_CASE("et_config: names in any case, comments, indentation, carriage returns, long values") {
  places at{{"third"}};
  std::string third = places::address(at.third);
  auto check = [&](const std::string& text) {
    INFO(text.substr(0, 200));
    at.own(text);
    CHECK(at.reached() == "third");
    auto listed = at.call({"et_ls", "-H"});
    CHECK(listed.err.empty());
    CHECK(listed.out.starts_with("H\tbatch\ttag\t"));
  };
  check("[server]\nhost = " + third + "\n[BATCH]\nWORKSPACE=third\n");
  check("[SERVER]\r\nHOST: " + third + "\r\n[batch]\r\nworkspace : third\r\n");
  check("# comment\n; another\n\n[Server]\nHost = " + third +
        " ; embedded\n\n[Batch]\nWorkspace = third\n");
  check("\xef\xbb\xbf[Server]\nHost = " + third +
        "\n[Other]\nHost = x\n[Batch]\nWorkspace=third\n");
  check("[Server]\n  Host = " + third + "\n  Port = 1\n[Batch]\n\tTag = x\n\tWorkspace = third\n");
  check("[Batch]\nWorkspace = third\nComment = " + std::string(5000, 'x') +
        "\n[Server]\nHost = " + third + "\n");
  check("[Batch]\nWorkspace = old\nWorkspace = third\n[Server]\nHost = " + third);
}

TEST_CASE("et_config: outputLevel is the level of et_ls when the line does not say") {
  places at{{"third"}};
  auto tree = at.folder / "tree";
  write_file(tree / "file", "x");
  REQUIRE(at.third.call({"et_put", "-w", "third", tree.string()}).code == 0);
  auto base = places::server(at.third) + "[Batch]\nWorkspace = third\n";
  auto first_letter = [&](const std::string& setting, const words& extra = {}) {
    at.own(base + setting);
    words line{"et_ls"};
    line.insert(line.end(), extra.begin(), extra.end());
    return at.call(line).out.substr(0, 2);
  };
  CHECK(first_letter("") == "B\t");
  CHECK(first_letter("[DIRECTORY]\noutputLevel = file\n") == "F\t");
  CHECK(first_letter("[directory]\nOUTPUTLEVEL = workspace\n") == "W\t");
  CHECK(first_letter("[Directory]\noutputlevel = batch\n") == "B\t");
  CHECK(first_letter("[DIRECTORY]\noutputLevel = file\n", {"-L", "workspace"}) == "W\t");
  at.system("[DIRECTORY]\noutputLevel = file\n");
  CHECK(first_letter("") == "F\t");
  CHECK(first_letter("[DIRECTORY]\noutputLevel = batch\n") == "B\t");
  at.own(base + "[DIRECTORY]\noutputLevel = Files\n");
  auto refused = at.call({"et_ls"});
  CHECK(refused.code == 1);
  CHECK(refused.err.find((at.folder / "home" / ".et_config").string()) != std::string::npos);
  CHECK(refused.err.find("outputLevel") != std::string::npos);
}

TEST_CASE("a broken et_config is named with its line, and no command goes on") {
  places at{{"third"}};
  auto own = (at.folder / "home" / ".et_config").string();
  auto tree = at.folder / "tree";
  write_file(tree / "file", "x");
  auto check = [&](const std::string& where) {
    for (const auto& line :
         {words{"et_ls", "-w", "third"}, words{"et_put", "-w", "third", tree.string()},
          words{"elastictape", "status", "-w", "third"}}) {
      auto refused = at.call(line);
      INFO(line[0] << refused.err);
      CHECK(refused.code == 1);
      CHECK(refused.out.empty());
      CHECK(refused.err.find(where) != std::string::npos);
    }
  };
  at.own("[Server]\nHost = x\nnonsense\n");
  check(own + ":3: ");
  at.own("\n\n[Server\nHost = x\n");
  check(own + ":3: ");
  at.own("[Server]\n\nHost = x\n");
  check("Port");
  at.own("[Server]\nHost = x\nPort = many\n");
  check("many");
  fs::remove(own);
  fs::create_directory(own);
  check(own);
  fs::remove(own);
  at.system("x");
  check((at.folder / "system").string() + ":1: ");
  fs::remove(at.folder / "system");
  for (auto* bad : {"nonsense", "unix:relative", "host:", ":5", "host:0", "host:65536"}) {
    auto refused = at.call({"et_ls", "-w", "third", "--server", bad});
    INFO(bad << refused.err);
    CHECK(refused.code == 1);
    CHECK(refused.err.find(bad) != std::string::npos);
  }
  CHECK(at.call({"et_ls", "-w", "third"}).out.empty());

  if (geteuid() != 0) return;
  at.own("[Server]\n");
  chmod(own.c_str(), 0);
  auto unreadable = run({"et_ls"}, {{"HOME", (at.folder / "home").string()}}, {}, user{64'001, 1});
  CHECK(unreadable.code == 1);
  CHECK(unreadable.err.find(own) != std::string::npos);
}
