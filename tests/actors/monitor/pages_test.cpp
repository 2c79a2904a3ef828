// What existing clients find on the pages, and that hostile names break none of them.
#include <set>

#include "storage/catalogue/alert_text.hpp"
#include "storage/format/xml_name.hpp"
#include "tests/actors/monitor/support.hpp"

using namespace et;
using namespace et::test;

namespace {

const std::vector<std::string> hostile_names{"/a<b>&\"'",
                                             "/new\nline",
                                             "/tab\there",
                                             "/return\rhere",
                                             "/\x01\x02\x1f",
                                             "/bytes\xff\xfe%41",
                                             "/50%",
                                             "/]]>",
                                             "/gr\xc3\xbc\xc3\x9f"
                                             "e",
                                             "/\xed\xa0\x80",
                                             "/\xef\xbf\xbf",
                                             "/<!-- --><script>",
                                             "/ leading and trailing ",
                                             "/&amp;&#0;",
                                             "/\x7f"};

std::vector<file_entry> hostile_entries() {
  std::vector<file_entry> entries;
  for (const auto& name : hostile_names) entries.push_back(entry("/data" + name, 10));
  return entries;
}

std::set<std::string> hostile_paths() {
  std::set<std::string> paths;
  for (const auto& name : hostile_names) paths.insert("/data" + name);
  return paths;
}

const std::string user_pages = "/et_user/";

/// A catalogue with two safe aggregations and one failed file in batch 1, and a retrieval.
struct held : fixture {
  held() {
    clock().advance_ns(1'000'000'000);
    id = commit(hostile_entries());
    ids = plan(id, 8);
    clock().advance_ns(2'000'000'000);
    cache(ids[0], {2});
    cache(ids[1]);
    clock().advance_ns(3'000'000'000);
    write(ids);
    retrieval.workspace = workspace();
    retrieval.workspace_name = "w";
    retrieval.batch = id;
    retrieval.requester = "bob<&>";
    retrieval = need(store().begin_retrieval(retrieval));
    clock().advance_ns(1'000'000'000);
    retrieval.state = retrieval_state::completed;
    retrieval.files = 3;
    retrieval.bad_files = 1;
    need(store().end_retrieval(retrieval));
  }
  batch_id id;
  std::vector<aggregation_id> ids;
  retrieval_record retrieval;
};

std::set<std::string> names_in(const std::vector<texts>& rows) {
  std::set<std::string> names;
  for (const auto& row : rows) names.insert(raw_name(row.at(0)));
  return names;
}

}  // namespace

TEST_CASE("every page is well-formed whatever files are called") {
  held f;
  for (const auto* target :
       {"/", "/et_user/ET_Home.php?caller=%3C%22%FF", "/et_user/ET_AlertWatch.php",
        "/et_user/ET_AlertWatch.php?workspace=w", "/et_user/ET_Holdings_Summary.php?workspace=w",
        "/et_user/ET_Holdings_Summary.php?workspace=w;level=batches;caller=%3C%22%FF",
        "/et_user/ET_Holdings_Summary.php?workspace=w&level=files",
        "/et_user/ET_Holdings_Summary_XML.php", "/et_user/ET_Holdings_Summary_XML.php?level=file",
        "/et_user/ET_Holdings_Summary_XML.php?level=top",
        "/et_user/ET_Batch_Input_Summary.php?batch=1",
        "/et_user/ET_Batch_Input_File_Details.php?batch=1",
        "/et_user/ET_Aggregation_File_Details.php?aggregation=1.1",
        "/et_user/RetrievalWatch.php?rr_id=1;workspace=w", "/et_admin/ET_WkspaceOverview-XML.php",
        "/et_admin/ET_Role_List.php", "/et_rss/ET_RSS_AlertWatch_atom.php",
        "/et_rss/ET_RSS_AlertWatch.php?workspace=w"}) {
    INFO(target);
    parsed page{f, target};
    // The form that HTML takes for an opening tag.
    CHECK(get(f, target).text.find("<td/>") == std::string::npos);
  }
  for (const auto* target :
       {"/none%3Cscript%3E%FF", "/et_user/ET_Holdings_Summary.php?workspace=%FF%3C%00",
        "/et_user/ET_Batch_Input_Summary.php?batch=%3Cb%3E", "/%zz"}) {
    auto page = get(f, target);
    CHECK(page.status >= 400);
    CHECK(is_well_formed(page.text));
    CHECK(page.text.find("<script>") == std::string::npos);
  }
}

TEST_CASE("the summary of a workspace has one row of seven cells") {
  held f;
  for (const auto* level : {"", ";level=top", "&level=batches", ";level=files"}) {
    INFO(level);
    parsed page{f, user_pages + "ET_Holdings_Summary.php?workspace=w;caller=u" + level};
    CHECK(data_rows(page.table(1)).empty());
    CHECK(header_rows(page.table(2)) == 1);
    auto rows = data_rows(page.table(2));
    REQUIRE(rows.size() == 1);
    auto now = need(f.view()->workspace("w")).value();
    CHECK(rows[0] == texts{std::to_string(now.used_files), "1", "2", "w",
                           std::to_string(uint64_t{1} << 40), std::to_string(now.used_bytes),
                           std::to_string(now.used_bytes)});
    size_t of_seven = 0;
    for (const auto& row : page.all("//tr")) of_seven += texts_of(row, "td").size() == 7 ? 1 : 0;
    CHECK(of_seven == 1);
    CHECK(page.all("//tbody").empty());
  }
}

TEST_CASE("the batches of a workspace link to their pages") {
  held f;
  for (int i = 0; i < 3; ++i) f.commit({entry("/more/" + std::to_string(i))});
  need(f->remove_batch(batch_id{2}));
  parsed page{f, user_pages + "ET_Holdings_Summary.php?workspace=w&caller=a%26b&level=batches"};
  auto table = page.table(3);
  CHECK(header_rows(table) == 1);
  auto rows = data_rows(table);
  REQUIRE(rows.size() == 3);
  auto batch = f.batch(f.id);
  CHECK(texts(rows[0].begin(), rows[0].begin() + 6) ==
        texts{"FAILED", "tag", "ann", local_time(batch.created_ns), "15", "150"});
  auto link = table.select_node("(.//a)[1]").node();
  std::string words = link.text().get();
  CHECK(words.substr(words.rfind(' ') + 1) == "1");
  CHECK(words.substr(words.size() - 4) == "   1");
  CHECK(std::string{link.attribute("href").value()} ==
        "ET_Batch_Input_Summary.php?workspace=w&caller=a%26b&batch=1");
  parsed there{f, user_pages + link.attribute("href").value()};
  CHECK(data_rows(there.table(2)).at(0).at(0) == "FAILED");
}

TEST_CASE("the files of a workspace stand in a table for each batch") {
  held f;
  auto second = f.commit({entry("/other", 77)});
  parsed page{f, user_pages + "ET_Holdings_Summary.php?workspace=w;caller=u;level=files"};
  auto first = page.all("//table[@id='batch_file_list_1']").at(0);
  CHECK(header_rows(first) == 2);
  auto rows = data_rows(first);
  CHECK(names_in(rows) == hostile_paths());
  auto safe = local_time(time_t{f.aggregation(f.ids[0]).history.back().time_ns});
  size_t failed = 0;
  for (const auto& row : rows) {
    REQUIRE(row.size() == 4);
    CHECK(row[1] == "10");
    failed += row[2] == "FAILED" ? 1 : 0;
    CHECK(row[2] == (row[3].empty() ? "FAILED" : "CACHED_SYNCED"));
    CHECK((row[3].empty() || row[3] == safe));
  }
  CHECK(failed == 1);
  // A client takes the cells' own text, without looking into elements in them.
  CHECK(first.select_nodes("./tr/td/*").empty());
  auto other = page.all("//table[@id='batch_file_list_" + std::to_string(second.value) + "']");
  CHECK(data_rows(other.at(0)) == std::vector<texts>{{"/other", "77", "REGISTERED", ""}});
}

TEST_CASE("a batch and its files") {
  held f;
  parsed page{f, user_pages + "ET_Batch_Input_Summary.php?workspace=w;caller=u;batch=1"};
  CHECK(data_rows(page.table(1)).empty());
  CHECK(data_rows(page.table(2)) ==
        std::vector<texts>{
            {"FAILED", "tag", "ann", local_time(f.batch(f.id).created_ns), "15", "150"}});
  auto rows = data_rows(page.table(3));
  REQUIRE(rows.size() == 2);
  auto record = f.aggregation(f.ids[1]);
  auto iso = local_time(record.history.back().time_ns);
  iso[10] = 'T';
  CHECK(rows[1] == texts{"1.2", "CACHED_SYNCED", local_time(record.history.front().time_ns), iso,
                         "7", "0.000010310", "00000002"});
  auto link = page.table(3).select_node("./tr[3]/td[1]/a").node();
  CHECK(std::string{link.attribute("href").value()} ==
        "ET_Aggregation_File_Details.php?aggregation=1.2");

  parsed files{f, user_pages + "ET_Batch_Input_File_Details.php?batch=1"};
  CHECK(data_rows(files.table(1)).empty());
  auto listed = data_rows(files.table(2));
  CHECK(names_in(listed) == hostile_paths());
  for (const auto& row : listed) CHECK(row.size() == 3);
}

TEST_CASE("an aggregation, its history and its files") {
  held f;
  parsed page{f, user_pages + "ET_Aggregation_File_Details.php?aggregation=1.1"};
  std::string first = page.all("//p").at(0).text().get();
  CHECK(first.substr(first.rfind(' ') + 1) == "1.1");
  auto row = data_rows(page.table(1)).at(0);
  auto record = f.aggregation(f.ids[0]);
  CHECK(row.at(2) == std::to_string(record.size_bytes));
  CHECK(texts(row.end() - 3, row.end()) == texts{local_time(record.history.front().time_ns),
                                                 "00000001",
                                                 local_time(record.history.back().time_ns)});
  CHECK(data_rows(page.all("//table[@id='Aggregation History']").at(0)) ==
        std::vector<texts>{
            {"REGISTERED:node1", "CACHED:node1", local_time(record.history[1].time_ns)},
            {"CACHED:node1", "CACHED_SYNCED:node1", local_time(record.history[2].time_ns)}});
  auto details = page.all("//table[@id='Aggregation details']");
  REQUIRE(details.size() == 2);
  CHECK(header_rows(details[1]) == 1);
  auto files = data_rows(details[1]);
  REQUIRE(files.size() == 8);
  auto paths = hostile_paths();
  auto expected = paths.begin();
  for (const auto& file : files) CHECK(raw_name(file.at(0)) == *expected++);
  CHECK(details[1].select_nodes("./tr/td[1]/a").size() == 8);
}

TEST_CASE("the time to tape stays when the cache copy comes and goes") {
  fixture f;
  auto id = f.commit(numbered_entries(1));
  auto ids = f.plan(id, 1);
  f.cache(ids[0]);
  f.write(ids);
  auto safe = f.aggregation(ids[0]).history.back().time_ns;
  for (int i = 0; i < 20; ++i) {
    f.clock().advance_ns(60'000'000'000);
    need(f->record_evicted(ids, {}));
    f.clock().advance_ns(60'000'000'000);
    need(f->record_recalled(ids[0], {}));
  }
  parsed page{f, user_pages + "ET_Aggregation_File_Details.php?aggregation=1.1"};
  CHECK(data_rows(page.table(1)).at(0).back() == local_time(safe));
}

TEST_CASE("times of a history never go back, even when the clock did") {
  fixture f;
  auto id = f.commit(numbered_entries(1));
  auto ids = f.plan(id, 1);
  f.clock().advance_ns(-60'000'000'000);
  f.cache(ids[0]);
  f.write(ids);
  parsed page{f, user_pages + "ET_Aggregation_File_Details.php?aggregation=1.1"};
  auto started = *(data_rows(page.table(1)).at(0).end() - 3);
  for (const auto& row : data_rows(page.table(2))) CHECK(row.at(2) >= started);
}

TEST_CASE("a retrieval") {
  held f;
  parsed page{f, user_pages + "RetrievalWatch.php?rr_id=1&workspace=w"};
  CHECK(data_rows(page.table(1)).empty());
  auto row = data_rows(page.table(2)).at(0);
  CHECK(texts(row.begin(), row.begin() + 4) == texts{"1", "bob<&>", "COMPLETED", "1"});
  CHECK(get(f, user_pages + "RetrievalWatch.php?rr_id=2").status == 404);
  CHECK(get(f, user_pages + "RetrievalWatch.php").status == 400);
}

TEST_CASE("holdings in XML") {
  held f;
  parsed page{f, user_pages + "ET_Holdings_Summary_XML.php?workspace=w;caller=u;level=file"};
  auto workspace = page.document.child("et_wkspaces").child("et_wkspace");
  CHECK(std::string{workspace.child_value("workspace_id")} == "w");
  CHECK(std::string{workspace.child_value("quota")} == std::to_string(uint64_t{1} << 40));
  auto batch = workspace.child("batches").child("batch");
  CHECK(std::string{batch.child_value("batch_id")} == "1");
  CHECK(std::string{batch.child_value("batch_name")} == "tag");
  CHECK(std::string{batch.child_value("batch_state")} == "FAILED");
  CHECK(std::string{batch.child_value("file_count")} == "15");
  CHECK(std::string{batch.child_value("batch_size")} == "150");
  CHECK(std::string{batch.child_value("time_created")} == local_time(f.batch(f.id).created_ns));
  std::set<std::string> names;
  for (const auto& file : batch.child("files").children("file")) {
    names.insert(raw_name(file.child_value("file_name")));
    CHECK(std::string{file.child_value("file_size")} == "10");
    CHECK(file.child("time_to_tape"));
  }
  CHECK(names == hostile_paths());

  auto second = f.commit({entry("/other")});
  parsed one{f, user_pages + "ET_Holdings_Summary_XML.php?batch=" + std::to_string(second.value)};
  CHECK(one.all("//batch").size() == 1);
  CHECK(one.all("//files").empty());
  CHECK(parsed{f, user_pages + "ET_Holdings_Summary_XML.php?level=top"}.all("//batches").empty());
  need(f->remove_batch(f.id));
  parsed rest{f, user_pages + "ET_Holdings_Summary_XML.php?workspace=w;level=batch"};
  CHECK(rest.all("//batch").size() == 1);
  CHECK(get(f, user_pages + "ET_Holdings_Summary_XML.php?batch=1").status == 404);
}

TEST_CASE("a workspace with nothing in it") {
  fixture f;
  parsed top{f, user_pages + "ET_Holdings_Summary.php?workspace=w"};
  CHECK(data_rows(top.table(2)).at(0).at(0) == "0");
  parsed batches{f, user_pages + "ET_Holdings_Summary.php?workspace=w;level=batches"};
  CHECK(data_rows(batches.table(3)).empty());
  CHECK(parsed{f, user_pages + "ET_Holdings_Summary.php?workspace=w;level=files"}
            .all("//table")
            .size() == 2);
  CHECK(parsed{f, user_pages + "ET_Holdings_Summary_XML.php?workspace=w;level=file"}
            .all("//batch")
            .empty());
  CHECK(data_rows(parsed{f, user_pages + "ET_AlertWatch.php"}.table(2)).empty());
}

TEST_CASE("parameters come with & and ; in any mix, and bad ones are refused") {
  held f;
  auto status = [&](const std::string& rest) { return get(f, user_pages + rest).status; };
  CHECK(status("ET_Batch_Input_Summary.php?workspace=w;caller=u&batch=1") == 200);
  CHECK(status("ET_Batch_Input_Summary.php?;&workspace=%77;;batch=1&;") == 200);
  CHECK(status("ET_Batch_Input_Summary.php?batch=%31;unknown") == 200);
  CHECK(status("ET_Batch_Input_Summary.php") == 400);
  CHECK(status("ET_Batch_Input_Summary.php?batch=abc") == 400);
  CHECK(status("ET_Batch_Input_Summary.php?batch=-1") == 400);
  CHECK(status("ET_Batch_Input_Summary.php?batch=18446744073709551616") == 400);
  CHECK(status("ET_Batch_Input_Summary.php?batch=1%") == 400);
  CHECK(status("ET_Batch_Input_Summary.php?batch=2") == 404);
  CHECK(status("ET_Batch_Input_Summary.php?batch=1;workspace=none") == 404);
  CHECK(status("ET_Holdings_Summary.php") == 400);
  CHECK(status("ET_Holdings_Summary.php?workspace=w;level=xyz") == 400);
  CHECK(status("ET_Holdings_Summary.php?workspace=none") == 404);
  CHECK(status("ET_Holdings_Summary_XML.php?level=xyz") == 400);
  CHECK(status("ET_Holdings_Summary_XML.php?workspace=none") == 404);
  CHECK(status("ET_Aggregation_File_Details.php") == 400);
  CHECK(status("ET_Aggregation_File_Details.php?aggregation=1") == 400);
  CHECK(status("ET_Aggregation_File_Details.php?aggregation=1.2.3") == 400);
  CHECK(status("ET_Aggregation_File_Details.php?aggregation=1.9") == 404);
  CHECK(status("ET_AlertWatch.php?workspace=none") == 404);
  CHECK(get(f, "/et_rss/ET_RSS_AlertWatch_atom.php?workspace=none").status == 404);
  CHECK(get(f, "//et_user//ET_Home.php").status == 200);
  workspace_record other;
  other.name = "other";
  other.roots = {"/"};
  need(f->add_workspace(other));
  auto refused = get(f, user_pages + "ET_Batch_Input_Summary.php?batch=1;workspace=other");
  CHECK(refused.status == 404);
  CHECK(refused.text.find("workspace other has no batch 1") != std::string::npos);
}

TEST_CASE("managers and quotas of all workspaces") {
  fixture f;
  auto record = need(f.view()->workspace("w")).value();
  record.managers = {"ann", "bob,<\"x"};
  need(f->set_workspace(record));
  workspace_record other;
  other.name = "v2";
  other.roots = {"/"};
  other.managers = {"cleo"};
  other.quota_bytes = 5;
  need(f->add_workspace(other));
  CHECK(data_rows(parsed{f, "/et_admin/ET_Role_List.php"}.table(1)) ==
        std::vector<texts>{{"v2", "manager", "cleo", ""},
                           {"w", "manager", "ann", ""},
                           {"", "manager", "bob,<\"x", ""}});
  CHECK(get(f, "/gws/etexport/").text ==
        "v2,cleo,5,\nw,ann,1099511627776,\nw,\"bob,<\"\"x\",1099511627776,\n");
  CHECK(get(f, "/gws/etexport").status == 200);
  parsed overview{f, "/et_admin/ET_WkspaceOverview-XML.php"};
  auto all = overview.all("/et_wkspaces/et_wkspace");
  REQUIRE(all.size() == 2);
  CHECK(texts_of(all[1], "workspace_id") == texts{"w", "1"});
  CHECK(std::string{all[0].child_value("workspace_quota")} == "5");
  CHECK(std::string{all[0].child_value("workspace_quota_used")} == "0");
  CHECK(std::string{all[0].child_value("workspace_file_count")} == "0");

  parsed home{f, "/et_user/ET_Home.php?caller=cleo"};
  CHECK(data_rows(home.table(1)).size() == 1);
  parsed everything{f, "/"};
  for (const auto& link : everything.all("//a[not(starts-with(@href, '#'))]")) {
    INFO(link.attribute("href").value());
    CHECK(get(f, link.attribute("href").value()).status == 200);
  }
}

TEST_CASE("a large batch comes in pieces, each file once and in order") {
  fixture f;
  constexpr size_t files = 5000;
  auto entries = numbered_entries(files);
  auto id = f.commit(entries);
  auto ids = f.plan(id, 1700);
  f.cache(ids[0]);
  f.write({ids[0]});
  auto expect_all = [&](const std::vector<texts>& rows) {
    REQUIRE(rows.size() == files);
    for (size_t i = 0; i < files; ++i) REQUIRE(rows[i].at(0) == entries[i].path);
  };
  for (std::string target : {"ET_Batch_Input_File_Details.php?batch=1",
                             "ET_Holdings_Summary.php?workspace=w;level=files",
                             "ET_Holdings_Summary_XML.php?workspace=w;level=file"}) {
    auto answer = get(f, user_pages + target);
    INFO(target);
    CHECK(answer.pieces > 3);
    CHECK(answer.largest_piece_bytes < 400'000);
    parsed page{answer};
    if (target.find("XML") == std::string::npos)
      expect_all(data_rows(page.all("//table").back()));
    else
      CHECK(page.all("//file").size() == files);
  }
  parsed details{f, user_pages + "ET_Aggregation_File_Details.php?aggregation=1.2"};
  auto rows = data_rows(details.table(3));
  REQUIRE(rows.size() == 1700);
  for (size_t i = 0; i < rows.size(); ++i) REQUIRE(rows[i].at(0) == entries[1700 + i].path);
}

TEST_CASE("an answer is cut, not ended, when its batch is removed meanwhile") {
  fixture f;
  auto id = f.commit(numbered_entries(3000));
  f.plan(id, 3000);
  auto target = GENERATE("ET_Batch_Input_File_Details.php?batch=1",
                         "ET_Holdings_Summary_XML.php?batch=1;level=file",
                         "ET_Aggregation_File_Details.php?aggregation=1.1");
  INFO(target);
  auto answer = monitor::answer_to({&f.store(), "node1", ""}, user_pages + target);
  std::string first;
  REQUIRE(need(answer.next(first)));
  need(f->remove_batch(id));
  CHECK(code_of(read_all(std::move(answer)).cut) == errc::not_found);
}
