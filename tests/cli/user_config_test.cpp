#include "cli/user_config.hpp"

#include <catch2/catch.hpp>

#include "tests/cli/command_fixture.hpp"

using namespace et;
using test::write_text;
namespace fs = std::filesystem;

namespace {

struct surroundings {
  test::temporary_folder folder;
  environment env;

  surroundings() {
    env.home = folder / "home";
    env.system_config = folder / "etc/et_config";
  }
  void own(const std::string& text) { write_text(folder / "home/.et_config", text); }
  void system(const std::string& text) { write_text(folder / "etc/et_config", text); }
  user_config config() {
    auto loaded = load_user_config(env);
    REQUIRE(loaded);
    return *loaded;
  }
  std::string server(const std::string& option = "", const std::string& state = "") {
    auto address = resolve_server(option, state, env, config());
    return address ? *address : "error: " + text_of(address.error());
  }
};

}  // namespace

TEST_CASE("the server: option, environment, own file, system's file, embedded service") {
  surroundings with;
  CHECK(with.server() == "unix:" + with.env.home + "/.local/state/elastictape/elastictape.sock");
  with.env.state = "/some/state";
  CHECK(with.server() == "unix:/some/state/elastictape.sock");
  CHECK(with.server("", "/other/state/") == "unix:/other/state/elastictape.sock");
  with.system("[server]\nHOST = tape.example.org\nport = 5000\n");
  CHECK(with.server() == "tape.example.org:5000");
  with.own("[SERVER]\nHost: own.example.org\n");
  CHECK(with.server() == "own.example.org:5000");
  with.env.server = "unix:/run/x.sock";
  CHECK(with.server() == "unix:/run/x.sock");
  CHECK(with.server("h:1") == "h:1");
  for (std::string bad :
       {"host", "host:", ":5000", "host:0", "host:70000", "unix:relative", "h:1x"}) {
    CHECK(with.server(bad).find("error: --server: '" + bad + "'") == 0);
  }
}

TEST_CASE("indented settings and long lines of an et_config are what they look like") {
  surroundings with;
  with.own("[Server]\n  Host = h\n  Port = 1\n# " + std::string(5000, 'x') +
           "\n[Batch]\n\tOld = " + std::string(3000, 'y') + "\n\tWorkspace = w\n");
  CHECK(with.server() == "h:1");
  CHECK(with.config().workspace == "w");
  with.own("[Batch]\nWorkspace = " + std::string(1000, 'w') + "\nnonsense\n");
  auto broken = load_user_config(with.env);
  REQUIRE_FALSE(broken);
  CHECK(text_of(broken.error()).find(".et_config:3: ") != std::string::npos);
}

TEST_CASE("the embedded service's state folder tells where it listens") {
  surroundings with;
  with.env.state = with.folder / "state";
  write_text(with.folder / "state/address", "unix:/elsewhere/socket\n");
  CHECK(with.server() == "unix:/elsewhere/socket");
  write_text(with.folder / "state/address", "nonsense\n");
  CHECK(with.server().find("error: ") == 0);
}

TEST_CASE("the state folder: option, environment, root's, the user's") {
  environment env;
  CHECK_FALSE(resolve_state("", env));
  env.home = "/home/u";
  CHECK(*resolve_state("", env) == "/home/u/.local/state/elastictape");
  env.root = true;
  CHECK(*resolve_state("", env) == "/var/lib/elastictape");
  env.state = "/from/environment";
  CHECK(*resolve_state("", env) == "/from/environment");
  CHECK(*resolve_state("/from/option", env) == "/from/option");
  CHECK(*resolve_state("rel", env) == fs::current_path().string() + "/rel");
}

TEST_CASE("the workspace: option, own file, system's file; none is an error that helps") {
  surroundings with;
  auto none = resolve_workspace("", with.env, with.config());
  REQUIRE_FALSE(none);
  CHECK(text_of(none.error()).find("[Batch] in ~/.et_config or " + *with.env.system_config) !=
        std::string::npos);
  with.system("[Batch]\nWorkspace = Theirs ; a comment\n[Other]\nkey = value\n");
  CHECK(*resolve_workspace("", with.env, with.config()) == "Theirs");
  with.own("# mine\n[batch]\nworkspace = Mine\n");
  CHECK(*resolve_workspace("", with.env, with.config()) == "Mine");
  CHECK(*resolve_workspace("given", with.env, with.config()) == "given");
}

TEST_CASE("et_config files that cannot be understood name file and line") {
  surroundings with;
  with.own("[Batch]\nWorkspace = x\nnonsense\n");
  auto config = load_user_config(with.env);
  REQUIRE_FALSE(config);
  CHECK(text_of(config.error()).find("/home/.et_config:3: ") != std::string::npos);
  with.own("[DIRECTORY]\noutputLevel = everything\n");
  config = load_user_config(with.env);
  REQUIRE_FALSE(config);
  CHECK(text_of(config.error()).find("'everything' is not") != std::string::npos);
  with.own("[Directory]\nOUTPUTLEVEL = file\n");
  CHECK(with.config().output_level == "file");
}

TEST_CASE("the token is read from a file that only its user can read") {
  surroundings with;
  const std::string token = "et1_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
  auto read = [&] {
    auto found = resolve_token(with.env, with.config());
    return found ? *found : "error: " + text_of(found.error());
  };
  CHECK(read().empty());
  auto file = with.folder / "home/.token";
  with.own("[Server]\ntoken_file = ~/.token\n");
  CHECK(read().starts_with("error: the token: "));
  write_text(file, token + "\n");
  fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write);
  CHECK(read() == token);
  fs::permissions(file, fs::perms::group_read, fs::perm_options::add);
  CHECK(read().find("nobody else can read") != std::string::npos);
  auto other = with.folder / "home/other";
  write_text(other, "no token");
  fs::permissions(other, fs::perms::owner_read);
  with.env.token_file = other;
  CHECK(read().find("does not hold a token") != std::string::npos);
  with.env.token_file = with.folder / "home";
  CHECK(read().starts_with("error: "));
}

TEST_CASE("a service on another machine is known by its authority or its key, and we by a token") {
  surroundings with;
  auto how = [&] { return resolve_remote(with.env, with.config()); };
  REQUIRE(how());
  CHECK_FALSE(how()->prove);
  CHECK(how()->trust.ca_file.empty());
  auto file = with.folder / "home/.token";
  const std::string token = "et1_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
  write_text(file, token);
  with.own("[Server]\nTokenFile = ~/.token\nCA = ~/ca.pem\nFingerprint = AB:cd\nMunge = yes\n");
  // Not sent while others can read it.
  fs::permissions(file, fs::perms::owner_all | fs::perms::group_read);
  CHECK(code_of(how().error()) == errc::invalid_argument);
  fs::permissions(file, fs::perms::owner_read);
  auto found = how();
  REQUIRE(found);
  CHECK(found->trust.ca_file == with.env.home + "/ca.pem");
  CHECK(found->trust.fingerprint == "abcd");
  REQUIRE(found->prove);
  auto proof = found->prove();
  REQUIRE(proof);
  CHECK(proof->how == credential::kind::token);
  CHECK(proof->text == token);
  with.env.ca = "/elsewhere.pem";
  CHECK(how()->trust.ca_file == "/elsewhere.pem");
}

TEST_CASE("a word that is neither yes nor no is an error") {
  surroundings with;
  with.own("[Server]\nMunge = perhaps\n");
  CHECK(code_of(load_user_config(with.env).error()) == errc::invalid_argument);
}
