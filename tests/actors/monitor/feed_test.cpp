// The rules of feeds: RFC 4287 and RSS 2.0.
#include <regex>
#include <set>

#include "storage/catalogue/alert_text.hpp"
#include "tests/actors/monitor/support.hpp"

using namespace et;
using namespace et::test;

namespace {

const std::string atom = "/et_rss/ET_RSS_AlertWatch_atom.php";
const std::string rss = "/et_rss/ET_RSS_AlertWatch.php";

bool is_atom_time(const std::string& text) {
  return std::regex_match(text, std::regex{R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)"});
}

bool is_rss_time(const std::string& text) {
  return std::regex_match(text,
                          std::regex{"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \\d\\d "
                                     "(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \\d{4} "
                                     "\\d\\d:\\d\\d:\\d\\d GMT"});
}

void add_alert(fixture& f, const std::string& text, const std::string& workspace = "w") {
  alert_record draft;
  draft.text = text;
  draft.workspace = workspace;
  need(f->add_alert(draft));
  f.clock().advance_ns(1'000'000'000);
}

std::vector<std::string> ids_of(const parsed& page) {
  std::vector<std::string> ids;
  for (const auto& entry : page.all("/feed/entry")) ids.push_back(entry.child_value("id"));
  return ids;
}

}  // namespace

TEST_CASE("the Atom feed has what RFC 4287 wants") {
  fixture f;
  for (int i = 1; i <= 5; ++i) add_alert(f, "alert <" + std::to_string(i) + "> & \x01 more");
  auto answer = get(f, atom);
  CHECK(answer.type.starts_with("application/atom+xml"));
  parsed page{answer};
  auto feed = page.document.child("feed");
  CHECK(std::string{feed.attribute("xmlns").value()} == "http://www.w3.org/2005/Atom");
  for (const auto* one : {"title", "id", "updated"}) {
    CHECK(std::distance(feed.children(one).begin(), feed.children(one).end()) == 1);
    CHECK_FALSE(std::string{feed.child_value(one)}.empty());
  }
  CHECK_FALSE(std::string{feed.child("author").child_value("name")}.empty());
  CHECK(std::string{feed.select_node("link[@rel='self']").node().attribute("href").value()} ==
        "http://here:80" + atom);
  auto entries = page.all("/feed/entry");
  REQUIRE(entries.size() == 5);
  std::set<std::string> ids;
  std::string before = feed.child_value("updated");
  size_t number = 5;
  for (const auto& entry : entries) {
    std::string updated = entry.child_value("updated");
    CHECK(is_atom_time(updated));
    CHECK(updated <= before);
    before = updated;
    CHECK(std::string{entry.child_value("id")}.starts_with("tag:node1,2026:"));
    ids.insert(entry.child_value("id"));
    CHECK_FALSE(std::string{entry.child_value("title")}.empty());
    CHECK(std::string{entry.child_value("summary")} ==
          "alert <" + std::to_string(number) + "> & %01 more");
    CHECK(std::string{entry.child("link").attribute("href").value()} ==
          "http://here:80/et_user/ET_AlertWatch.php#alert_id_" + std::to_string(number));
    --number;
  }
  CHECK(ids.size() == 5);
  // The links lead to something.
  CHECK(parsed{f, "/et_user/ET_AlertWatch.php"}.all("//*[@id='alert_id_5']").size() == 1);
}

TEST_CASE("the RSS feed has what RSS 2.0 wants") {
  fixture f;
  for (int i = 1; i <= 3; ++i) add_alert(f, "alert " + std::to_string(i));
  auto answer = get(f, rss + "?workspace=w");
  CHECK(answer.type.starts_with("application/rss+xml"));
  parsed page{answer};
  CHECK(std::string{page.document.child("rss").attribute("version").value()} == "2.0");
  auto channel = page.document.child("rss").child("channel");
  for (const auto* one : {"title", "link", "description"})
    CHECK_FALSE(std::string{channel.child_value(one)}.empty());
  CHECK(is_rss_time(channel.child_value("lastBuildDate")));
  auto items = page.all("//item");
  REQUIRE(items.size() == 3);
  std::set<std::string> ids;
  for (const auto& item : items) {
    CHECK(is_rss_time(item.child_value("pubDate")));
    ids.insert(item.child_value("guid"));
    CHECK(std::string{item.child("guid").attribute("isPermaLink").value()} == "false");
  }
  CHECK(ids.size() == 3);
  CHECK(std::string{items[0].child_value("description")} == "alert 3");
}

TEST_CASE("ids of a feed's entries stay when address and feed change") {
  fixture f;
  for (int i = 1; i <= 3; ++i) add_alert(f, "alert " + std::to_string(i));
  auto before = ids_of(parsed{f, atom});
  f.reopen();
  parsed elsewhere{
      read_all(monitor::answer_to({&f.store(), "node1", "http://other:1"}, atom + "?workspace=w"))};
  CHECK(ids_of(elsewhere) == before);
  add_alert(f, "one more");
  auto later = ids_of(parsed{f, atom});
  REQUIRE(later.size() == 4);
  CHECK(std::vector<std::string>(later.begin() + 1, later.end()) == before);
}

TEST_CASE("a feed has the newest hundred alerts of its workspace, or none") {
  fixture f;
  parsed nothing{f, atom};
  CHECK(ids_of(nothing).empty());
  CHECK(is_atom_time(nothing.document.child("feed").child_value("updated")));
  parsed nothing_either{f, rss};
  for (int i = 0; i < 120; ++i) add_alert(f, "ours " + std::to_string(i));
  for (int i = 0; i < 600; ++i) add_alert(f, "theirs " + std::to_string(i), "x");
  parsed page{f, atom + "?workspace=w"};
  auto entries = page.all("/feed/entry");
  REQUIRE(entries.size() == 100);
  CHECK(std::string{entries[0].child_value("summary")} == "ours 119");
  CHECK(std::string{entries[99].child_value("summary")} == "ours 20");
  CHECK(parsed{f, "/et_user/ET_AlertWatch.php?workspace=w"}.all("//tr[@id]").size() == 120);
  CHECK(parsed{f, "/et_user/ET_AlertWatch.php"}.all("//tr[@id]").size() == 720);
}

TEST_CASE("what clients look for in alerts begins as they know it") {
  fixture f;
  auto id = f.commit(numbered_entries(2));
  auto ids = f.plan(id, 2);
  f.cache(ids[0]);
  f.write(ids);
  retrieval_record retrieval;
  retrieval.workspace = f.workspace();
  retrieval.workspace_name = "w";
  retrieval.batch = id;
  retrieval.requester = "bob";
  retrieval = need(f->begin_retrieval(retrieval));
  retrieval.state = retrieval_state::completed;
  retrieval.bad_files = 3;
  need(f->end_retrieval(retrieval));
  auto now = local_time(f.clock().now_ns());
  std::set<std::string> texts;
  parsed page{f, atom};
  for (const auto& entry : page.all("/feed/entry")) texts.insert(entry.child_value("summary"));
  CHECK(texts.count("Batch 1 successfully sent to storage at " + now) == 1);
  CHECK(texts.count("Retrieval request 1 by bob for batch 1 at " + now) == 1);
  CHECK(texts.count("Retrieval request 1 by bob completed at " + now + " with 3 bad files") == 1);
}
