#include "cli/command.hpp"

#include <catch2/catch.hpp>

using namespace et;

namespace {

command_line parsed(std::vector<std::string> words) {
  return parse_command_line(words);
}

// Usage errors: exit 1, the usage on stderr, nothing on stdout.
void check_usage_error(std::vector<std::string> words) {
  auto line = parse_command_line(words);
  INFO(words.back());
  CHECK(line.what == command::none);
  CHECK(line.exit_code == 1);
  CHECK(line.out_text.empty());
  CHECK(line.err_text.find("Usage: ") != std::string::npos);
}

}  // namespace

TEST_CASE("the eight names are their subcommands") {
  for (std::string name : {"et_ls", "/usr/bin/et_ls", "./et_ls.py"}) {
    auto line = parsed({name, "-w", "x"});
    CHECK(line.what == command::ls);
    CHECK(line.program == "et_ls");
    CHECK(line.workspace == "x");
  }
  CHECK(parsed({"et_put.py", "/d"}).what == command::put);
  CHECK(parsed({"et_get", "-b", "1", "-r", "/d"}).what == command::get);
  CHECK(parsed({"et_rm.py", "-b", "1"}).what == command::rm);
  auto line = parsed({"elastictape", "ls"});
  CHECK(line.what == command::ls);
  CHECK(line.program == "elastictape ls");
  CHECK(parsed({"elastictape", "et_ls"}).what == command::ls);
}

TEST_CASE("et_put's options") {
  auto line = parsed({"et_put", "-v", "-l", "log", "-w", "ws", "-c", "-t", "tag", "-f", "-"});
  CHECK(line.what == command::put);
  CHECK(line.verbose);
  CHECK(line.log_file == "log");
  CHECK(line.workspace == "ws");
  CHECK(line.put.skip_bad);
  CHECK(line.put.tag == "tag");
  CHECK(line.put.list_file == "-");
  CHECK(line.put.folder.empty());
  line = parsed({"et_put", "--wait", "--json", "--server", "unix:/s", "/some/dir"});
  CHECK(line.put.wait);
  CHECK(line.put.json);
  CHECK(line.server == "unix:/s");
  CHECK(line.put.folder == "/some/dir");
  check_usage_error({"et_put"});
  check_usage_error({"et_put", "-f", "list", "/dir"});
  check_usage_error({"et_put", "/dir", "/dir2"});
  check_usage_error({"et_put", "-q", "/dir"});
  check_usage_error({"et_put", "-t", "", "/dir"});
  check_usage_error({"et_put", "-f"});
}

TEST_CASE("et_get's options") {
  auto line =
      parsed({"et_get", "-v", "-l", "log", "-b", "012", "-w", "ws", "-r", "/to", "-t", "9"});
  CHECK(line.what == command::get);
  CHECK(line.get.batch.value == 12);
  CHECK(line.get.folder == "/to");
  CHECK(line.get.streams == 9);
  CHECK_FALSE(line.get.overwrite);
  line = parsed({"et_get", "-f", "list", "-b", "3", "-r", "/to", "--overwrite"});
  CHECK(line.get.list_file == "list");
  CHECK(line.get.batch.value == 3);
  CHECK(line.get.streams == 5);
  CHECK(line.get.overwrite);
  check_usage_error({"et_get", "-r", "/to"});
  check_usage_error({"et_get", "-b", "1"});
  for (std::string bad : {"0", "-1", "x", "1x", "0x10", "99999999999999999999", ""}) {
    check_usage_error({"et_get", "-r", "/to", "-b", bad});
  }
  check_usage_error({"et_get", "-b", "1", "-r", "/to", "-t", "0"});
}

TEST_CASE("et_ls's options in every spelling") {
  for (std::string name : {"-x", "-X", "--xmlsource"}) {
    CHECK(parsed({"et_ls", name, "http://m/"}).ls.xml_source == "http://m/");
  }
  for (std::string name : {"-H", "--headerWanted"}) CHECK(parsed({"et_ls", name}).ls.header);
  for (std::string name : {"-b", "--batchid"}) {
    CHECK(parsed({"et_ls", name, "7"}).ls.batch.value == 7);
  }
  for (std::string name : {"-L", "--outputLevel"}) {
    CHECK(parsed({"et_ls", name, "workspace"}).level == "workspace");
  }
  for (std::string name : {"-F", "--outputFormat"}) {
    CHECK(parsed({"et_ls", name, "csv"}).ls.format == ls_format::csv);
    CHECK(parsed({"et_ls", name, "json"}).ls.format == ls_format::json);
  }
  CHECK(parsed({"et_ls", "-L", "file", "-L", "batch"}).level == "batch");
  check_usage_error({"et_ls", "-L", "everything"});
  check_usage_error({"et_ls", "-F", "xml"});
  check_usage_error({"et_ls", "extra"});
}

TEST_CASE("help and version on every level are for stdout, exit 0") {
  for (auto words : {std::vector<std::string>{"et_ls", "-h"},
                     {"et_put", "--help"},
                     {"elastictape", "--help"},
                     {"elastictape", "get", "--help"},
                     {"elastictape", "admin", "workspace", "add", "--help"},
                     {"elastictape", "--version"},
                     {"et_get", "--version"},
                     {"elastictape", "serve", "--version"}}) {
    auto line = parse_command_line(words);
    INFO(words.back());
    CHECK(line.what == command::none);
    CHECK(line.exit_code == 0);
    CHECK(line.err_text.empty());
    CHECK_FALSE(line.out_text.empty());
  }
  CHECK(parsed({"et_get", "--version"}).out_text.find("elastictape 0.") == 0);
  CHECK(parsed({"elastictape", "get", "--help"}).out_text.find("MAXPROC") != std::string::npos);
}

TEST_CASE("the other commands") {
  check_usage_error({"elastictape"});
  check_usage_error({"elastictape", "frobnicate"});
  check_usage_error({"elastictape", "admin"});
  check_usage_error({"elastictape", "admin", "workspace"});
  auto line = parsed({"elastictape", "serve", "--config", "c", "--state", "s", "--listen",
                      "unix:/l", "--http", "127.0.0.1:0"});
  CHECK(line.what == command::serve);
  CHECK(line.serve.config_file == "c");
  CHECK(line.serve.state == "s");
  CHECK(line.serve.listen == "unix:/l");
  CHECK(line.serve.http == "127.0.0.1:0");
  line = parsed({"elastictape", "status", "-r", "4", "--wait", "--json"});
  CHECK(line.what == command::status);
  CHECK(line.status.retrieval.value == 4);
  CHECK(line.status.wait);
  check_usage_error({"elastictape", "status", "-r", "4", "-b", "5"});
  line = parsed({"elastictape", "export", "image", "3.1"});
  CHECK(line.what == command::export_image);
  CHECK(line.exporting.aggregation == "3.1");
  check_usage_error({"elastictape", "export"});
}

TEST_CASE("admin workspace") {
  auto line = parsed({"elastictape", "admin", "workspace", "add", "ws", "--root", "/a", "/b",
                      "--manager", "anna", "--manager", "bert", "--quota", "10T"});
  REQUIRE(line.what == command::admin_workspace);
  CHECK(line.workspaces.what == admin_workspace_options::action::add);
  CHECK(line.workspaces.name == "ws");
  CHECK(*line.workspaces.roots == std::vector<std::string>{"/a", "/b"});
  CHECK(*line.workspaces.managers == std::vector<std::string>{"anna", "bert"});
  CHECK(*line.workspaces.quota_bytes == 10ull << 40);
  line = parsed({"elastictape", "admin", "workspace", "set", "ws", "--quota", "5TB"});
  CHECK(line.workspaces.what == admin_workspace_options::action::set);
  CHECK_FALSE(line.workspaces.roots);
  CHECK(*line.workspaces.quota_bytes == 5'000'000'000'000);
  CHECK(parsed({"elastictape", "admin", "workspace", "list"}).workspaces.name.empty());
  CHECK(parsed({"elastictape", "admin", "inspect", "--json"}).inspect.json);
  CHECK(parsed({"elastictape", "admin", "alerts", "--after", "0"}).what == command::admin_alerts);
  check_usage_error({"elastictape", "admin", "workspace", "add", "ws"});
  check_usage_error({"elastictape", "admin", "workspace", "set", "ws", "--quota", "lots"});
  check_usage_error({"elastictape", "admin", "workspace", "remove"});
}

TEST_CASE("a command that does not exist is named") {
  auto line = parse_command_line({"elastictape", "foo", "-b", "1"});
  CHECK(line.exit_code == exit_parameters);
  CHECK(line.err_text.find("there is no command 'foo'") != std::string::npos);
  line = parse_command_line({"elastictape", "admin"});
  CHECK(line.err_text.find("there is no command") == std::string::npos);
  CHECK(line.exit_code == exit_parameters);
}

TEST_CASE("of a value that cannot be used it is said what could be") {
  auto line = parsed({"elastictape", "admin", "volume", "set", "ET0001L8", "--status", "broken"});
  CHECK(line.err_text.find("--status: 'broken' cannot be used (--status: blank, appendable, full") !=
        std::string::npos);
  line = parsed({"et_rm", "-b", "1\x1b"});
  CHECK(line.err_text.find("--batch: '1\\x1b' cannot be used (--batch: batch to remove)") !=
        std::string::npos);
}
