#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "cli/commands/admin.hpp"
#include "tests/cli/command_fixture.hpp"

using namespace et;
using namespace et::test;

namespace {

void hold(fake_service& service) {
  for (uint64_t number = 1; number <= 5; ++number) {
    audit_record record;
    record.number = number;
    record.user = number % 2 == 0 ? "ben" : "anna";
    record.from = "unix";
    record.action = "rm";
    record.workspace = "lidar";
    record.subject = "batch " + std::to_string(number);
    service.audits_held.push_back(record);
  }
  service.audits_held[3].outcome = errc::not_authorised;
  service.audits_held[3].text = "a\nb";
}

}  // namespace

TEST_CASE_METHOD(command_fixture, "the audit is listed page by page, as lines") {
  hold(service);
  CHECK(run(run_admin_audit, admin_audit_options{}) == exit_ok);
  auto text = out_fd.text();
  CHECK(std::count(text.begin(), text.end(), '\n') == 5);
  CHECK(text.find("anna (unix) rm in lidar, batch 1: ok\n") != std::string::npos);
  CHECK(text.find("ben (unix) rm in lidar, batch 4: not_authorised, a") != std::string::npos);
}

TEST_CASE_METHOD(command_fixture, "the audit of one user, after a number, as JSON") {
  hold(service);
  admin_audit_options options;
  options.after = 2;
  options.user = "ben";
  options.json = true;
  CHECK(run(run_admin_audit, options) == exit_ok);
  auto line = nlohmann::json::parse(out_fd.text());
  CHECK(line["number"] == 4);
  CHECK(line["user"] == "ben");
  CHECK(line["outcome"] == "not_authorised");
  CHECK(line["text"] == "a\nb");
}
