// Who gets into the monitor of the installed program: TLS, tokens, a reverse proxy.
#include <httplib.h>

#include "tests/blackbox/two_users.hpp"
#include "tests/support/certificate.hpp"

using namespace et::blackbox;

namespace {

struct certificates {
  certificates() {
    authority.write(folder / "ca.pem");
    authority.issue("127.0.0.1", folder / "monitor.pem", folder / "monitor.key");
  }
  std::string config(const std::string& access) const {
    return "[monitor]\ncertificate = \"" + (folder / "monitor.pem").string() + "\"\nkey = \"" +
           (folder / "monitor.key").string() + "\"\n" + access;
  }
  temp_folder folder;
  et::test::test_authority authority;
};

/// Status of a page, or -1 when there is no answer.
int status_of(httplib::Client& client, const std::string& target) {
  auto got = client.Get(target);
  return got ? got->status : -1;
}

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

void write_own_file(const fs::path& file, const user& owner, const std::string& content) {
  two_users::make_file(file, owner, 0600, content);
}

const std::string all_holdings = "/et_user/ET_Holdings_Summary_XML.php?level=file";

}  // namespace

TEST_CASE("the service does not start with a monitor that others could read", "[monitor]") {
  temp_folder folder;
  certificates tls;
  const std::string outside = "[service]\nhttp = \"0.0.0.0:0\"\n";
  for (const auto& config :
       {outside, outside + "[monitor]\naccess = \"token\"\n", outside + tls.config("")}) {
    service node{folder / "state", config};
    auto refused = node.start_refused();
    INFO(refused.err);
    CHECK(refused.code == 1);
    CHECK(refused.err.find("in [monitor], or use 127.0.0.1:PORT") != std::string::npos);
  }
  service node{folder / "state", outside + tls.config("access = \"token\"\n")};
  node.start();
  CHECK(node.monitor().starts_with("https://0.0.0.0:"));
}

TEST_CASE("tokens: made, used, revoked; each user sees what is theirs", "[monitor]") {
  certificates tls;
  two_users at{tls.config("access = \"token\"\n")};
  for (const auto& [name, who] : std::map<std::string, user>{{"ann", ann}, {"bob", bob}}) {
    auto tree = at.folder / name / "open";
    two_users::make_file(tree / ("of-" + name), who, 0644, name);
    auto put = at.by(who, {"et_put", "-w", name, tree.string()});
    INFO(put.err);
    REQUIRE(put.code == 0);
  }
  auto token_by = [&](const user& who, std::vector<std::string> extra = {}) {
    std::vector<std::string> words{"elastictape", "admin", "token", "create"};
    words.insert(words.end(), extra.begin(), extra.end());
    auto made = at.by(who, words);
    INFO(made.err);
    REQUIRE(made.code == 0);
    return first_line(made.out);
  };
  auto anns = token_by(ann, {"--label", "laptop", "--expires", "2d"});
  auto bobs = token_by(bob);

  REQUIRE(at.node.monitor().starts_with("https://"));
  httplib::Client client{at.node.monitor()};
  client.set_ca_cert_path((tls.folder / "ca.pem").c_str());
  CHECK(status_of(client, "/") == 401);
  CHECK(status_of(client, "/et_user/ET_Home.php?caller=root") == 401);
  client.set_bearer_token_auth(anns.c_str());
  auto seen = client.Get(all_holdings);
  REQUIRE(seen);
  CHECK(seen->body.find("of-ann") != std::string::npos);
  CHECK(seen->body.find("bob") == std::string::npos);
  CHECK(status_of(client, "/et_user/ET_Holdings_Summary.php?workspace=ann") == 200);
  CHECK(status_of(client, "/et_user/ET_Holdings_Summary.php?workspace=bob") == 404);
  CHECK(status_of(client, "/et_user/ET_Holdings_Summary.php?workspace=bob&caller=root") == 404);
  client.set_bearer_token_auth(token_by({0, 0}).c_str());
  CHECK(client.Get(all_holdings)->body.find("of-bob") != std::string::npos);

  // Nobody makes, sees or ends those of others, but administrators do.
  CHECK(at.by(ann, {"elastictape", "admin", "token", "create", "--user", "root"}).code == 2);
  auto own = at.by(ann, {"elastictape", "admin", "token", "list"}).out;
  CHECK(own.starts_with("1 64001 …" + anns.substr(anns.size() - 4)));
  CHECK(own.find("laptop") != std::string::npos);
  CHECK(own.find(anns) == std::string::npos);
  CHECK(own.find("64002") == std::string::npos);
  CHECK(at.by(ann, {"elastictape", "admin", "token", "revoke", "2"}).code == 1);
  CHECK(at.node.call({"elastictape", "admin", "token", "list"}).out.find("64002") !=
        std::string::npos);
  client.set_bearer_token_auth(bobs.c_str());
  CHECK(status_of(client, "/gws/etexport/") == 200);
  CHECK(at.node.call({"elastictape", "admin", "token", "revoke", "2"}).code == 0);
  CHECK(status_of(client, "/gws/etexport/") == 401);

  // It is durable, and et_ls uses it.
  REQUIRE(at.node.stop() == 0);
  at.node.start();
  auto file = at.folder / "ann" / "token";
  write_own_file(file, ann, anns + "\n");
  auto extra = at.node.surroundings();
  extra["ELASTICTAPE_TOKEN_FILE"] = file.string();
  extra["SSL_CERT_FILE"] = (tls.folder / "ca.pem").string();
  auto list = [&] {
    return run({"et_ls", "-x", at.node.monitor(), "-w", "ann", "-L", "file"}, extra, {}, ann);
  };
  auto listed = list();
  INFO(listed.err);
  CHECK(listed.code == 0);
  CHECK(listed.out.find("of-ann") != std::string::npos);
  extra.erase("ELASTICTAPE_TOKEN_FILE");
  CHECK(list().code == 2);
}

TEST_CASE("a reverse proxy's word counts from its address only", "[monitor]") {
  auto config = [](const std::string& address) {
    return "[monitor]\naccess = \"proxy\"\nproxy_addresses = [\"" + address +
           "\"]\nuser_header = \"X-Tape-User\"\n";
  };
  two_users at{config("127.0.0.1")};
  auto home = [&](const httplib::Headers& headers) {
    httplib::Client client{at.node.monitor()};
    auto got = client.Get("/gws/etexport/", headers);
    REQUIRE(got);
    return got->status == 200 ? got->body : std::to_string(got->status);
  };
  CHECK(home({{"X-Tape-User", "64001"}}) == "ann,64001,1073741824,\n");
  CHECK(home({{"X-Tape-User", "root"}}).find("bob,64002") != std::string::npos);
  CHECK(home({}) == "401");
  CHECK(home({{"X-Remote-User", "root"}}) == "401");
  CHECK(home({{"X-Tape-User", "64001"}, {"X-Tape-User", "root"}}) == "400");
  REQUIRE(at.node.stop() == 0);
  at.node.set_config(config("127.0.0.9"));
  at.node.start();
  CHECK(home({{"X-Tape-User", "root"}}) == "401");
}

TEST_CASE("an error in the log of a running service is an alert", "[monitor][alerts]") {
  certificates tls;
  temp_folder folder;
  service node{folder / "state",
               "[service]\nhttp = \"127.0.0.1:0\"\n" + tls.config("access = \"token\"\n")};
  node.start();
  auto alerts = [&] { return node.call({"elastictape", "admin", "alerts"}).out; };
  CHECK(alerts().find("stays in use") == std::string::npos);
  write_file(tls.folder / "monitor.pem", "no certificate");
  httplib::Client client{node.monitor()};
  client.set_ca_cert_path((tls.folder / "ca.pem").c_str());
  auto end = std::chrono::steady_clock::now() + std::chrono::minutes{1};
  // The service looks at its certificate when somebody comes, and still has the good one.
  while (alerts().find("stays in use") == std::string::npos) {
    REQUIRE(std::chrono::steady_clock::now() < end);
    CHECK(status_of(client, "/") == 401);
  }
  CHECK(node.log().find("stays in use") != std::string::npos);
  // The alert of an error is no error that needs an alert.
  auto told = alerts();
  CHECK(told.find("stays in use") == told.rfind("stays in use"));
}
