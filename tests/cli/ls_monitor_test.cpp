#include "cli/commands/ls_monitor.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <csignal>

#include "cli/http_fetch.hpp"
#include "tests/cli/command_fixture.hpp"
#include "tests/support/local_monitor.hpp"

using namespace et;
using namespace et::test;

namespace {

const std::string holdings =
    "<et_wkspaces><et_wkspace><workspace_id>ws</workspace_id><quota>1000</quota>"
    "<quota_used>6</quota_used><batches>"
    "<batch><batch_id>3</batch_id><batch_name>tag</batch_name><batch_state>SYNCED</batch_state>"
    "<file_count>2</file_count><batch_size>5</batch_size>"
    "<time_created>2023-11-14 22:13:20</time_created><files>"
    "<file><file_name>/d/a&#9;b\n\\c</file_name><file_size>5</file_size>"
    "<current_state>SYNCED</current_state><time_to_tape>2023-11-14 22:13:30</time_to_tape></file>"
    "<file><file_name>/d/z, \"q\"%FF</file_name><file_size>0</file_size>"
    "<current_state>CACHED</current_state><time_to_tape></time_to_tape></file></files></batch>"
    "<batch><batch_id>8</batch_id><batch_name></batch_name><batch_state>CACHED</batch_state>"
    "<file_count>1</file_count><batch_size>1</batch_size><time_created></time_created><files>"
    "<file><file_name>/d/x &amp; y</file_name><file_size>1</file_size>"
    "<current_state>REGISTERED</current_state></file></files></batch>"
    "</batches></et_wkspace></et_wkspaces>";

local_monitor::answer with_status(int status, const std::string& page) {
  return [=](const httplib::Request&, httplib::Response& response) {
    response.status = status;
    response.set_content(page, "text/html");
  };
}

struct monitor_fixture : command_fixture {
  ls_options options;

  monitor_fixture() {
    setenv("TZ", "UTC", 1);
    tzset();
    options.workspace = "ws";
    options.caller = "ada";
  }
  ~monitor_fixture() {
    unsetenv("TZ");
    tzset();
  }
  std::string ls(int code = exit_ok) {
    auto before = out_fd.text().size();
    INFO(err_fd.text());
    CHECK(run(run_ls, options) == code);
    return out_fd.text().substr(before);
  }
  std::string ls_of(const local_monitor& monitor, int code = exit_ok) {
    options.xml_source = monitor.url();
    return ls(code);
  }
  bool said(const std::string& word) { return err_fd.text().find(word) != std::string::npos; }
};

}  // namespace

TEST_CASE_METHOD(monitor_fixture, "a monitor's holdings look like the service's at every level") {
  local_monitor monitor{in_chunks(holdings, 3)};
  CHECK(ls_of(monitor) ==
        "B\t3\ttag\tSYNCED\t2023-11-14T22:13:20Z\t2\t5\t-\n"
        "B\t8\t-\tCACHED\t-\t1\t1\t-\n");
  options.level = ls_level::file;
  options.header = true;
  CHECK(ls_of(monitor) ==
        "H\tbatch\tstate\tsize\tmtime\tchecksum\tpath\n"
        "F\t3\tSYNCED\t5\t-\t-\t/d/a\\tb\\n\\\\c\n"
        "F\t3\tCACHED\t0\t-\t-\t/d/z, \"q\"\xff\n"
        "F\t8\tREGISTERED\t1\t-\t-\t/d/x & y\n");
  options.level = ls_level::workspace;
  options.batch = batch_id{3};
  options.workspace.clear();
  CHECK(ls_of(monitor) ==
        "H\tworkspace\tbatches\tfiles\tbytes\tquota\tquota used\nW\tws\t-\t-\t-\t1000\t6\n");
  const std::string page = "/et_user/ET_Holdings_Summary_XML.php?";
  CHECK(monitor.targets() == std::vector<std::string>{page + "workspace=ws&caller=ada&level=batch",
                                                      page + "workspace=ws&caller=ada&level=file",
                                                      page + "caller=ada&level=top"});
  CHECK(connections == 0);
}

TEST_CASE_METHOD(monitor_fixture, "a monitor's holdings as CSV and JSON") {
  local_monitor monitor{in_chunks(holdings, 4000)};
  options.level = ls_level::file;
  options.format = ls_format::csv;
  CHECK(ls_of(monitor) ==
        "3,SYNCED,5,,,\"/d/a\tb\n\\c\"\r\n"
        "3,CACHED,0,,,\"/d/z, \"\"q\"\"\xff\"\r\n"
        "8,REGISTERED,1,,,/d/x & y\r\n");
  options.format = ls_format::json;
  auto lines = ls_of(monitor);
  auto second = lines.substr(lines.find('\n') + 1);
  auto row = nlohmann::json::parse(second.substr(0, second.find('\n')));
  CHECK(row["batch"] == 3);
  CHECK(row["mtime"].is_null());
  CHECK(row["mtime_ns"].is_null());
  CHECK(row["checksum"].is_null());
  CHECK(row["path"]["bytes"] == base64_encode("/d/z, \"q\"\xff"));
  options.level = ls_level::batch;
  lines = ls_of(monitor);
  row = nlohmann::json::parse(lines.substr(0, lines.find('\n')));
  CHECK(row["created"] == "2023-11-14T22:13:20Z");
  CHECK(row["requester"].is_null());
  row = nlohmann::json::parse(lines.substr(lines.find('\n')));
  CHECK(row["tag"] == "");
  CHECK(row["created"].is_null());
}

TEST_CASE_METHOD(monitor_fixture, "one batch of a monitor, even of one that sends all") {
  local_monitor monitor{in_chunks(holdings, 100)};
  options.batch = batch_id{8};
  options.level = ls_level::file;
  CHECK(ls_of(monitor) == "F\t8\tREGISTERED\t1\t-\t-\t/d/x & y\n");
  CHECK(monitor.targets()[0].find("&batch=8&") != std::string::npos);
  options.level = ls_level::batch;
  CHECK(ls_of(monitor) == "B\t8\t-\tCACHED\t-\t1\t1\t-\n");
  options.batch = batch_id{5};
  CHECK(ls_of(monitor, exit_parameters).empty());
  CHECK(said("the monitor lists no batch 5"));
}

TEST_CASE_METHOD(monitor_fixture, "what a monitor refuses is told in its own words") {
  struct refusal {
    int status;
    int code;
    const char* words;
  };
  for (auto one :
       {refusal{404, exit_parameters, "404: Not found There is no workspace x & y"},
        refusal{400, exit_parameters, "400: Not found"},
        refusal{401, exit_refused, "401: Not found"}, refusal{403, exit_refused, "403: Not found"},
        refusal{503, exit_parameters, "503: Not found"}}) {
    local_monitor monitor{with_status(
        one.status,
        "<html><head><title>Sorry</title></head><body>\n<h1>Not  found</h1>\n<p>There is no "
        "workspace <b>x</b> &amp; y" +
            std::string(100'000, 'z') + "</p></body></html>")};
    options.header = true;
    CHECK(ls_of(monitor, one.code).empty());
    INFO(err_fd.text());
    CHECK(said(one.words));
    CHECK(err_fd.text().size() < 2000);
  }
}

TEST_CASE_METHOD(monitor_fixture, "an answer that is not holdings, or not all of them") {
  {
    local_monitor monitor{with_status(200, "<html><body>Hello</body></html>")};
    CHECK(ls_of(monitor, exit_parameters).empty());
    CHECK(said("<html>"));
  }
  {
    local_monitor monitor{with_status(200, "")};
    CHECK(ls_of(monitor, exit_parameters).empty());
    CHECK(said("it is empty"));
  }
  auto half = holdings.substr(0, holdings.find("<batch><batch_id>8"));
  const std::string first = "B\t3\ttag\tSYNCED\t2023-11-14T22:13:20Z\t2\t5\t-\n";
  {
    local_monitor monitor{in_chunks(half, 50)};
    CHECK(ls_of(monitor, exit_parameters) == first);
    CHECK(said("ended too early"));
  }
  // The connection goes away although more was promised.
  local_monitor monitor{[half](const httplib::Request&, httplib::Response& response) {
    response.set_content_provider(2 * half.size(), "text/xml",
                                  [half](size_t at, size_t, httplib::DataSink& sink) {
                                    if (at >= half.size()) return false;
                                    return sink.write(half.data() + at, half.size() - at);
                                  });
  }};
  CHECK(ls_of(monitor, exit_parameters) == first);
  CHECK(said("ended within the answer"));
}

TEST_CASE_METHOD(monitor_fixture, "a monitor that is not there") {
  int port = 0;
  {
    local_monitor gone{in_chunks(holdings, 100)};
    port = gone.port();
  }
  options.xml_source = "http://127.0.0.1:" + std::to_string(port) + "/";
  CHECK(ls(exit_parameters).empty());
  CHECK(said("cannot connect to http://127.0.0.1:" + std::to_string(port)));
  options.xml_source = "http://no-such-host.invalid/";
  CHECK(ls(exit_parameters).empty());
  CHECK(said("there is no host no-such-host.invalid"));
  options.xml_source = "monitor";
  CHECK(ls(exit_parameters).empty());
  CHECK(said("'monitor' is not the address of a monitor"));
}

TEST_CASE_METHOD(monitor_fixture, "a monitor may send its readers elsewhere") {
  local_monitor there{in_chunks(holdings, 100)};
  local_monitor here{[&](const httplib::Request& request, httplib::Response& response) {
    response.set_redirect(there.url() + request.target);
  }};
  CHECK(ls_of(here).rfind("B\t3\t", 0) == 0);
  CHECK(there.targets() == here.targets());
}

TEST_CASE_METHOD(monitor_fixture, "a reader that goes away ends a monitor's listing with 4") {
  std::signal(SIGPIPE, SIG_IGN);
  // Never ends by itself.
  local_monitor monitor{[](const httplib::Request&, httplib::Response& response) {
    response.set_chunked_content_provider("text/xml", [](size_t at, httplib::DataSink& sink) {
      std::string text = at == 0 ? "<et_wkspaces>" : "<batch><batch_id>1</batch_id></batch>";
      return sink.write(text.data(), text.size());
    });
  }};
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  close(ends[0]);
  options.xml_source = monitor.url();
  {
    output out{ends[1]};
    reporter report{"et_ls", err_fd.get(), false};
    command_context context{out, report, {}, {}, 1};
    CHECK(run_ls(options, context) == exit_interrupted);
  }
  CHECK(err_fd.text().empty());
  close(ends[1]);
}

TEST_CASE("the words of a page are its text in one line") {
  CHECK(words_of_page("<html><head><title>T</title></head><body class='x'>a<br/>b &lt; c\n\n d",
                      100) == "a b < c d");
  CHECK(words_of_page("plain words", 5) == "plain");
  CHECK(words_of_page("", 100).empty());
  CHECK(words_of_page("<", 100).empty());
  CHECK(words_of_page("a &what; &; & b", 100) == "a ? ? & b");
}
