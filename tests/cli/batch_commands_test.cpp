// find, cancel, retry, release and put --update, on the fake service.
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "cli/commands/cancel.hpp"
#include "cli/commands/find.hpp"
#include "cli/commands/put.hpp"
#include "cli/commands/release.hpp"
#include "cli/commands/status.hpp"
#include "tests/cli/command_fixture.hpp"

using namespace et;
using namespace et::test;

namespace {

struct batch_fixture : command_fixture {
  // A file on disk that batch `batch` holds as it is.
  file_row& held(uint64_t batch, const std::string& name, const std::string& content = "content") {
    auto path = folder / name;
    write_text(path, content);
    struct stat info {};
    REQUIRE(stat(path.c_str(), &info) == 0);
    service.hold(batch, path, content, 1,
                 info.st_mtim.tv_sec * 1'000'000'000 + info.st_mtim.tv_nsec);
    auto& row = service.rows[batch].back();
    row.entry.mode = info.st_mode & 07777;
    return row;
  }
  file_row& failed(uint64_t batch, const std::string& name) {
    auto& row = held(batch, name);
    row.state = state::failed;
    row.has_checksum = false;
    row.reason = "changed while it was read";
    auto& record = service.batches[batch];
    record.state = state::failed;
    record.planned = true;
    ++record.failed_files;
    return row;
  }
  bool there(const std::string& name) const { return fs::exists(folder / name); }
  int release(uint64_t batch, bool dry_run = false, bool json = false) {
    return run(run_release, release_options{"ws", batch_id{batch}, dry_run, json});
  }
};

}  // namespace

TEST_CASE("a pattern that is only a name is looked for in every folder") {
  CHECK(pattern_for_paths("*.nc") == "*.nc");
  CHECK(pattern_for_paths("/data/*") == "/data/*");
  CHECK(pattern_for_paths("run[0-9].nc") == "*/run[0-9].nc");
  CHECK(pattern_for_paths("") == "");
}

TEST_CASE_METHOD(batch_fixture, "find prints all pages, by batch and path") {
  for (auto name : {"/d/a.nc", "/d/b.txt", "/d/c.nc", "/d/d.nc", "/d/e.nc"})
    service.hold(3, name, "x");
  service.hold(4, "/d/a.nc", "y");
  CHECK(run(run_find, find_options{"ws", "*.nc", {}, ls_format::text, true}) == exit_ok);
  auto out = out_fd.text();
  CHECK(std::count(out.begin(), out.end(), '\n') == 6);
  CHECK(out.starts_with("H\tbatch\tstate\tsize\tmtime\tchecksum\tpath\nF\t3\tCACHED_SYNCED\t1\t"));
  CHECK(out.find("F\t4\t") > out.find("/d/e.nc"));
  CHECK(out.find("b.txt") == std::string::npos);
}

TEST_CASE_METHOD(batch_fixture, "find: nothing is no error, a malformed pattern is one") {
  service.hold(3, "/d/a", "x");
  CHECK(run(run_find, find_options{"ws", "*.nc", {}, ls_format::json, false}) == exit_ok);
  CHECK(out_fd.text().empty());
  CHECK(run(run_find, find_options{"ws", "/[", {}, ls_format::text, false}) == exit_parameters);
  CHECK(err_fd.text().find("without its ]") != std::string::npos);
}

TEST_CASE_METHOD(batch_fixture, "cancel says what is left of the batch") {
  service.hold(3, "/d/a", "x");
  CHECK(run(run_cancel, cancel_options{"ws", batch_id{3}, {}}) == exit_ok);
  CHECK(err_fd.text() ==
        "et_test: batch 3 cancelled: 1 files are safe, 0 are not and may be put again\n");
  CHECK(run(run_cancel, cancel_options{"ws", batch_id{9}, {}}) == exit_parameters);
  CHECK(run(run_cancel, cancel_options{"ws", {}, retrieval_id{5}}) == exit_ok);
}

TEST_CASE_METHOD(batch_fixture, "release removes what is safe and as it was, and tells the rest") {
  held(3, "d/a");
  held(3, "d/b");
  held(3, "d/changed");
  write_text(folder / "d/changed", "something else");
  held(3, "d/gone");
  fs::remove(folder / "d/gone");
  held(3, "d/unsafe").state = state::cached;
  write_text(folder / "d/foreign", "not in the batch");

  CHECK(release(3, true) == exit_bad_files);
  CHECK(out_fd.text() == (folder / "d/a") + "\n" + (folder / "d/b") + "\n");
  CHECK(there("d/a"));

  CHECK(release(3) == exit_bad_files);
  CHECK_FALSE(there("d/a"));
  CHECK_FALSE(there("d/b"));
  CHECK(there("d/changed"));
  CHECK(there("d/unsafe"));
  CHECK(there("d/foreign"));
  auto err = err_fd.text();
  CHECK(err.find("kept: " + (folder / "d/changed") + ": changed since it was stored") !=
        std::string::npos);
  CHECK(err.find("kept: " + (folder / "d/unsafe") + ": is not safe") != std::string::npos);
  CHECK(err.find("batch 3: 2 files removed, 14 B; 1 gone already, 2 kept") != std::string::npos);
}

TEST_CASE_METHOD(batch_fixture, "release refuses a batch in any state but a safe one") {
  held(3, "d/a");
  for (auto s : {state::registered, state::cached}) {
    service.batches[3].state = s;
    CHECK(release(3) == exit_failed);
  }
  // Failed, and still in motion.
  service.batches[3].state = state::failed;
  service.batches[3].failed_files = 1;
  CHECK(release(3) == exit_failed);
  CHECK(there("d/a"));
  CHECK(err_fd.text().find("not safe; nothing is removed") != std::string::npos);
  service.batches[3].state = state::synced;
  CHECK(release(3) == exit_ok);
  CHECK_FALSE(there("d/a"));
}

TEST_CASE_METHOD(batch_fixture,
                 "release of a failed batch waits until its failed files are safe in another") {
  held(3, "d/a");
  auto path = failed(3, "d/b").entry.path;
  CHECK(release(3) == exit_failed);
  CHECK(err_fd.text().find("d/b is not safe in another batch") != std::string::npos);
  CHECK(there("d/a"));

  service.hold(4, path, "content");
  service.rows[4].back().state = state::cached;
  CHECK(release(3) == exit_failed);
  service.rows[4].back().state = state::cached_synced;
  CHECK(release(3, false, true) == exit_ok);
  CHECK_FALSE(there("d/a"));
  CHECK(there("d/b"));  // it is the other batch's to release
  auto summary = nlohmann::json::parse(out_fd.text());
  CHECK(summary["removed"] == 1);
  CHECK(summary["failed"] == 1);
}

TEST_CASE_METHOD(batch_fixture, "release ends at a signal") {
  held(3, "d/a");
  stop = true;
  CHECK(release(3) == exit_interrupted);
  CHECK(there("d/a"));
}

TEST_CASE_METHOD(batch_fixture, "retry puts the failed files as they are now, and no others") {
  held(3, "d/a");
  failed(3, "d/b");
  failed(3, "d/c");
  service.batches[3].tag = "tagged";
  write_text(folder / "d/c", "it is longer now");
  put_options options;
  options.workspace = "ws";
  options.retry = batch_id{3};
  CHECK(run(run_put, options) == exit_ok);
  CHECK(out_fd.text() == "Batch ID: 41\n");
  REQUIRE(service.received.size() == 2);
  CHECK(service.received[0].path == folder / "d/b");
  CHECK(service.received[1].size_bytes == 16);
  CHECK(service.only_changed);

  fs::remove(folder / "d/b");
  CHECK(run(run_put, options) == exit_refused);
  CHECK(err_fd.text().find("d/b: no such file") != std::string::npos);
  options.skip_bad = true;
  CHECK(run(run_put, options) == exit_ok);
  CHECK(service.received.size() == 4);
}

TEST_CASE_METHOD(batch_fixture, "retry of a batch without failed files is an error") {
  held(3, "d/a");
  put_options options;
  options.workspace = "ws";
  options.retry = batch_id{3};
  CHECK(run(run_put, options) == exit_parameters);
  CHECK(err_fd.text().find("batch 3 has no failed files") != std::string::npos);
}

TEST_CASE_METHOD(batch_fixture,
                 "put --update leaves unchanged files out, without a word for each") {
  for (auto name : {"d/a", "d/b", "d/c"}) write_text(folder / name, "x");
  service.refused[folder / "d/a"] = errc::unchanged;
  put_options options;
  options.workspace = "ws";
  options.folder = folder / "d";
  options.only_changed = true;
  options.json = true;
  CHECK(run(run_put, options) == exit_ok);
  auto result = nlohmann::json::parse(out_fd.text());
  CHECK(result["unchanged"] == 1);
  CHECK(result["refused"] == 0);
  CHECK(err_fd.text().empty());
}

TEST_CASE_METHOD(batch_fixture, "put --update of nothing new is a success without a batch") {
  for (auto name : {"d/a", "d/b"}) {
    write_text(folder / name, "x");
    service.refused[folder / name] = errc::unchanged;
  }
  put_options options;
  options.workspace = "ws";
  options.folder = folder / "d";
  options.only_changed = true;
  CHECK(run(run_put, options) == exit_ok);
  CHECK(out_fd.text().empty());
  CHECK(err_fd.text() == "et_test: nothing to put: 2 files are held already as they are\n");
  CHECK_FALSE(service.committed);
  CHECK(service.dropped);
}

TEST_CASE_METHOD(batch_fixture, "status of a workspace ends with its running retrievals") {
  service.hold(3, "/d/a", "x");
  retrieval_status one;
  one.record.id = retrieval_id{8};
  one.record.workspace_name = "ws";
  one.record.requester = "ann";
  one.wanted_bytes = 5000;
  one.finished_bytes = 1000;
  one.wait = "volume ET0001L8, place 2 in the queue of recalls";
  service.running = {one};
  status_options options;
  options.workspace = "ws";
  CHECK(run(run_status, options) == exit_ok);
  auto out = out_fd.text();
  CHECK(out.find("Batch 3 of workspace ws") == 0);
  CHECK(out.find("Retrieval 8 of workspace ws: running\n  listed files, by ann since") !=
        std::string::npos);
  CHECK(out.find("  1.0 kB of 5.0 kB fetched so far\n  waits: volume ET0001L8, place 2") !=
        std::string::npos);
}
