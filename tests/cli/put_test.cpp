#include "cli/commands/put.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "tests/cli/command_fixture.hpp"

using namespace et;
using namespace et::test;

namespace {

struct put_fixture : command_fixture {
  put_options options;

  put_fixture() {
    options.workspace = "ws";
    options.list_file = folder / "list";
    for (std::string name : {"a", "b", "c"}) write_text(folder / ("data/" + name), name);
  }
  void list(const std::string& text) { write_text(folder / "list", text); }
  std::string path(const std::string& name) const { return folder / ("data/" + name); }
  int put() { return run(run_put, options); }
};

}  // namespace

TEST_CASE_METHOD(put_fixture, "a good list becomes a batch") {
  list(path("b") + "\n" + path("a"));
  CHECK(put() == exit_ok);
  CHECK(out_fd.text() == "Batch ID: 41\n");
  CHECK(err_fd.text().empty());
  REQUIRE(service.received.size() == 2);
  CHECK(service.received[0].path == path("b"));
}

TEST_CASE_METHOD(put_fixture, "every bad line is named, in order, and rejects the batch") {
  service.refused[path("b")] = errc::already_exists;
  list(path("a") + "\n\n " + path("a") + "\nrelative\n" + path("b") + "\n" + path("none") + "\n" +
       folder.path().string() + "\n");
  CHECK(put() == exit_refused);
  CHECK(out_fd.text() == "BATCH REJECTED\n");
  std::string at = "et_test: " + (folder / "list") + ":";
  CHECK(err_fd.text() == at + "2: '': blank line\n" + at + "3:  " + path("a") +
                             ": white space around the path\n" + at +
                             "4: relative: not an absolute path\n" + at + "5: " + path("b") +
                             ": refused: already_exists\n" + at + "6: " + path("none") +
                             ": no such file\n" + at + "7: " + folder.path().string() +
                             ": directory\n"
                             "et_test: 6 bad; nothing is registered (-c leaves bad ones out)\n");
  CHECK_FALSE(service.committed);
  CHECK(service.dropped);
}

TEST_CASE_METHOD(put_fixture, "with -c bad ones are left out and listed") {
  options.skip_bad = true;
  service.refused[path("b")] = errc::invalid_argument;
  list(path("a") + "\nrelative\n" + path("b") + "\n");
  CHECK(put() == exit_ok);
  CHECK(out_fd.text() == "Batch ID: 41\n");
  CHECK(err_fd.text().find("list:2: relative: ") != std::string::npos);
  CHECK(err_fd.text().find("list:3: " + path("b")) != std::string::npos);
  CHECK(service.committed);
}

TEST_CASE_METHOD(put_fixture, "with -c and nothing left the batch is rejected") {
  options.skip_bad = true;
  service.refused[path("b")] = errc::invalid_argument;
  list(path("b") + "\n\n");
  CHECK(put() == exit_refused);
  CHECK(out_fd.text() == "BATCH REJECTED\n");
  CHECK_FALSE(service.committed);
}

TEST_CASE_METHOD(put_fixture, "an empty list is rejected") {
  list("");
  CHECK(put() == exit_refused);
  CHECK(out_fd.text() == "BATCH REJECTED\n");
}

TEST_CASE_METHOD(put_fixture, "over quota is rejected with the figures, with -c, too") {
  options.skip_bad = true;
  service.commit_error = fail(errc::over_quota, "quota 10 bytes, used 8, asked 3");
  list(path("a"));
  CHECK(put() == exit_refused);
  CHECK(out_fd.text() == "BATCH REJECTED\n");
  CHECK(err_fd.text() == "et_test: quota 10 bytes, used 8, asked 3\n");
}

TEST_CASE_METHOD(put_fixture, "a lost answer to the commit says that the outcome is not known") {
  service.commit_error = fail(errc::unavailable, "the session has gone");
  list(path("a"));
  CHECK(put() == exit_parameters);
  CHECK(out_fd.text().empty());
  CHECK(err_fd.text().find("whether the batch is registered is not known") != std::string::npos);
}

TEST_CASE_METHOD(put_fixture, "a list from standard input") {
  memory_fd input;
  std::string text = path("a") + "\nx\n";
  REQUIRE(!write_all(input.get(), text.data(), text.size()));
  lseek(input.get(), 0, SEEK_SET);
  options.list_file = "-";
  options.input_fd = input.get();
  CHECK(put() == exit_refused);
  CHECK(err_fd.text().find("et_test: stdin:2: x: not an absolute path\n") == 0);
}

TEST_CASE_METHOD(put_fixture, "a folder: links are left out, files go in path order") {
  options.list_file.clear();
  options.folder = folder / "data";
  for (int i = 10; i < 40; ++i) fs::create_symlink("a", folder / ("data/l" + std::to_string(i)));
  CHECK(put() == exit_ok);
  REQUIRE(service.received.size() == 3);
  CHECK(service.received[2].path == path("c"));
  auto text = err_fd.text();
  CHECK(text.find("left out: " + path("l10") + ": symbolic link\n") == 0);
  CHECK(text.find(path("l29")) != std::string::npos);
  CHECK(text.find(path("l30")) == std::string::npos);
  CHECK(text.find("left out: 10 more links and special files\n") != std::string::npos);
}

TEST_CASE_METHOD(put_fixture, "parameters are judged before anybody is connected") {
  options.list_file = folder / "no-such-list";
  CHECK(put() == exit_parameters);
  options.list_file = folder.path().string();
  CHECK(put() == exit_parameters);
  options.list_file.clear();
  options.folder = "relative";
  CHECK(put() == exit_parameters);
  options.folder = folder / "data";
  options.tag = "two words";
  CHECK(put() == exit_parameters);
  CHECK(connections == 0);
  CHECK(out_fd.text().empty());
}

TEST_CASE_METHOD(put_fixture, "somebody else's workspace: exit 2") {
  options.workspace = "theirs";
  list(path("a"));
  CHECK(put() == exit_refused);
  CHECK(out_fd.text().empty());
  CHECK(err_fd.text() == "et_test: workspace theirs is not yours\n");
}

TEST_CASE_METHOD(put_fixture, "many entries go in several chunks and errors find their lines") {
  std::string text;
  for (int i = 0; i < 9000; ++i) text += path(i % 2 == 0 ? "a" : "b") + "\n";
  text += path("c") + "\n";
  service.refused[path("c")] = errc::already_exists;
  list(text);
  CHECK(put() == exit_refused);
  CHECK(service.received.size() == 9000);
  CHECK(err_fd.text().find("list:9001: " + path("c")) != std::string::npos);
}

TEST_CASE_METHOD(put_fixture, "--wait ends when the batch is safe, or with 3 when it failed") {
  options.wait = true;
  list(path("a"));
  service.batch_states = {state::registered, state::cached, state::cached_synced};
  CHECK(put() == exit_ok);
  CHECK(out_fd.text().find("Batch ID: 41\nBatch 41 of workspace ws: CACHED_SYNCED\n") == 0);
  service.batch_states = {state::registered, state::failed};
  CHECK(put() == exit_failed);
  stop = true;
  service.batch_states = {state::registered};
  CHECK(put() == exit_interrupted);
}

TEST_CASE_METHOD(put_fixture, "--json") {
  options.json = true;
  list(path("a"));
  CHECK(put() == exit_ok);
  auto json = nlohmann::json::parse(out_fd.text());
  CHECK(json["batch"] == 41);
  CHECK(json["files"] == 1);
}

TEST_CASE_METHOD(put_fixture, "--json of a rejected batch") {
  options.json = true;
  list("x\n");
  CHECK(put() == exit_refused);
  auto json = nlohmann::json::parse(out_fd.text());
  CHECK(json["rejected"] == true);
  CHECK(json["refused"] == 1);
}
