#include "cli/completion.hpp"

#include <catch2/catch.hpp>

#include "cli/command_app.hpp"
#include "cli/commands/complete.hpp"
#include "tests/cli/command_fixture.hpp"

using namespace et;
using namespace et::test;

namespace {

// The line up to the cursor, which is in its last word.
completion_place place_in(const std::vector<std::string>& words) {
  return find_place(words, words.size() - 1);
}

std::vector<std::string> words_of(const std::vector<candidate>& all) {
  std::vector<std::string> words;
  for (const auto& one : all) words.push_back(one.word);
  return words;
}

std::vector<std::string> offered(const std::vector<std::string>& words) {
  auto place = place_in(words);
  CHECK(place.what == wanted_kind::words);
  return words_of(place.words);
}

bool contains(const std::vector<std::string>& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

using list = std::vector<std::string>;

struct completion_fixture : command_fixture {
  std::string asked_server;
  std::string asked_state;

  std::string complete(const std::vector<std::string>& words, const std::string& workspace = "ws") {
    complete_options options{words.size() - 1, words};
    auto before = out_fd.text().size();
    {
      output out{out_fd.get()};
      auto connect_noted = [this](const std::string& server, const std::string& state) {
        asked_server = server;
        asked_state = state;
        return connect();
      };
      write_completion(options, workspace, connect_noted, out);
    }
    return out_fd.text().substr(before);
  }
};

}  // namespace

TEST_CASE("subcommands, under every name of the program") {
  auto all = offered({"elastictape", ""});
  CHECK(contains(all, "put"));
  CHECK(contains(all, "serve"));
  CHECK(contains(all, "completion"));
  CHECK_FALSE(contains(all, "documents"));
  CHECK(offered({"/opt/bin/elastictape", "ad"}) == list{"admin"});
  CHECK(offered({"elastictape", "admin", ""}) ==
        list{"workspace", "volume", "token", "cluster", "inspect", "alerts", "audit"});
  CHECK(offered({"elastictape", "admin", "workspace", "re"}) == list{"remove"});
  CHECK(offered({"elastictape", "completion", ""}) == list{"bash", "zsh"});
  CHECK(offered({"elastictape", "nonsense", "pu"}) == list{"put"});
  for (std::string name : {"et_rm", "et_rm.py", "/usr/bin/et_rm.py"}) {
    CHECK(offered({name, "--ba"}) == list{"--batch"});
  }
  CHECK(offered({"elastictape", "et_rm", "--ba"}) == list{"--batch"});
}

TEST_CASE("options: by their long names, not again what stands there, short ones when typed") {
  CHECK(offered({"et_ls", "--out"}) == list{"--outputLevel", "--outputFormat"});
  CHECK(offered({"et_ls", "-L", "file", "--out"}) == list{"--outputFormat"});
  CHECK(offered({"et_ls", "--outputLevel=file", "--out"}) == list{"--outputFormat"});
  CHECK(offered({"et_ls", "--outputLevel", "=", "file", "--out"}) == list{"--outputFormat"});
  CHECK(offered({"et_ls", "-HL", "file", "--head"}).empty());
  CHECK(offered({"et_ls", "-Lfile", "--outputL"}).empty());
  CHECK(offered({"et_ls", "-w"}) == list{"-w"});
  CHECK(contains(offered({"et_put", "-"}), "--wait"));
  CHECK(contains(offered({"et_rm", ""}), "--batch"));
  CHECK(offered({"elastictape", "admin", "workspace", "add", "--root", "/a", "--ro"}) ==
        list{"--root"});
  CHECK(offered({"et_ls", "--nonsense", "--out"}).size() == 2);
}

TEST_CASE("fixed values of options, in every way to write them") {
  CHECK(offered({"et_ls", "-L", ""}) == list{"file", "batch", "workspace"});
  CHECK(offered({"et_ls", "--outputLevel", "b"}) == list{"batch"});
  CHECK(offered({"et_ls", "-F", "j"}) == list{"json"});
  // zsh, and bash whose words may hold an equals sign
  CHECK(offered({"et_ls", "--outputFormat="}) == list{"text", "json", "csv"});
  CHECK(offered({"et_ls", "--outputFormat=c"}) == list{"csv"});
  // bash
  CHECK(offered({"et_ls", "--outputFormat", "="}) == list{"text", "json", "csv"});
  CHECK(offered({"et_ls", "--outputFormat", "=", "c"}) == list{"csv"});
  // Quotes as far as they are typed.
  CHECK(offered({"et_ls", "-L", "\"wo"}) == list{"workspace"});
  CHECK(offered({"et_ls", "-L", "wo\\r"}) == list{"workspace"});
  CHECK(offered({"et_ls", "-HL", ""}).size() == 3);
}

TEST_CASE("values of which nothing is known are left alone") {
  for (list words : {list{"et_put", "-t", ""}, {"et_ls", "-x", ""}, {"et_get", "--maxproc="}}) {
    CHECK(offered(words).empty());
  }
}

TEST_CASE("files and folders are left to the shell") {
  CHECK(place_in({"et_put", ""}).what == wanted_kind::folders);
  CHECK(place_in({"et_put", "-c", "/da"}).what == wanted_kind::folders);
  CHECK(place_in({"et_put", "--", "-odd"}).what == wanted_kind::folders);
  CHECK(place_in({"et_put", "-f", ""}).what == wanted_kind::files);
  CHECK(place_in({"et_put", "--listfile=l"}).what == wanted_kind::files);
  CHECK(place_in({"et_put", "-l", ""}).what == wanted_kind::files);
  CHECK(place_in({"et_get", "-r", ""}).what == wanted_kind::folders);
  CHECK(place_in({"elastictape", "export", ""}).what == wanted_kind::files);
  CHECK(place_in({"elastictape", "serve", "--config", ""}).what == wanted_kind::files);
  CHECK(place_in({"elastictape", "serve", "--state", ""}).what == wanted_kind::folders);
  CHECK(place_in({"elastictape", "admin", "workspace", "add", "--root", "/a", ""}).what ==
        wanted_kind::folders);
  CHECK(offered({"elastictape", "export", "image", "1"}).empty());
}

TEST_CASE("no line at all, a cursor outside, odd words: nothing, and no harm") {
  CHECK(find_place({}, 0).words.empty());
  CHECK(find_place({"et_ls"}, 0).words.empty());
  CHECK(find_place({"et_ls"}, 7).words.empty());
  CHECK(find_place({"et_ls"}, 1).words.size() > 5);
  CHECK(offered({"et_ls", "=", "=", "-=", "--=", "--outp"}).size() == 2);
  CHECK(offered({"et_ls", "\\", "'", "\"'", "--outp"}).size() == 2);
  CHECK(offered({"", "pu"}) == list{"put"});
}

TEST_CASE_METHOD(completion_fixture, "workspaces come from the service") {
  service.workspaces_held.push_back(
      {workspace_id{1}, "lidar", {"/"}, {"user"}, 1'000'000, 5'000, 3, 2});
  service.workspaces_held.push_back({workspace_id{2}, "land", {"/"}, {}, 10, 0, 0, 0});
  service.workspaces_held.push_back({workspace_id{3}, "sea\nside", {"/"}, {}, 10, 0, 0, 0});
  CHECK(complete({"et_ls", "-w", ""}) == "words\nlidar\t5.0 kB of 1.0 MB\nland\t0 B of 10 B\n");
  CHECK(complete({"et_ls", "--workspace=la"}) == "words\nland\t0 B of 10 B\n");
  CHECK(complete({"elastictape", "admin", "workspace", "set", "li"}) ==
        "words\nlidar\t5.0 kB of 1.0 MB\n");
  CHECK(complete({"et_ls", "--server", "unix:/s", "--state=/st", "-w", "x"}) == "words\n");
  CHECK(asked_server == "unix:/s");
  CHECK(asked_state == "/st");
}

TEST_CASE_METHOD(completion_fixture, "batches come from the service, the newest first") {
  for (uint64_t id = 1; id <= 450; ++id) {
    service.batches[id].id = batch_id{id};
    service.batches[id].files = id;
  }
  service.batches[450].tag = "tag";
  service.batches[450].state = state::synced;
  auto all = complete({"et_rm", "-b", ""});
  CHECK(all.rfind("words\n450\ttag, SYNCED, 450 files\n449\tREGISTERED, 449 files\n", 0) == 0);
  CHECK(std::count(all.begin(), all.end(), '\n') == 1 + max_offered_batches);
  CHECK(all.find("\n251\t") != std::string::npos);
  CHECK(all.find("\n250\t") == std::string::npos);
  // What is typed chooses before the bound does.
  CHECK(complete({"et_get", "-r", "/", "-b", "12"}).rfind("words\n129\t", 0) == 0);
  CHECK(complete({"et_rm", "-b", "1"}).find("\n1\tREGISTERED, 1 file\n") != std::string::npos);
  // The workspace: as given, else as configured, else nobody is asked.
  CHECK(complete({"et_rm", "-w", "theirs", "-b", ""}) == "words\n");
  CHECK(complete({"et_rm", "-b", ""}, "theirs") == "words\n");
  auto before = connections;
  CHECK(complete({"et_rm", "-b", ""}, "") == "words\n");
  CHECK(connections == before);
}

TEST_CASE("the words to complete are not looked into by the argument library") {
  auto line = parse_command_line({"elastictape", "complete", "2", "--", "et_ls", "[a]", "--help"});
  CHECK(line.what == command::complete);
  CHECK(line.complete.current == 2);
  CHECK(line.complete.words == list{"et_ls", "[a]", "--help"});
  CHECK(parse_command_line({"elastictape", "complete"}).complete.words.empty());
  CHECK(parse_command_line({"elastictape", "complete", "x", "--", "a"}).complete.current == 0);
}

TEST_CASE("the names that completion is for are the names that are installed") {
  CHECK(program_names() == list{"elastictape", "et_put", "et_put.py", "et_get", "et_get.py",
                                "et_rm", "et_rm.py", "et_ls", "et_ls.py"});
}
