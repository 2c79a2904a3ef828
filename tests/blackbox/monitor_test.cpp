// The monitor of the installed program, as browsers, scrapers and feed readers meet it.
#include <arpa/inet.h>
#include <fcntl.h>
#include <httplib.h>
#include <sys/socket.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <sstream>

#include "tests/blackbox/harness.hpp"

using namespace et::blackbox;

namespace {

const std::string user_pages = "/et_user/";

/// A client that sends `;` as it is.
struct browser : httplib::Client {
  explicit browser(const service& node) : httplib::Client(node.monitor()) {
    set_url_encode(false);
    set_read_timeout(60);
  }
  std::string page(const std::string& target) {
    auto got = Get(target);
    INFO(target);
    REQUIRE(got);
    CHECK(got->status == 200);
    return got->body;
  }
};

/// What a lenient HTML parser finds: the cells of all rows with `td`, a line each, tab separated,
/// and, as the second parser, whether a strict one takes it.
std::string rows_by_python(const std::string& page) {
  const std::string program = R"(
import sys, xml.dom.minidom
from html.parser import HTMLParser
page = sys.stdin.buffer.read()
xml.dom.minidom.parseString(page)
class rows(HTMLParser):
    def __init__(self):
        super().__init__()
        self.cell, self.row = None, []
    def handle_starttag(self, tag, attributes):
        if tag == 'tr': self.row = []
        if tag == 'td': self.cell = ''
    def handle_data(self, data):
        if self.cell is not None: self.cell += data
    def handle_endtag(self, tag):
        if tag == 'td': self.row.append(self.cell); self.cell = None
        if tag == 'tr' and self.row: print('\t'.join(ascii(one) for one in self.row))
rows().feed(page.decode('utf-8'))
)";
  auto done = run({"/usr/bin/python3", "-c", program}, {}, page);
  INFO(done.err);
  CHECK(done.code == 0);
  return done.out;
}

/// Lines of a listing, without the columns that XML does not have.
std::vector<std::string> common(const std::string& listing, const std::vector<size_t>& columns) {
  std::vector<std::string> lines;
  std::istringstream in{listing};
  for (std::string line; std::getline(in, line);) {
    std::vector<std::string> fields{""};
    for (char c : line) {
      if (c == '\t')
        fields.emplace_back();
      else
        fields.back() += c;
    }
    std::string kept;
    for (auto column : columns) kept += fields.at(column) + '\t';
    lines.push_back(kept);
  }
  return lines;
}

uint64_t resident_kib(pid_t process) {
  return std::stoull(process_fact(process, "VmRSS"));
}

}  // namespace

TEST_CASE("monitor: every page of a real batch, read by strict and lenient parsers") {
  temp_folder folder;
  make_awkward_tree(folder / "tree", 1 << 20, 7);
  write_file(folder / "tree" / "a<b>&\"'", "x");
  write_file(folder / "tree" / "control\x01\x1f", "x");
  write_file(folder / "tree" / "return\r", "x");
  service node{folder / "state"};
  node.start();
  auto batch = node.put({"-t", "tag<&>", "--wait", (folder / "tree").string()});
  REQUIRE(batch == 1);
  fs::create_directory(folder / "back");
  REQUIRE(node.call({"et_get", "-w", "local", "-b", "1", "-r", (folder / "back").string()}).code ==
          0);
  browser client{node};
  for (const auto* target :
       {"/", "/et_user/ET_Home.php?caller=root", "/et_user/ET_AlertWatch.php?workspace=local",
        "/et_user/ET_Holdings_Summary.php?workspace=local;caller=root",
        "/et_user/ET_Holdings_Summary.php?workspace=local;caller=root;level=batches",
        "/et_user/ET_Holdings_Summary.php?workspace=local&caller=root;level=files",
        "/et_user/ET_Holdings_Summary_XML.php?workspace=local&level=file",
        "/et_user/ET_Batch_Input_Summary.php?workspace=local;batch=1",
        "/et_user/ET_Batch_Input_File_Details.php?batch=1",
        "/et_user/ET_Aggregation_File_Details.php?aggregation=1.1",
        "/et_user/RetrievalWatch.php?rr_id=1;workspace=local",
        "/et_admin/ET_WkspaceOverview-XML.php", "/et_admin/ET_Role_List.php",
        "/et_rss/ET_RSS_AlertWatch_atom.php", "/et_rss/ET_RSS_AlertWatch.php?workspace=local"}) {
    INFO(target);
    rows_by_python(client.page(target));
    auto head = client.Head(target);
    REQUIRE(head);
    CHECK(head->status == 200);
    CHECK(head->body.empty());
  }
  auto files = rows_by_python(client.page(user_pages + "ET_Batch_Input_File_Details.php?batch=1"));
  auto has = [&](const std::string& text) { return files.find(text) != std::string::npos; };
  CHECK(has("/tree/a<b>&\"\\'"));
  CHECK(has("/tree/control%01%1F"));
  CHECK(has("/tree/return\\r"));
  CHECK(has("/tree/new\\nline"));
  CHECK(has("/tree/bytes %FF%FE"));
  auto summary = rows_by_python(client.page(user_pages + "ET_Batch_Input_Summary.php?batch=1"));
  CHECK(summary.starts_with("'CACHED_SYNCED'\t'tag<&>'\t"));
  auto watched = rows_by_python(client.page(user_pages + "RetrievalWatch.php?rr_id=1"));
  CHECK(watched.find("'COMPLETED'") != std::string::npos);
  auto feed = client.page("/et_rss/ET_RSS_AlertWatch_atom.php");
  CHECK(feed.find("<summary>Batch 1 successfully sent to storage at ") != std::string::npos);
  CHECK(feed.find(node.monitor() + "/et_user/ET_AlertWatch.php#alert_id_1") != std::string::npos);
  CHECK(client.Get("/none")->status == 404);
  CHECK(client.Get("/et_user/ET_Batch_Input_Summary.php?batch=2")->status == 404);
  CHECK(client.Get("/et_user/ET_Holdings_Summary.php?workspace=none")->status == 404);
  CHECK(client.Get("/et_user/ET_Batch_Input_Summary.php?batch=abc")->status == 400);
  CHECK(client.Get("/et_user/ET_Holdings_Summary.php?workspace=local;level=xyz")->status == 400);
  CHECK(node.stop() == 0);
}

TEST_CASE("monitor: et_ls -x lists what et_ls lists") {
  temp_folder folder;
  make_awkward_tree(folder / "tree", 1 << 20, 8);
  service node{folder / "state"};
  node.start();
  REQUIRE(node.put({"-t", "one", "--wait", (folder / "tree").string()}) == 1);
  write_file(folder / "more" / "file", "x");
  REQUIRE(node.put({"-t", "two", "--wait", (folder / "more").string()}) == 2);
  auto same = [&](const std::string& level, const std::vector<size_t>& columns) {
    std::vector<std::string> words{"et_ls", "-w", "local", "-L", level};
    auto direct = node.call(words);
    words.insert(words.end(), {"-x", node.monitor()});
    auto over_http = node.call(words);
    INFO(over_http.err);
    CHECK(direct.code == 0);
    CHECK(over_http.code == 0);
    CHECK_FALSE(direct.out.empty());
    CHECK(common(over_http.out, columns) == common(direct.out, columns));
  };
  same("workspace", {0, 1, 5, 6});
  same("batch", {0, 1, 2, 3, 4, 5, 6});
  same("file", {0, 1, 2, 3, 6});
  auto one = node.call({"et_ls", "-x", node.monitor(), "-w", "local", "-L", "file", "-b", "2"});
  CHECK(common(one.out, {1, 6}) ==
        std::vector<std::string>{"2\t" + (folder / "more" / "file").string() + "\t"});
  CHECK(node.call({"et_rm", "-w", "local", "-b", "2"}).code == 0);
  auto gone = node.call({"et_ls", "-x", node.monitor(), "-w", "local", "-b", "2"});
  CHECK(gone.code == 1);
  CHECK(gone.err.find("there is no batch 2") != std::string::npos);
  same("batch", {0, 1, 2, 3, 4, 5, 6});
}

TEST_CASE("monitor: 200 idle connections do not stop it") {
  temp_folder folder;
  service node{folder / "state"};
  node.start();
  auto url = node.monitor();
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<uint16_t>(std::stoi(url.substr(url.rfind(':') + 1))));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::vector<file_end> idle;
  for (int i = 0; i < 200; ++i) {
    idle.emplace_back(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    REQUIRE(connect(idle.back().get(), reinterpret_cast<sockaddr*>(&to), sizeof to) == 0);
  }
  browser client{node};
  client.set_read_timeout(5);
  CHECK(client.page("/").find("Elastic Tape") != std::string::npos);
  // Nor the service's end.
  CHECK(node.stop() == 0);
}

TEST_CASE("monitor: where it listens is said, refused or switched off") {
  temp_folder folder;
  {
    service node{folder / "state", "[service]\nhttp = \"off\"\n"};
    node.start();
    CHECK(node.monitor() == "off");
  }
  service first{folder / "first"};
  first.start();
  auto taken = first.monitor().substr(7);
  service second{folder / "second", "[service]\nhttp = \"" + taken + "\"\n"};
  auto refused = second.start_refused();
  CHECK(refused.code == 1);
  CHECK(refused.err.find("cannot serve the monitor on " + taken) != std::string::npos);
  service open{folder / "open", "[service]\nhttp = \"0.0.0.0:0\"\n"};
  refused = open.start_refused();
  CHECK(refused.code == 1);
  CHECK(refused.err.find("without TLS and access control") != std::string::npos);
  CHECK(refused.out.empty());
}

TEST_CASE("monitor: a batch of 200,000 files takes no memory to speak of") {
  temp_folder folder;
  constexpr size_t files = 200'000;
  for (size_t i = 0; i < files; ++i) {
    if (i % 2000 == 0) fs::create_directories(folder / "tree" / std::to_string(i / 2000));
    auto file = folder / "tree" / std::to_string(i / 2000) / std::to_string(i);
    file_end made{open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)};
    REQUIRE(made.get() >= 0);
  }
  service node{folder / "state"};
  node.start();
  REQUIRE(node.put({"-t", "large", "--wait", (folder / "tree").string()}) == 1);
  browser client{node};
  size_t rows = 0;
  uint64_t most_kib = 0;
  auto before_kib = resident_kib(node.process());
  for (const auto* target : {"ET_Batch_Input_File_Details.php?batch=1",
                             "ET_Holdings_Summary_XML.php?workspace=local;level=file"}) {
    size_t received = 0;
    std::string tail;
    auto got = client.Get(user_pages + target, [&](const char* data, size_t size) {
      rows += static_cast<size_t>(std::count(data, data + size, '\n'));
      tail = (tail + std::string{data, size});
      tail = tail.substr(tail.size() - std::min<size_t>(tail.size(), 40));
      if (received / (4 << 20) != (received + size) / (4 << 20))
        most_kib = std::max(most_kib, resident_kib(node.process()));
      received += size;
      return true;
    });
    REQUIRE(got);
    INFO(tail);
    CHECK((tail.ends_with("</html>\n") || tail.ends_with("</et_wkspaces>\n")));
  }
  CHECK(rows > 2 * files);
  CHECK(rows < 2 * files + 40);
  INFO(before_kib << " KiB before, at most " << most_kib);
  REQUIRE(most_kib > 0);
  CHECK(most_kib < before_kib + 50 * 1024);
}
