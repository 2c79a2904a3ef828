// The dashboard of the installed program in a real browser.
#include <catch2/catch.hpp>
#include <fstream>
#include <thread>

#include "tests/browser/webdriver.hpp"

using namespace et::blackbox;
using et::browser::json;
using et::browser::window;

namespace {

/// Slow enough that a batch on its way can be watched.
/// Aggregations are so small that a tree of 330 MB is more than one write job may hold: however
/// the work falls together, there is a time when a part of it is safe.
const std::string slow_service =
    "[library]\ndrive_bytes_per_s = \"30MB\"\n[packing]\ntarget_bytes = \"1MiB\"\n"
    "[tape]\nwrite_after_bytes = \"8MiB\"\n";

#define NEEDS_A_BROWSER                                  \
  if (auto why = et::browser::missing(); !why.empty()) { \
    WARN("skipped: " << why);                            \
    return;                                              \
  }

/// A configured service has no workspace of its own.
void add_local(const service& node, const fs::path& root) {
  auto added = node.call({"elastictape", "admin", "workspace", "add", "local", "--root",
                          root.string(), "--manager", "root", "--quota", "1T"});
  INFO(added.err);
  REQUIRE(added.code == 0);
}

json api(const service& node, const std::string& path) {
  httplib::Client client{node.monitor()};
  auto got = client.Get("/api/v1/" + path);
  REQUIRE(got);
  REQUIRE(got->status == 200);
  return json::parse(got->body);
}

void make_tree(const fs::path& tree, size_t files, size_t size_bytes) {
  std::string content(size_bytes, '\0');
  for (size_t i = 0; i < files; ++i) {
    // No two are the same, and none is empty to look at.
    for (size_t at = 0; at < size_bytes; at += 512) content[at] = static_cast<char>(i + at / 512);
    write_file(tree / std::to_string(i), content);
  }
}

/// What `key` of a page names in the overview: fields by name, elements of lists by id, number or
/// position. Null: nothing.
json value_at(const json& overview, const std::string& key) {
  const auto* at = &overview;
  std::istringstream parts{key};
  for (std::string part; std::getline(parts, part, '.');) {
    const json* next = nullptr;
    if (at->is_object() && at->contains(part)) next = &at->at(part);
    if (at->is_array() && part == "length") return at->size();
    if (at->is_array()) {
      for (const auto& one : *at)
        for (const auto* name : {"id", "number"})
          if (one.contains(name) && one.at(name).dump() == part) next = &one;
      auto index = static_cast<size_t>(std::strtoull(part.c_str(), nullptr, 10));
      if (!next && index < at->size()) next = &at->at(index);
    }
    if (!next) return nullptr;
    at = next;
  }
  return *at;
}

/// Key and value of everything that programs read.
json figures_on(window& page) {
  return page.run(
      "return [...document.querySelectorAll('[data-key]')]"
      ".map(one => [one.dataset.key, Number(one.dataset.value)]);");
}

/// Where the text has less contrast to what is behind it than WCAG asks for (AA: 4.5, large 3).
constexpr auto pale_texts = R"(
const channel = (v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
const parts = (colour) => (colour.match(/[\d.]+/g) || []).map(Number);
const light = (c) => 0.2126 * channel(c[0]) + 0.7152 * channel(c[1]) + 0.0722 * channel(c[2]);
const behind = (one) => {
  for (; one; one = one.parentElement) {
    const colour = parts(getComputedStyle(one).backgroundColor);
    if (colour.length === 3 || colour[3] === 1) return colour;
  }
  return [255, 255, 255];
};
const pale = [];
for (const one of document.querySelectorAll('body *')) {
  const own = [...one.childNodes].some((n) => n.nodeType === 3 && n.nodeValue.trim());
  if (!own || one.closest('svg') || !one.getClientRects().length) continue;
  const style = getComputedStyle(one);
  const a = light(parts(style.color)), b = light(behind(one));
  const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  if (contrast < (parseFloat(style.fontSize) >= 24 ? 3 : 4.5))
    pale.push(one.textContent.slice(0, 40) + ' ' + contrast);
}
return pale;
)";

const std::vector<std::string> pages{
    "/",        "/?range=day", "/workspaces", "/workspace/local",    "/batch/1", "/batch/1/files",
    "/volumes", "/drive/0",    "/alerts",     "/et_user/ET_Home.php"};

}  // namespace

TEST_CASE("browser: pages load without complaint, and only from the service itself") {
  NEEDS_A_BROWSER
  temp_folder folder;
  make_tree(folder / "tree", 20, 4096);
  service node{folder / "state"};
  node.start();
  REQUIRE(node.put({"-t", "tag", "--wait", (folder / "tree").string()}) == 1);
  window page;
  for (const auto& target : pages) {
    INFO(target);
    page.open(node.monitor() + target);
    CHECK(page.run("return document.title").get<std::string>().find("lastic") != 0);
    CHECK(page.complaints() == std::vector<std::string>{});
  }
  page.open(node.monitor() + "/");
  page.wait_until("return document.getElementById('link').textContent === 'live'");
  auto requests = page.requests();
  CHECK(requests.size() > pages.size());
  for (const auto& url : requests) {
    INFO(url);
    CHECK(url.starts_with(node.monitor() + "/"));
  }
  CHECK(page.text("#health") == "All well.");
  // The picture in the corner is there.
  CHECK(page.run("return document.querySelector('.brand img').naturalWidth > 0") == true);
}

TEST_CASE("browser: numbers on the page are those of the JSON interface") {
  NEEDS_A_BROWSER
  temp_folder folder;
  make_tree(folder / "tree", 20, 50'000);
  service node{folder / "state"};
  node.start();
  REQUIRE(node.put({"-t", "tag", "--wait", (folder / "tree").string()}) == 1);
  window page;
  page.open(node.monitor() + "/");
  auto overview = api(node, "overview");
  size_t compared = 0;
  for (const auto& figure : figures_on(page)) {
    auto key = figure[0].get<std::string>();
    if (key.starts_with("page.")) continue;
    CAPTURE(key);
    auto value = value_at(overview, key);
    CHECK(value.is_number());
    CHECK(value == figure[1]);
    ++compared;
  }
  CHECK(compared > 25);
  CHECK(page.text("[data-key='library.written_bytes']").find("MB") != std::string::npos);
}

TEST_CASE("browser: a batch is seen coming, growing and gone, on the same page") {
  NEEDS_A_BROWSER
  temp_folder folder;
  make_tree(folder / "tree", 10000, 32 << 10);
  service node{folder / "state", slow_service};
  node.start();
  add_local(node, folder.path());
  window page;
  page.open(node.monitor() + "/");
  page.wait_until("return document.getElementById('link').textContent === 'live'");
  CHECK(page.run("return document.querySelectorAll('#batches tbody tr').length") == 0);
  // What the page has been through: states of the row, and how far its bar was each time.
  page.run(R"(
    window.same_page = true;
    window.seen = [];
    window.rows = new Set();
    new MutationObserver(() => {
      const row = document.querySelector('[data-row="batch-1"]');
      if (!row) return;
      window.rows.add(row);
      const width = (kind) => Number(row.querySelector('.bar .' + kind).getAttribute('width'));
      const far = width('safe') + width('cached') / 2;
      if (window.seen.at(-1) !== far) window.seen.push(far);
    }).observe(document.body, {subtree: true, childList: true, attributes: true});)");
  REQUIRE(node.put({"-t", "live", (folder / "tree").string()}) == 1);
  page.wait_until("return !!document.querySelector('[data-row=\"batch-1\"]')");
  CHECK(page.text("[data-row='batch-1'] td[data-label='Workspace']") == "local");
  page.wait_until("return document.querySelector('#drives .writing') !== null");
  page.wait_until(
      "return Number(document.querySelector("
      "'[data-key=\"page.tape-write_rate\"]').dataset.value) > 1000000");
  CHECK(node.wait(1) == 0);
  page.wait_until("return !document.querySelector('[data-row=\"batch-1\"]')");
  CHECK(page.run("return window.same_page") == true);
  CHECK(page.run("return window.rows.size") == 1);
  auto seen = page.run("return window.seen");
  INFO(seen.dump());
  CHECK(seen.size() >= 2);
  CHECK(std::is_sorted(seen.begin(), seen.end()));
  CHECK(page.text("#alerts").find("successfully sent to storage") != std::string::npos);
  CHECK(page.run("return document.querySelector('#plot-to-tape .curve.tape-write')"
                 ".getAttribute('d').length > 20") == true);
  // What the plot shows under the pointer, and that it stays when the page is renewed.
  page.run(R"(
    const curves = document.querySelector('#plot-to-tape .curves');
    const place = curves.getBoundingClientRect();
    curves.dispatchEvent(new PointerEvent('pointermove', {
      bubbles: true, clientX: place.right - 2, clientY: place.top + 5}));)");
  auto readout = page.text("#plot-to-tape .readout");
  CHECK(readout.find("ago: put ") != std::string::npos);
  CHECK(readout.find("tape write ") != std::string::npos);
  CHECK(page.complaints() == std::vector<std::string>{});
}

TEST_CASE("browser: names are shown and do nothing") {
  NEEDS_A_BROWSER
  temp_folder folder;
  const std::vector<std::string> names{"<script>window.hacked=1<",
                                       "<img src=x onerror=window.hacked=1>",
                                       "\"' onmouseover=window.hacked=1 x='",
                                       "\xe2\x80\xae"
                                       "backwards",
                                       "new\nline",
                                       "javascript:window.hacked=1",
                                       "&lt;b&gt;",
                                       std::string(250, 'w')};
  for (const auto& name : names) write_file(folder / "tree" / name, "x");
  write_file(folder / "tree" / "bytes\xff\xfe", "x");
  service node{folder / "state", slow_service};
  node.start();
  add_local(node, folder.path());
  auto batch =
      node.put({"-t", "<script>window.hacked=1</script>", "--wait", (folder / "tree").string()});
  INFO(node.last.err);
  REQUIRE(batch == 1);
  window page;
  page.open(node.monitor() + "/batch/1/files");
  auto shown = page.run(
      "return [...document.querySelectorAll('td.path .name')].map(one => one.textContent)");
  auto has = [&](const std::string& name) {
    INFO(name);
    return std::find(shown.begin(), shown.end(), (folder / "tree" / name).string()) != shown.end();
  };
  for (const auto& name : names) CHECK(has(name));
  CHECK(has("bytes%FF%FE"));
  CHECK(page.run("return document.querySelectorAll('img:not([alt=\"\"]), script:not([src])')"
                 ".length") == 0);
  // A search brings them into the address and into the form.
  page.open(node.monitor() + "/batch/1/files?search=%3Cscript%3E");
  CHECK(page.run("return document.querySelector('input[name=search]').value") == "<script>");
  CHECK(page.run("return document.querySelectorAll('td.path').length") == 1);
  page.open(node.monitor() + "/batch/1");
  CHECK(page.text("#batch").find("<script>window.hacked=1</script>") != std::string::npos);
  CHECK(page.run("return window.hacked === undefined") == true);
  // The same through the script, with another batch on its way.
  page.open(node.monitor() + "/");
  page.wait_until("return document.getElementById('link').textContent === 'live'");
  make_tree(folder / "more", 100, 1 << 20);
  batch = node.put({"-t", "<img/src=x/onerror=window.hacked=1>", (folder / "more").string()});
  CHECK(node.last.err == "");
  REQUIRE(batch == 2);
  page.wait_until("return document.querySelector('[data-row=\"batch-2\"] .tag') !== null");
  CHECK(page.text("[data-row='batch-2'] .tag") == "<img/src=x/onerror=window.hacked=1>");
  CHECK(page.run("return window.hacked === undefined") == true);
  CHECK_FALSE(page.has_dialog());
  CHECK(page.complaints() == std::vector<std::string>{});
}

TEST_CASE("browser: light and dark, wide and on a phone") {
  NEEDS_A_BROWSER
  temp_folder folder;
  make_tree(folder / "tree", 20, 4096);
  write_file(folder / "tree" / std::string(250, 'w'), "x");
  service node{folder / "state"};
  node.start();
  REQUIRE(node.put({"-t", "tag", "--wait", (folder / "tree").string()}) == 1);
  window page;
  json grounds = json::array();
  for (bool dark : {false, true}) {
    for (int width : {1280, 390}) {
      page.appear(width, dark);
      for (const auto& target : pages) {
        INFO(target << " " << width << (dark ? " dark" : " light"));
        page.open(node.monitor() + target);
        if (target.starts_with("/et_user")) continue;
        CHECK(page.run("return innerWidth") == width);
        CHECK(page.run("return document.documentElement.scrollWidth").get<int>() <= width);
        CHECK(page.run(pale_texts) == json::array());
      }
    }
    page.open(node.monitor() + "/");
    grounds.push_back(page.run("return getComputedStyle(document.body).backgroundColor"));
  }
  CHECK(grounds[0] != grounds[1]);
}

TEST_CASE("browser: everything is there without scripts") {
  NEEDS_A_BROWSER
  temp_folder folder;
  make_tree(folder / "tree", 20, 4096);
  service node{folder / "state"};
  node.start();
  REQUIRE(node.put({"-t", "tag", "--wait", (folder / "tree").string()}) == 1);
  window::options how;
  how.scripts = false;
  window page{how};
  page.open(node.monitor() + "/");
  auto overview = page.markup();
  for (const auto* part : {"All well.", "id=\"plot-to-tape\"", "class=\"cartridges\"",
                           "No batch is on its way to tape.", "successfully sent to storage"}) {
    INFO(part);
    CHECK(overview.find(part) != std::string::npos);
  }
  // Nothing claims to be live.
  CHECK(overview.find("hidden=\"hidden\"") != std::string::npos);
  page.open(node.monitor() + "/batch/1/files?search=tree/1");
  auto files = page.markup();
  CHECK(files.find("/tree/19</bdi>") != std::string::npos);
  CHECK(files.find("/tree/2</bdi>") == std::string::npos);
}

TEST_CASE("browser: a page says when it is not live any more, and is again by itself") {
  NEEDS_A_BROWSER
  temp_folder folder;
  service node{folder / "state"};
  node.start();
  auto port = node.monitor().substr(node.monitor().rfind(':') + 1);
  window page;
  page.open(node.monitor() + "/");
  page.wait_until("return document.getElementById('link').textContent === 'live'");
  page.run("window.same_page = true;");
  CHECK(node.stop() == 0);
  page.wait_until("return document.getElementById('link').textContent === 'connection lost'");
  node.set_config("[service]\nhttp = \"127.0.0.1:" + port + "\"\n");
  node.start();
  page.wait_until("return document.getElementById('link').textContent === 'live'");
  CHECK(page.run("return window.same_page") == true);
}
