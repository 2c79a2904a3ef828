// A service with a port for clients of other machines, and clients that use nothing else.
#pragma once

#include "tests/blackbox/harness.hpp"
#include "tests/support/certificate.hpp"

namespace et::blackbox {

struct remote_site {
  temp_folder folder;
  et::test::test_authority authority;
  service node;

  explicit remote_site(const std::string& more = {})
      : node(folder / "state", config(authority, folder, more)) {
    node.start();
    REQUIRE_FALSE(node.remote().empty());
  }

  static std::string config(const et::test::test_authority& from, const temp_folder& folder,
                            const std::string& more) {
    auto file = [&](const char* name) { return (folder / name).string(); };
    from.write(file("ca.pem"));
    from.issue("service", file("cert.pem"), file("key.pem"));
    return "[service]\nhttp = \"off\"\ntls_listen = \"127.0.0.1:0\"\ntls_certificate = \"" +
           file("cert.pem") + "\"\ntls_key = \"" + file("key.pem") + "\"\n" + more;
  }

  void add_workspace(const std::string& name, const fs::path& root, const std::string& manager) {
    auto added = node.call({"elastictape", "admin", "workspace", "add", name, "--root",
                            root.string(), "--manager", manager, "--quota", "1G"});
    INFO(added.err);
    REQUIRE(added.code == 0);
  }
  /// A file with a new token of a user.
  fs::path token(const std::string& user, const std::string& workspace = {}) {
    std::vector<std::string> words{"elastictape", "admin", "token", "create", "--user", user};
    if (!workspace.empty()) words.insert(words.end(), {"--workspace", workspace});
    auto made = node.call(words);
    INFO(made.err);
    REQUIRE(made.code == 0);
    auto file = folder / ("token of " + user + " " + workspace);
    write_file(file, made.out);
    fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write);
    return file;
  }
  environment client(const fs::path& token_file) const {
    return {{"ELASTICTAPE_SERVER", node.remote()},
            {"ELASTICTAPE_TOKEN_FILE", token_file.string()},
            {"ELASTICTAPE_CA", (folder / "ca.pem").string()},
            {"ELASTICTAPE_SYSTEM_CONFIG", (folder / "none").string()},
            {"HOME", folder.path().string()}};
  }
};

}  // namespace et::blackbox
