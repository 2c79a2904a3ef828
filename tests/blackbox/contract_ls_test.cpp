// et_ls as its contract says: levels, orders, the three formats read back by readers of this test.

#include <fcntl.h>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <regex>

#include "tests/blackbox/harness.hpp"

using namespace et::blackbox;
using nlohmann::json;

namespace {

using words = std::vector<std::string>;
using table = std::vector<words>;

/// RFC 4180 to the letter; the test fails on anything else.
table read_csv(const std::string& text) {
  table rows;
  words row;
  size_t at = 0;
  while (at < text.size()) {
    std::string field;
    if (text[at] == '"') {
      for (++at;; ++at) {
        REQUIRE(at < text.size());
        if (text[at] != '"') {
          field += text[at];
        } else if (at + 1 < text.size() && text[at + 1] == '"') {
          field += text[++at];
        } else {
          break;
        }
      }
      ++at;
    } else {
      while (at < text.size() && text[at] != ',' && text[at] != '\r') {
        REQUIRE(text[at] != '"');
        REQUIRE(text[at] != '\n');
        field += text[at++];
      }
    }
    row.push_back(field);
    REQUIRE(at < text.size());
    if (text[at++] == ',') continue;
    REQUIRE(text[at - 1] == '\r');
    REQUIRE(at < text.size());
    REQUIRE(text[at++] == '\n');
    rows.push_back(std::exchange(row, {}));
  }
  REQUIRE(row.empty());
  return rows;
}

std::string unescaped(const std::string& field) {
  std::string plain;
  for (size_t at = 0; at < field.size(); ++at) {
    if (field[at] != '\\') {
      plain += field[at];
      continue;
    }
    REQUIRE(++at < field.size());
    REQUIRE(std::string{"tn\\"}.find(field[at]) != std::string::npos);
    plain += field[at] == 't' ? '\t' : field[at] == 'n' ? '\n' : '\\';
  }
  return plain;
}

/// Lines of text, their fields without escapes.
table read_text(const std::string& text) {
  table rows;
  size_t at = 0;
  while (at < text.size()) {
    auto end = text.find('\n', at);
    REQUIRE(end != std::string::npos);
    words row{""};
    for (; at < end; ++at) {
      if (text[at] == '\t')
        row.emplace_back();
      else
        row.back() += text[at];
    }
    for (auto& field : row) field = unescaped(field);
    rows.push_back(std::move(row));
    ++at;
  }
  return rows;
}

std::vector<json> read_json(const std::string& text) {
  std::vector<json> rows;
  size_t at = 0;
  while (at < text.size()) {
    auto end = text.find('\n', at);
    REQUIRE(end != std::string::npos);
    rows.push_back(json::parse(text.substr(at, end - at)));
    REQUIRE(rows.back().is_object());
    at = end + 1;
  }
  return rows;
}

std::string base64(const std::string& raw) {
  auto encoded = run({"/usr/bin/base64", "-w", "0"}, {}, raw);
  REQUIRE(encoded.code == 0);
  return encoded.out;
}

/// The path of a row in JSON, as bytes of the file's name.
bool same_path(const json& shown, const std::string& path) {
  if (shown.is_string()) return shown == path;
  return shown.size() == 1 && shown.at("bytes") == base64(path);
}

const words awkward{"plain",
                    "comma,name",
                    "quote\"name",
                    "new\nline",
                    "tab\tname",
                    "back\\slash",
                    "return\rname",
                    "bytes\xff",
                    "gr\xc3\xbc\xc3\x9f",
                    "\\n",
                    "\xed\xa0\x80 surrogate",
                    "\x01\x7f",
                    " spaces "};

/// Two batches: one of awkward names with a tag, one without; safe.
struct holdings {
  holdings() {
    for (auto& name : awkward) write_file(tree / name, name);
    write_file(second / "b" / "1", "x");
    write_file(second / "b.1", "x");
    write_file(second / "B", "x");
    node.start();
    REQUIRE(node.put({"--wait", "-t", "tag,\"1\"", tree.string()}) == 1);
    REQUIRE(node.put({"--wait", second.string()}) == 2);
    for (auto& name : awkward) paths.push_back((tree / name).string());
    std::sort(paths.begin(), paths.end());
    for (auto name : {"B", "b.1", "b/1"}) paths.push_back((second / name).string());
  }
  std::string list(const words& options) const {
    words line{"et_ls", "-w", "local"};
    line.insert(line.end(), options.begin(), options.end());
    auto listed = node.call(line);
    CHECK(listed.code == 0);
    CHECK(listed.err.empty());
    return listed.out;
  }

  temp_folder folder;
  fs::path tree = folder / "tree";
  // Sorts before the first tree: batches come first in the order.
  fs::path second = folder / "another";
  service node{folder / "state"};
  words paths;  // in the order of a listing
};

const std::regex time_form{R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)"};
const std::regex checksum_form{"[0-9a-f]{32}"};

}  // namespace

TEST_CASE("et_ls of files: text, CSV and JSON say the same, by batch, then by path") {
  holdings at;
  auto text = read_text(at.list({"-L", "file", "-H"}));
  auto csv = read_csv(at.list({"-L", "file", "-H", "-F", "csv"}));
  auto lines = read_json(at.list({"-L", "file", "-H", "-F", "json"}));
  REQUIRE(text.size() == at.paths.size() + 1);
  CHECK(text[0] == words{"H", "batch", "state", "size", "mtime", "checksum", "path"});
  REQUIRE(csv.size() == at.paths.size() + 1);
  CHECK(csv[0] == words{"batch", "state", "size", "mtime", "checksum", "path"});
  REQUIRE(lines.size() == at.paths.size());
  for (size_t i = 0; i < at.paths.size(); ++i) {
    auto& row = text[i + 1];
    REQUIRE(row.size() == 7);
    CHECK(row[0] == "F");
    CHECK(row[1] == (i < awkward.size() ? "1" : "2"));
    CHECK((row[2] == "CACHED_SYNCED" || row[2] == "SYNCED"));
    CHECK(row[3] == std::to_string(fs::file_size(at.paths[i])));
    CHECK(std::regex_match(row[4], time_form));
    CHECK(std::regex_match(row[5], checksum_form));
    CHECK(row[6] == at.paths[i]);
    CHECK(csv[i + 1] == words(row.begin() + 1, row.end()));
    auto& object = lines[i];
    CHECK(object.at("batch") == std::stoi(row[1]));
    CHECK(object.at("state") == row[2]);
    CHECK(object.at("size") == std::stoi(row[3]));
    CHECK(object.at("mtime") == row[4]);
    CHECK(object.at("checksum") == row[5]);
    CHECK(same_path(object.at("path"), at.paths[i]));
  }
  CHECK(read_text(at.list({"-L", "file", "-b", "2"})).size() == 3);
  CHECK(at.list({"-L", "file", "-F", "text", "-b", "2"}).find("H\t") == std::string::npos);
  CHECK(read_csv(at.list({"-L", "file", "-F", "csv", "-b", "2"})).size() == 3);
}

TEST_CASE("et_ls of batches and workspaces: fields and order as the contract says") {
  holdings at;
  auto text = read_text(at.list({"-H"}));
  REQUIRE(text.size() == 3);
  CHECK(text[0] == words{"H", "batch", "tag", "state", "created", "files", "bytes", "requester"});
  auto csv = read_csv(at.list({"-H", "-F", "csv", "-L", "batch"}));
  REQUIRE(csv.size() == 3);
  CHECK(csv[0] == words(text[0].begin() + 1, text[0].end()));
  auto lines = read_json(at.list({"-F", "json"}));
  REQUIRE(lines.size() == 2);
  auto me = run({"/usr/bin/id", "-un"}).out;
  me.pop_back();
  uint64_t bytes = 0;
  for (auto& name : awkward) bytes += name.size();
  for (size_t i = 0; i < 2; ++i) {
    auto& row = text[i + 1];
    REQUIRE(row.size() == 8);
    CHECK(row[0] == "B");
    CHECK(row[1] == std::to_string(i + 1));
    CHECK(row[2] == (i == 0 ? "tag,\"1\"" : "-"));
    CHECK((row[3] == "CACHED_SYNCED" || row[3] == "SYNCED"));
    CHECK(std::regex_match(row[4], time_form));
    CHECK(row[5] == (i == 0 ? std::to_string(awkward.size()) : "3"));
    CHECK(row[6] == (i == 0 ? std::to_string(bytes) : "3"));
    CHECK(row[7] == me);
    auto without_tag = words(row.begin() + 1, row.end());
    if (i == 1) without_tag[1] = "";
    CHECK(csv[i + 1] == without_tag);
    CHECK(lines[i].at("batch") == i + 1);
    CHECK(lines[i].at("tag") == without_tag[1]);
    CHECK(lines[i].at("state") == row[3]);
    CHECK(lines[i].at("created") == row[4]);
    CHECK(lines[i].at("files") == std::stoi(row[5]));
    CHECK(lines[i].at("bytes") == std::stoi(row[6]));
    CHECK(lines[i].at("requester") == me);
  }
  CHECK(read_text(at.list({"-b", "2"})) == table{text[2]});

  auto total = std::to_string(bytes + 3);
  auto files = std::to_string(at.paths.size());
  words fields{"local", "2", files, total, "1099511627776", total};
  words titles{"workspace", "batches", "files", "bytes", "quota", "quota used"};
  auto with = [](const std::string& first, words rest) {
    rest.insert(rest.begin(), first);
    return rest;
  };
  CHECK(read_text(at.list({"-L", "workspace", "-H"})) ==
        table{with("H", titles), with("W", fields)});
  CHECK(read_csv(at.list({"-L", "workspace", "-H", "-F", "csv"})) == table{titles, fields});
  auto object = read_json(at.list({"-L", "workspace", "-F", "json"})).at(0);
  CHECK(object.at("workspace") == "local");
  CHECK(object.at("batches") == 2);
  CHECK(object.at("files") == at.paths.size());
  CHECK(object.at("bytes") == bytes + 3);
  CHECK(object.at("quota") == 1099511627776);
  CHECK(object.at("quota_used") == bytes + 3);

  // Without -w: all that one may see, by name.
  for (auto* name : {"zoo", "ark"})
    REQUIRE(
        at.node
            .call({"elastictape", "admin", "workspace", "add", name, "--root", "/", "--quota", "0"})
            .code == 0);
  auto all = read_text(at.node.call({"et_ls", "-L", "workspace"}).out);
  REQUIRE(all.size() == 3);
  CHECK(all[0][1] == "ark");
  CHECK(all[1][1] == "local");
  CHECK(all[2] == words{"W", "zoo", "0", "0", "0", "0", "0"});
}

TEST_CASE("files that are not archived yet, or failed, are listed as such") {
  temp_folder folder;
  service node{folder / "state", "[cache]\nreserve_bytes = \"1000T\"\n"};
  node.start();
  REQUIRE(node.call({"elastictape", "admin", "workspace", "add", "local", "--root", "/", "--quota",
                     "1T"})
              .code == 0);
  write_file(folder / "tree" / "gone", "x");
  REQUIRE(node.put({(folder / "tree").string()}) == 1);
  auto list = [&](const std::string& format) {
    return node.call({"et_ls", "-w", "local", "-L", "file", "-F", format}).out;
  };
  CHECK(read_text(list("text")).at(0).at(2) == "REGISTERED");
  CHECK(read_text(list("text")).at(0).at(5) == "-");
  CHECK(read_csv(list("csv")).at(0).at(4).empty());
  CHECK(read_json(list("json")).at(0).at("checksum").is_null());
  REQUIRE(node.stop() == 0);
  fs::remove(folder / "tree" / "gone");
  node.set_config("[cache]\nreserve_bytes = 0\n");
  node.start();
  CHECK(node.wait(1) == 3);
  CHECK(read_text(list("text")).at(0).at(2) == "FAILED");
  CHECK(read_json(list("json")).at(0).at("reason") == "is gone");
}

TEST_CASE("a reader that goes away ends et_ls with 4 and no word") {
  temp_folder folder;
  for (int i = 0; i < 6000; ++i)
    write_file(folder / "tree" / (std::to_string(i) + std::string(180, 'x')), "");
  service node{folder / "state"};
  node.start();
  REQUIRE(node.put({(folder / "tree").string()}) == 1);
  for (auto* format : {"text", "json", "csv"}) {
    pipe_ends out;
    pipe_ends err;
    child list{{"et_ls", "-w", "local", "-L", "file", "-F", format},
               {node.surroundings(), {}, -1, out.write.get(), err.write.get()}};
    out.write.close();
    err.write.close();
    CHECK_FALSE(read_line(out.read.get()).empty());
    out.read.close();
    CHECK(list.wait(std::chrono::minutes{1}) == 4);
    CHECK(read_line(err.read.get()).empty());
  }
  // A disk without room is told.
  file_end full{open("/dev/full", O_WRONLY | O_CLOEXEC)};
  pipe_ends err;
  child list{{"et_ls", "-w", "local"}, {node.surroundings(), {}, -1, full.get(), err.write.get()}};
  err.write.close();
  CHECK(list.wait(std::chrono::minutes{1}) == 4);
  CHECK(read_line(err.read.get()).find("No space left") != std::string::npos);
}
