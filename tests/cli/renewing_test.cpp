// Sessions that are lost in the middle of commands.
#include <sys/wait.h>

#include <catch2/catch.hpp>
#include <thread>

#include "cli/commands/cancel.hpp"
#include "cli/commands/get.hpp"
#include "cli/commands/ls.hpp"
#include "cli/commands/put.hpp"
#include "cli/commands/release.hpp"
#include "cli/commands/rm.hpp"
#include "tests/cli/renewing_fixture.hpp"

using namespace et;
using namespace et::test;
using std::chrono::milliseconds;
using moment = fake_service::moment;

namespace {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

struct lost_put : renewing_fixture {
  put_options options;
  lost_put() {
    options.workspace = "ws";
    options.list_file = folder / "list";
    std::string lines;
    for (std::string name : {"a", "b", "c"}) {
      write_text(folder / ("data/" + name), name);
      lines += folder / ("data/" + name) + "\n";
    }
    write_text(folder / "list", lines);
  }
  int put() { return run_renewing(run_put, options, {"et_test", "-w", "ws", "-f", "the list"}); }
};

struct lost_get : renewing_fixture {
  get_options options;
  lost_get() {
    for (std::string name : {"a", "b", "c", "d"})
      service.hold(7, "/data/" + name, "content of " + name, name < "c" ? 1 : 2);
    fs::create_directory(folder / "back");
    options.workspace = "ws";
    options.batch = batch_id{7};
    options.folder = folder / "back";
    options.streams = 1;
  }
  void check_all() {
    for (std::string name : {"a", "b", "c", "d"})
      CHECK(read_text(folder / ("back/data/" + name)) == "content of " + name);
  }
};

}  // namespace

TEST_CASE("renewal schedule: pauses double up to the last, and end in time") {
  using steady = std::chrono::steady_clock;
  renewal_options options;
  options.wait = milliseconds{5000};
  renewal_schedule schedule{options, steady::time_point{}};
  std::vector<int64_t> pauses;
  steady::time_point now;
  while (auto pause = schedule.next(now)) {
    pauses.push_back(pause->count());
    now += *pause;
  }
  CHECK(pauses == std::vector<int64_t>{100, 200, 400, 800, 1000, 1000, 1000, 500});
  CHECK_FALSE(schedule.next(now + std::chrono::hours{1}));
}

TEST_CASE_METHOD(lost_put, "a put whose session is lost before its commit begins again") {
  for (std::string call : {"put_begin", "put_chunk", "put_commit"}) {
    CAPTURE(call);
    service.lose(call);
    refusals = 3;
    CHECK(put() == exit_ok);
    CHECK(service.received.size() == 3);
    CHECK(service.committed_requests.size() == 1);
    service.committed_requests.clear();
  }
  CHECK(out_fd.text() == "Batch ID: 41\nBatch ID: 41\nBatch ID: 41\n");
  CHECK(contains(err_fd.text(), "the session with the service is lost"));
  CHECK(contains(err_fd.text(), "connected again after"));
}

TEST_CASE_METHOD(lost_put,
                 "a put that was committed before its session was lost is not put again") {
  service.lose("put_commit", moment::after);
  CHECK(put() == exit_ok);
  CHECK(out_fd.text() == "Batch ID: 41\n");
  CHECK(service.begun_puts == 2);
  CHECK(service.received.empty());  // nothing was sent a second time
}

TEST_CASE_METHOD(lost_put, "a put that finds no service in time names its request and what to do") {
  service.lose("put_commit", moment::after);
  refusals = 1000;
  CHECK(put() == exit_parameters);
  CHECK(out_fd.text().empty());
  CHECK(paused == wait);
  auto told = err_fd.text();
  CAPTURE(told);
  CHECK(contains(told, "could not be reached again within 60 s (nobody listens)"));
  auto at = told.find("et_test --request-id ");
  REQUIRE(at != std::string::npos);
  auto id = told.substr(at + 21, 32);
  CHECK(parse_request_id(id));
  CHECK(contains(told, "et_test --request-id " + id + " -w ws -f 'the list'\n"));
  // That command is the same put.
  refusals = 0;
  service.session_lost = false;
  service.received.clear();
  options.request_id = id;
  CHECK(put() == exit_ok);
  CHECK(out_fd.text() == "Batch ID: 41\n");
  CHECK(service.received.empty());
}

TEST_CASE_METHOD(lost_put, "a put does not wait when it must not") {
  wait = std::chrono::seconds{0};
  service.lose("put_chunk");
  CHECK(put() == exit_parameters);
  CHECK(paused.count() == 0);
  CHECK(contains(err_fd.text(), "--request-id"));
}

TEST_CASE_METHOD(lost_put,
                 "a put that is refused by the service that is back does not go on trying") {
  service.lose("put_chunk");
  refusals = 1000;
  refusal = fail(errc::not_authorised, "your token has expired");
  CHECK(put() == exit_refused);
  CHECK(refusals == 999);
}

TEST_CASE_METHOD(lost_put, "a put that loses every session gives up") {
  service.lose("put_chunk", moment::before, 1000);
  CHECK(put() == exit_parameters);
  CHECK(service.begun_puts == 1 + max_short_sessions);
  CHECK(contains(err_fd.text(), "times in a row"));
}

TEST_CASE_METHOD(lost_put, "a signal ends the waiting for the service") {
  service.lose("put_commit", moment::after);
  refusals = 1000;
  on_try = [this] { stop = true; };
  CHECK(put() == exit_interrupted);
  CHECK(refusals == 999);
  CHECK(contains(err_fd.text(), "--request-id"));
}

TEST_CASE_METHOD(lost_put, "a list from a pipe is put again as a whole") {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  unique_fd read_end{ends[0]};
  unique_fd write_end{ends[1]};
  auto text = read_text(folder / "list");
  REQUIRE(write(write_end.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  write_end.reset();
  options.list_file = "-";
  options.input_fd = read_end.get();
  service.lose("put_commit");
  CHECK(put() == exit_ok);
  CHECK(service.received.size() == 3);
}

TEST_CASE_METHOD(lost_put, "a folder is walked again from its beginning") {
  options.list_file.clear();
  options.folder = folder / "data";
  service.lose("put_commit");
  CHECK(put() == exit_ok);
  CHECK(service.received.size() == 3);
}

TEST_CASE_METHOD(lost_put, "request ids have one form") {
  std::string id = "000102030405060708090a0b0c0d0eff";
  auto parsed = parse_request_id(id);
  REQUIRE(parsed);
  CHECK(parsed->size() == 16);
  CHECK(static_cast<uint8_t>(parsed->back()) == 0xff);
  for (std::string bad : {std::string{}, id + "0", id.substr(1), "g" + id.substr(1),
                          "A" + id.substr(1), id + "00", std::string(32, ' ')})
    CHECK_FALSE(parse_request_id(bad));
  options.request_id = "12";
  CHECK(put() == exit_parameters);
  CHECK(connections == 0);
}

TEST_CASE_METHOD(renewing_fixture,
                 "a batch that was removed before the session was lost is removed") {
  rm_options options{"ws", batch_id{7}};
  for (auto when : {moment::before, moment::after}) {
    service.hold(7, "/data/a", "a");
    service.lose("remove", when);
    CHECK(run_renewing(run_rm, options) == exit_ok);
    CHECK(service.batches.empty());
    CHECK(contains(err_fd.text(), "batch 7 removed"));
  }
  // One that was never there is not.
  service.lose("remove");
  CHECK(run_renewing(run_rm, options) == exit_parameters);
}

TEST_CASE_METHOD(renewing_fixture, "a batch that was cancelled before the session was lost is so") {
  cancel_options options;
  options.workspace = "ws";
  options.batch = batch_id{7};
  for (auto when : {moment::before, moment::after}) {
    service.rows.clear();
    service.batches.clear();
    service.hold(7, "/data/a", "a");
    service.batches[7].state = state::registered;
    service.lose("cancel", when);
    CHECK(run_renewing(run_cancel, options) == exit_ok);
    CHECK(service.batches[7].state == state::failed);
  }
  // One with nothing in motion cannot be, with or without a loss.
  service.batches[7].state = state::synced;
  service.lose("cancel");
  CHECK(run_renewing(run_cancel, options) == exit_parameters);
}

TEST_CASE_METHOD(renewing_fixture, "questions are asked again, and no line is lost or doubled") {
  for (int i = 0; i < 10; ++i) service.hold(7, "/data/" + std::to_string(i), "x");
  ls_options options;
  options.workspace = "ws";
  options.batch = batch_id{7};
  options.level = ls_level::file;
  REQUIRE(run_renewing(run_ls, options) == exit_ok);
  auto undisturbed = out_fd.text();
  service.lose("list_files", moment::before, 3);
  CHECK(run_renewing(run_ls, options) == exit_ok);
  CHECK(out_fd.text() == undisturbed + undisturbed);
  refusals = 1000;
  service.lose("list_files");
  CHECK(run_renewing(run_ls, options) == exit_parameters);
  CHECK(contains(err_fd.text(), "when it runs again, the command may be repeated"));
}

TEST_CASE_METHOD(renewing_fixture, "a release goes on where its session was lost") {
  for (int i = 0; i < 10; ++i) {
    auto path = folder / ("data/" + std::to_string(i));
    write_text(path, "x");
    struct stat info {};
    REQUIRE(::stat(path.c_str(), &info) == 0);
    service.hold(7, path, "x", 1, info.st_mtim.tv_sec * 1'000'000'000 + info.st_mtim.tv_nsec);
  }
  release_options options;
  options.workspace = "ws";
  options.batch = batch_id{7};
  service.lose("list_files", moment::before, 2);
  CHECK(run_renewing(run_release, options) == exit_ok);
  CHECK(contains(err_fd.text(), "10 files removed"));
  CHECK(fs::is_empty(folder / "data"));
}

TEST_CASE_METHOD(lost_get, "a get goes on in another session, wherever the first was lost") {
  for (std::string call :
       {"get_begin", "status", "list_files", "get_next", "get_data", "get_done"}) {
    CAPTURE(call);
    fs::remove_all(folder / "back/data");
    service.lose(call);
    refusals = 2;
    CHECK(run_renewing(run_get, options) == exit_ok);
    check_all();
    CHECK_FALSE(service.session_lost);
  }
  INFO(err_fd.text());
  CHECK_FALSE(contains(err_fd.text(), "bad file"));
}

TEST_CASE_METHOD(lost_get, "files that are there are not fetched again, and bad ones told once") {
  service.unreadable.insert({batch_id{7}, 1});
  service.before_first_range = [this] { service.lose("get_done"); };
  CHECK(run_renewing(run_get, options) == exit_bad_files);
  auto told = err_fd.text();
  CAPTURE(told);
  auto first = told.find("bad file: /data/a");
  REQUIRE(first != std::string::npos);
  CHECK(told.find("bad file: /data/a", first + 1) == std::string::npos);
  CHECK(contains(told, "2 files written, 24 B"));
  CHECK(contains(told, "0 already there; 2 bad"));
  CHECK(service.begun_gets == 2);
}

TEST_CASE_METHOD(lost_get, "a get that has everything does not need the service for its end") {
  service.lose("get_end");
  refusals = 1000;
  CHECK(run_renewing(run_get, options) == exit_ok);
  check_all();
  CHECK(refusals == 1000);
}

TEST_CASE_METHOD(lost_get, "a list from a pipe is looked up once for all tries") {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  unique_fd read_end{ends[0]};
  unique_fd write_end{ends[1]};
  std::string text = "/data/a\n/data/c\nrelative\n";
  REQUIRE(write(write_end.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  write_end.reset();
  options.list_file = "-";
  options.input_fd = read_end.get();
  service.lose("get_next");
  CHECK(run_renewing(run_get, options) == exit_bad_files);
  CHECK(read_text(folder / "back/data/a") == "content of a");
  CHECK(read_text(folder / "back/data/c") == "content of c");
  CHECK(contains(err_fd.text(), "; 1 bad"));
}

TEST_CASE_METHOD(lost_get, "a get that finds no service in time says so") {
  service.lose("get_data");
  refusals = 1000;
  CHECK(run_renewing(run_get, options) == exit_failed);
  CHECK(contains(err_fd.text(), "could not be reached again within 60 s"));
}

TEST_CASE("a command is told as a shell takes it") {
  memory_fd fd;
  output out{fd.get()};
  reporter report{"et_test", fd.get(), false};
  command_context context{out, report, {}, {}, 1};
  context.program = "elastictape put";
  context.arguments = {"elastictape", "put", "-w", "it's", "--tag=x", ""};
  CHECK(repeated(context) == "elastictape put -w 'it'\\''s' --tag=x ''");
  CHECK(repeated(context, {"--request-id", "7"}) ==
        "elastictape put --request-id 7 -w 'it'\\''s' --tag=x ''");
  context.arguments.push_back("--request-id=8");
  CHECK_FALSE(contains(repeated(context, {"--request-id", "7"}), " 7"));
}
