#include "cli/alert_targets.hpp"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

using namespace et;

namespace {

std::string problem_of(const std::string& text) {
  auto config = parse_service_config(text, "t.toml");
  return config ? "" : text_of(config.error());
}

const std::string some_mail =
    "[[alert.mail]]\nserver = \"smtp://localhost\"\nfrom = \"et@x.org\"\nto = [\"a@x.org\"]\n";

}  // namespace

TEST_CASE("mail and webhooks are taken from the configuration", "[alert_config]") {
  auto config = parse_service_config(
      some_mail + "severity = \"error\"\n" +
          "[[alert.webhook]]\nurl = \"https://h.org/x\"\nworkspaces = [\"w\"]\ngive_up_days = 2\n"
          "[[alert.webhook]]\nurl = \"https://h.org/x\"\nname = \"second\"\nseverity = \"info\"\n"
          "[node]\nname = \"tape1\"\n",
      "t.toml");
  REQUIRE(config);
  auto targets = alert_targets(*config);
  REQUIRE(targets);
  REQUIRE(targets->size() == 3);
  auto& mail = (*targets)[0];
  CHECK(mail.kind == alert_target::kind_type::mail);
  CHECK(mail.name == "a@x.org");
  CHECK(mail.url == "smtp://localhost");
  CHECK(mail.least == severity::error);
  CHECK(mail.workspaces == std::vector<std::string>{"*"});
  CHECK(mail.node == "tape1");
  auto& hook = (*targets)[1];
  CHECK(hook.kind == alert_target::kind_type::webhook);
  CHECK(hook.name == "https://h.org/x");
  CHECK(hook.least == severity::warning);
  CHECK(hook.give_up_ns == int64_t{2} * 86'400 * 1'000'000'000);
  CHECK((*targets)[2].name == "second");
}

TEST_CASE("what is wrong with a target names file, line and key", "[alert_config]") {
  CHECK(problem_of("[alert]\nx = 1\n") == "t.toml:2: alert.x: unknown key");
  CHECK(problem_of(some_mail + "x = 1\n") == "t.toml:5: alert.mail.x: unknown key");
  CHECK(problem_of(some_mail + "tls = \"maybe\"\n") ==
        "t.toml:5: alert.mail.tls: must be one of off, if-offered, required");
  CHECK(problem_of("[[alert.webhook]]\nurl = \"ftp://x\"\n") ==
        "t.toml:2: alert.webhook.url: must be a URL that begins with http:// or https://");
  CHECK(problem_of("[alert]\nmail = 3\n") ==
        "t.toml:2: alert.mail: must be sections: [[alert.mail]]");
  CHECK(problem_of("[[alert.webhook]]\nurl = \"http://x\"\n[[alert.webhook]]\nurl = \"http://x\"\n")
            .find("two have this name") != std::string::npos);
  CHECK(problem_of("[[alert.webhook]]\n").find("alert.webhook.url") != std::string::npos);
  CHECK(problem_of(
            "[[alert.mail]]\nserver = \"smtp://x\"\nfrom = \"a@b\\r\\nDATA\"\nto = [\"a@b\"]\n")
            .find("t.toml:3: alert.mail.from: must be a plain address") == 0);
  CHECK(problem_of(some_mail + "user = \"u\"\n").find("go together") != std::string::npos);
}

TEST_CASE("a secret must be its owner's alone", "[alert_config]") {
  auto folder = std::filesystem::temp_directory_path() / "et-secret-XXXXXX";
  auto name = folder.string();
  REQUIRE(::mkdtemp(name.data()) != nullptr);
  auto file = name + "/secret";
  std::ofstream{file} << "s3cret\n";
  auto config = parse_service_config(
      "[[alert.webhook]]\nurl = \"http://x\"\nsecret_file = \"" + file + "\"\n", "t.toml");
  REQUIRE(config);
  for (auto mode : {0644, 0640, 0602}) {
    ::chmod(file.c_str(), static_cast<mode_t>(mode));
    auto refused = alert_targets(*config);
    REQUIRE_FALSE(refused);
    CHECK(code_of(refused.error()) == errc::not_authorised);
  }
  ::chmod(file.c_str(), 0600);
  auto targets = alert_targets(*config);
  REQUIRE(targets);
  CHECK(targets->at(0).secret == "s3cret");
  std::ofstream{file} << "\n";
  CHECK(code_of(alert_targets(*config).error()) == errc::invalid_argument);
  std::filesystem::remove_all(name);
}
