// The dashboard's pages: well-formed and harmless whatever things are called, the viewer's own
// only, and small however much there is.
#include <map>
#include <regex>
#include <set>

#include "actors/defaults.hpp"
#include "actors/monitor/dashboard/assets.hpp"
#include "tests/actors/monitor/fake_live.hpp"
#include "tests/actors/monitor/support.hpp"

using namespace et;
using namespace et::test;

namespace {

const std::string hostile = "<script>alert(1)</script>\"' onload=x \xe2\x80\xae\xff\n%41";

/// A catalogue with two batches of `w`, one of `other`, and a busy service around it.
struct running : fixture {
  running() {
    auto record = need(view()->workspace("w")).value();
    record.managers = {"ann", hostile};
    need(store().set_workspace(record));
    workspace_record other;
    other.name = "other";
    other.roots = {"/data", "/" + hostile.substr(0, 8)};
    other.managers = {"bob"};
    other.quota_bytes = 1'000'000'000'000;
    other = need(store().add_workspace(other));
    auto entries = numbered_entries(250);
    for (const auto* name : {"<script>alert(1)</script>", "\"' onload=x", "\xe2\x80\xaertl",
                             "\xff\xfe%41", "new\nline", "&amp;"})
      entries.push_back(entry("/data/h" + std::string{name}));
    entries.push_back(entry("/data/" + std::string(2000, 'x')));
    mine = commit(entries);
    auto ids = plan(mine, 10);
    cache(ids[0], {2, 3});
    cache(ids[1]);
    write({ids[0]});
    batch_record draft;
    draft.workspace = other.id;
    draft.workspace_name = "other";
    draft.tag = hostile;
    draft.requester = "bob";
    foreign = need(store().begin_batch(draft));
    need(store().add_files(foreign, numbered_entries(3, "/data/secret")));
    need(store().commit_batch(foreign));
    retrieval.workspace = other.id;
    retrieval.workspace_name = "other";
    retrieval.requester = "bob";
    retrieval = need(store().begin_retrieval(retrieval));
    live = busy_service(clock().now_ns());
    auto& state = live.state;
    state.batches[1].tag = hostile;
    state.batches[1].requester = hostile;
    state.retrievals[0].wait = hostile;
    state.alerts[2].text = hostile;
    state.trouble = hostile;
    state.queues[0].name = hostile;
    state.drives[0].pool = hostile;
    state.nodes[0].name = hostile;
    state.workspaces.resize(2);
  }

  got page(const std::string& target, monitor::viewer who = {}) {
    monitor::page_context context{&store(), "node1", "http://here:80"};
    context.live = &live;
    return read_all(monitor::answer_to(context, target, std::move(who)));
  }

  fake_live live;
  batch_id mine;
  batch_id foreign;
  retrieval_record retrieval;
};

const monitor::viewer ann{"ann", false};
const monitor::viewer bob{"bob", false};

const std::vector<std::string> all_pages{"/",
                                         "/?range=day",
                                         "/workspaces",
                                         "/workspace/w",
                                         "/workspace/other",
                                         "/batch/1",
                                         "/batch/1?after=5",
                                         "/batch/2",
                                         "/batch/1/files",
                                         "/batch/1/files?search=%3Cscript%3E&after=%FF",
                                         "/batch/1/files?failed=1",
                                         "/batch/2/files",
                                         "/volumes",
                                         "/volumes?status=full",
                                         "/volume/VOL001L8",
                                         "/drive/0",
                                         "/alerts",
                                         "/alerts?severity=warning&workspace=w",
                                         "/retrieval/1"};

/// Everything in it that a policy without inline parts forbids.
void check_harmless(const parsed& page) {
  std::set<std::string> ids;
  for (const auto& found : page.document.select_nodes("//*")) {
    auto node = found.node();
    std::string element = node.name();
    CHECK(element != "style");
    if (element == "script") {
      CHECK(std::string{node.attribute("src").value()}.starts_with("/assets/dashboard.js?v="));
      CHECK(text_in(node).empty());
    }
    for (const auto& attribute : node.attributes()) {
      std::string name = attribute.name();
      CHECK(name != "style");
      CHECK_FALSE(name.starts_with("on"));
      if (name == "id") CHECK(ids.insert(attribute.value()).second);
      if (name == "href" || name == "src" || name == "action")
        CHECK((attribute.value()[0] == '/' || attribute.value()[0] == '#'));
    }
  }
}

/// By key: values that programs read.
std::map<std::string, uint64_t> figures_of(const parsed& page) {
  std::map<std::string, uint64_t> all;
  for (const auto& node : page.all("//*[@data-key]")) {
    auto value = node.attribute("data-value").as_ullong();
    auto [at, is_new] = all.emplace(node.attribute("data-key").value(), value);
    INFO(at->first);
    CHECK((is_new || at->second == value));
  }
  return all;
}

}  // namespace

TEST_CASE("dashboard: every page is well-formed and harmless whatever things are called") {
  running f;
  for (const auto& target : all_pages) {
    INFO(target);
    auto answer = f.page(target);
    parsed page{answer};
    check_harmless(page);
    CHECK(answer.text.size() < 200'000);
  }
  parsed overview{f.page("/")};
  CHECK(text_in(overview.all("//section[@id='batches']//tbody/tr[2]//td[3]").at(0)) ==
        "<script>alert(1)</script>\"' onload=x \xe2\x80\xae%FF\n%2541");
}

TEST_CASE("dashboard: every link leads to a page") {
  running f;
  std::set<std::string> seen;
  for (const auto& target : all_pages) {
    parsed page{f.page(target)};
    for (const auto& link : page.all("//*[self::a or self::link]")) {
      std::string address = link.attribute("href").value();
      // Those of the made-up picture lead nowhere in the catalogue.
      if (address.starts_with("#") || address.starts_with("/batch/4") || address == "/batch/12" ||
          address == "/retrieval/7" || !seen.insert(address).second)
        continue;
      INFO(target << " to " << address);
      CHECK(f.page(address).status == 200);
    }
    for (const auto& form : page.all("//form"))
      CHECK(f.page(form.attribute("action").value()).status == 200);
  }
  CHECK(seen.size() > 100);
}

TEST_CASE("dashboard: what a viewer may not see does not exist") {
  running f;
  f.live.state.trouble.clear();
  for (const auto* target :
       {"/workspace/other", "/batch/2", "/batch/2/files", "/batch/2/files?search=secret",
        "/retrieval/1", "/alerts?workspace=other"}) {
    INFO(target);
    CHECK(f.page(target, bob).status == 200);
    auto refused = f.page(target, ann);
    CHECK(refused.status == 404);
    CHECK(refused.text.find("secret") == std::string::npos);
  }
  // The words are those for what is not there.
  auto words = [&](const std::string& target, const monitor::viewer& who) {
    return std::regex_replace(f.page(target, who).text, std::regex{"other|nobody|2|9"}, "");
  };
  CHECK(words("/batch/2", ann) == words("/batch/9", ann));
  CHECK(words("/workspace/other", ann) == words("/workspace/nobody", ann));
  for (const auto& target : all_pages) {
    auto answer = f.page(target, ann);
    if (answer.status != 200) continue;
    INFO(target);
    CHECK(answer.text.find("other") == std::string::npos);
    CHECK(answer.text.find("bob") == std::string::npos);
    CHECK(answer.text.find("/batch/42") == std::string::npos);
    CHECK(answer.text.find("VOL016L8 is suspect</bdi>") == std::string::npos);
  }
  parsed overview{f.page("/", ann)};
  CHECK(overview.all("//section[@id='batches']//tbody/tr").size() == 2);
  CHECK(overview.all("//section[@id='quotas']//li").size() == 1);
  CHECK(overview.all("//ol[@class='alerts']/li").size() == 1);
}

TEST_CASE("dashboard: figures are those of the picture") {
  running f;
  auto figures = figures_of(parsed{f.page("/")});
  const auto& state = f.live.state;
  CHECK(figures.at("cache.used_bytes") == state.cache.used_bytes);
  CHECK(figures.at("cache.unsafe_bytes") == state.cache.unsafe_bytes);
  CHECK(figures.at("page.cache_percent") == 62);
  CHECK(figures.at("batches_in_motion") == 3);
  CHECK(figures.at("batches.43.size_bytes") == state.batches[2].size_bytes);
  CHECK(figures.at("page.drives_busy") == 3);
  CHECK(figures.at("drives.1.written_bytes") == state.drives[1].written_bytes);
  CHECK(figures.at("queues.2.waiting") == 36);
  CHECK(figures.at("library.volumes.suspect") == 3);
  uint64_t last_five = 0;
  for (auto at = f.live.by_second.end() - 5; at != f.live.by_second.end(); ++at)
    last_five += at->get_bytes;
  CHECK(figures.at("page.get_rate") == last_five / 5);
}

TEST_CASE("dashboard: an empty service, and one without a live picture") {
  fixture f{{}, false};
  fake_live nothing;
  nothing.state.node = "node1";
  monitor::page_context context{&f.store(), "node1", "http://here:80"};
  for (auto* live : {static_cast<monitor::live_source*>(nullptr),
                     static_cast<monitor::live_source*>(&nothing)}) {
    context.live = live;
    for (const auto* target : {"/", "/?range=day", "/workspaces", "/volumes", "/alerts"}) {
      INFO(target);
      parsed page{read_all(monitor::answer_to(context, target))};
      check_harmless(page);
    }
    parsed overview{read_all(monitor::answer_to(context, "/"))};
    CHECK(text_in(overview.all("//*[@id='health']").at(0)) == "All well.");
    for (const auto* target : {"/workspace/w", "/batch/1", "/batch/1/files", "/volume/X",
                               "/drive/0", "/retrieval/1", "/batch/", "/batch/x", "/batch/1x",
                               "/drive/", "/assets/none", "/assets/", "/batch/1/none"})
      CHECK(read_all(monitor::answer_to(context, target)).status == 404);
    for (const auto* target : {"/volumes?status=x", "/alerts?severity=x", "/alerts?before=x"})
      CHECK(read_all(monitor::answer_to(context, target)).status == 400);
  }
}

TEST_CASE("dashboard: pages stay small with very much of everything") {
  running f;
  auto& state = f.live.state;
  state = busy_service(f.clock().now_ns(), 100'000).state;
  auto batch = state.batches[0];
  auto retrieval = state.retrievals[0];
  auto workspace = state.workspaces[0];
  auto drive = state.drives[0];
  for (uint32_t i = 0; i < 500; ++i) {
    batch.id.value = 1000 + i;
    batch.tag = std::string(60, 't');
    if (state.batches.size() < defaults::live_batches) state.batches.push_back(batch);
    retrieval.record.id.value = 1000 + i;
    state.retrievals.push_back(retrieval);
    workspace.name = "workspace-" + std::to_string(i);
    state.workspaces.push_back(workspace);
    drive.number = 10 + i;
    state.drives.push_back(drive);
  }
  state.batches_in_motion = 5000;
  auto overview = f.page("/");
  CHECK(overview.text.size() < 200'000);
  parsed page{overview};
  CHECK(page.all("//a[starts-with(@class, 'cartridge ')]").size() == defaults::dashboard_volumes);
  CHECK(page.all("//section[@id='batches']//tbody/tr").size() == defaults::dashboard_batches);
  CHECK(figures_of(page).at("batches_in_motion") == 5000);
  CHECK(figures_of(page).at("drives.length") == 504);
  // Those in drives are shown, wherever they stand.
  CHECK(page.all("//a[contains(@class, 'mounted')]").size() == 3);
  std::set<std::string> names;
  std::string target = "/workspaces";
  while (!target.empty()) {
    auto answer = f.page(target);
    CHECK(answer.text.size() < 200'000);
    parsed some{answer};
    for (const auto& row : some.all("//tbody/tr")) names.insert(row.attribute("data-row").value());
    auto next = some.all("//a[@rel='next']");
    target = next.empty() ? std::string{} : next[0].attribute("href").value();
  }
  CHECK(names.size() == 503);
}

TEST_CASE("dashboard: lists are paged, each row once") {
  running f;
  auto rows_of = [&](std::string target, const std::string& attribute = "data-row") {
    std::vector<std::string> rows;
    for (size_t pages = 0; !target.empty() && pages < 50; ++pages) {
      parsed page{f.page(target)};
      for (const auto& row : page.all("//*[self::tr or self::li][@data-row]"))
        rows.emplace_back(row.attribute(attribute.c_str()).value());
      auto next = page.all("//a[@rel='next']");
      target = next.empty() ? std::string{} : next[0].attribute("href").value();
    }
    return rows;
  };
  auto once_each = [](std::vector<std::string> rows) {
    return std::set<std::string>(rows.begin(), rows.end()).size() == rows.size();
  };
  auto files = rows_of("/batch/1/files");
  CHECK(files.size() == 257);
  CHECK(once_each(files));
  CHECK(rows_of("/batch/1/files?search=f0002").size() == 10);
  CHECK(rows_of("/batch/1/files?search=*f0002[5-7]").size() == 3);
  CHECK(rows_of("/batch/1/files?search=%FF%FE%2541") ==
        std::vector<std::string>{"/data/h%FF%FE%2541"});
  CHECK(rows_of("/batch/1/files?search=nowhere").empty());
  CHECK(rows_of("/batch/1/files?failed=1") ==
        std::vector<std::string>{"/data/f00002", "/data/f00003"});
  CHECK(f.page("/batch/1/files?search=%5B").status == 400);
  f.live.state = busy_service(f.clock().now_ns(), 250).state;
  auto volumes = rows_of("/volumes");
  CHECK(volumes.size() == 250);
  CHECK(once_each(volumes));
  size_t by_status = 0;
  for (const auto* status : {"blank", "appendable", "full", "suspect", "quarantined", "absent"}) {
    auto some = rows_of("/volumes?status=" + std::string{status});
    CHECK_FALSE(some.empty());
    by_status += some.size();
  }
  CHECK(by_status == 250);
  for (int i = 0; i < 250; ++i) {
    alert_record draft;
    draft.level = i % 10 == 0 ? severity::error : severity::info;
    draft.workspace = i % 2 == 0 ? "w" : "";
    draft.text = "alert";
    need(f.store().add_alert(draft));
  }
  auto alerts = rows_of("/alerts");
  CHECK(alerts.size() > 250);
  CHECK(once_each(alerts));
  CHECK(rows_of("/alerts?severity=error&workspace=w").size() == 26);
}

TEST_CASE("dashboard: batches of a workspace, newest first") {
  fixture f;
  auto commit_for = [&](const std::string& workspace, const std::string& path) {
    batch_record draft;
    draft.workspace_name = workspace;
    draft.requester = "ann";
    auto id = need(f->begin_batch(draft));
    need(f->add_files(id, {entry(path)}));
    return need(f->commit_batch(id)).id.value;
  };
  workspace_record other;
  other.name = "other";
  other.roots = {"/"};
  other.quota_bytes = 1 << 30;
  need(f->add_workspace(other));
  std::vector<uint64_t> wanted;
  for (int i = 0; i < 230; ++i) {
    auto name = "/data/" + std::to_string(i);
    // Dense, then sparse, then dense: ids are shared.
    bool mine = i < 80 || i % 40 == 0 || i > 150;
    auto id = commit_for(mine ? "w" : "other", name);
    if (mine) wanted.insert(wanted.begin(), id);
  }
  std::vector<uint64_t> found;
  std::string target = "/workspace/w";
  while (!target.empty()) {
    parsed page{get(f, target)};
    auto rows = page.all("//section[@id='workspace-batches']//tbody/tr");
    for (const auto& row : rows)
      found.push_back(std::stoull(std::string{row.attribute("data-row").value()}.substr(6)));
    auto next = page.all("//a[@rel='next']");
    target = next.empty() ? std::string{} : next[0].attribute("href").value();
  }
  CHECK(found == wanted);
}

TEST_CASE("dashboard: style and script are in the program, and may be kept for ever") {
  fixture f;
  for (const auto* name : {"frame.css", "dashboard.css", "dashboard.js", "icon.svg", "pages.css"}) {
    INFO(name);
    const auto* file = monitor::find_asset(name);
    REQUIRE(file);
    CHECK(file->content.size() > 200);
    CHECK(monitor::asset_address(name) ==
          "/assets/" + std::string{name} + "?v=" + std::string{file->version});
    monitor::page_context context{&f.store(), "node1", "http://here:80"};
    auto made = monitor::answer_to(context, monitor::asset_address(name));
    CHECK(made.type == file->type);
    std::map<std::string, std::string> headers{made.headers.begin(), made.headers.end()};
    CHECK(headers.at("ETag") == '"' + std::string{file->version} + '"');
    CHECK(headers.at("Cache-Control") == "public, max-age=31536000, immutable");
    CHECK(read_all(std::move(made)).text == file->content);
    auto unnamed = monitor::answer_to(context, "/assets/" + std::string{name});
    CHECK(unnamed.headers.at(1).second == "no-cache");
  }
  // Nothing is fetched from elsewhere, and the script makes no markup of text.
  for (const auto* name : {"frame.css", "dashboard.css", "dashboard.js"}) {
    auto content = monitor::find_asset(name)->content;
    CHECK(content.find("//") == content.find("// "));
    CHECK(content.find("http") == std::string_view::npos);
    CHECK(content.find("url(") == std::string_view::npos);
    CHECK(content.find("innerHTML") == std::string_view::npos);
    CHECK(content.find("eval(") == std::string_view::npos);
  }
}
