// A front door with a port for clients of other machines, and whom it knows.
#pragma once

#include <fcntl.h>

#include <catch2/catch.hpp>
#include <mutex>
#include <thread>

#include "actors/front_door.hpp"
#include "actors/node_config.hpp"
#include "actors/tls_bridge.hpp"
#include "cli/client.hpp"
#include "storage/auth/token.hpp"
#include "tests/cli/dummy_port.hpp"
#include "tests/cli/raw_client.hpp"
#include "tests/support/certificate.hpp"

namespace et::test {

struct remote_service {
  door_folder folder;
  test_authority authority;
  std::mutex mutex;
  std::map<std::string, token_record> tokens;  // by hash
  std::vector<audit_record> audits;
  std::string token = make_token(system_random())->text;
  node_config config{service_node(2)};
  caf::actor_system system{config};
  /// Makes what answers a session; a dummy_port when empty.
  std::function<caf::actor(const identity&)> make_port;
  std::unique_ptr<front_door> door;

  using changes = std::function<void(front_door::options&)>;
  explicit remote_service(const changes& change = {}) {
    authority.write(ca());
    authority.issue("service", file("cert.pem"), file("key.pem"));
    credential_checker::options known;
    known.find_token =
        [this](const std::string& hash) -> caf::expected<std::optional<token_record>> {
      std::lock_guard lock{mutex};
      auto found = tokens.find(hash);
      if (found == tokens.end()) return std::optional<token_record>{};
      return std::optional<token_record>{found->second};
    };
    known.find_user = [](const std::string& name) -> caf::expected<os_user> {
      if (name == "anna") return os_user{1001, 1001, {}, "anna"};
      return fail(errc::not_found, "there is no user " + name);
    };
    front_door::options options;
    options.socket = file("s.sock");
    options.executable = session_program();
    options.audit = [this](audit_record record) {
      std::lock_guard lock{mutex};
      audits.push_back(std::move(record));
    };
    options.remote = front_door::remote_options{};
    options.remote->listen = "127.0.0.1:0";
    options.remote->certificate = file("cert.pem");
    options.remote->key = file("key.pem");
    options.remote->checker = std::make_shared<credential_checker>(std::move(known));
    if (change) change(options);
    auto opened = front_door::open(system, options, [this](const identity& who, uint64_t) {
      if (make_port) return caf::actor_cast<caf::strong_actor_ptr>(make_port(who));
      return caf::actor_cast<caf::strong_actor_ptr>(system.spawn(dummy_port, who));
    });
    INFO((opened ? "" : text_of(opened.error())));
    REQUIRE(opened);
    door = std::move(*opened);
    add("anna");
  }

  std::string file(const std::string& name) const { return (folder.path / name).string(); }
  std::string ca() const { return file("ca.pem"); }
  void add(const std::string& user, int64_t expires_ns = 0) {
    std::lock_guard lock{mutex};
    token_record record;
    record.id = 7;
    record.hash = token_hash(token);
    record.user = user;
    record.expires_ns = expires_ns;
    tokens[record.hash] = record;
  }
  void revoke_all() {
    std::lock_guard lock{mutex};
    tokens.clear();
  }
  client_options options(credential::kind how, const std::string& text) const {
    client_options made;
    made.timeout = std::chrono::seconds{20};
    made.trust.ca_file = ca();
    made.prove = [=]() -> caf::expected<credential> { return credential{how, text}; };
    return made;
  }
  client_options options() const { return options(credential::kind::token, token); }
  caf::expected<std::unique_ptr<client>> try_connect() const {
    return client::connect(door->remote_address(), options());
  }
  std::unique_ptr<client> connect() const {
    auto result = try_connect();
    INFO((result ? "" : text_of(result.error())));
    REQUIRE(result);
    return std::move(*result);
  }
  /// A TCP connection, from an address of this machine.
  unique_fd dial(const char* from = "127.0.0.1") const;
  bool sessions_become(size_t count) const {
    for (int i = 0; i < 2000 && door->sessions().size() != count; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds{10});
    return door->sessions().size() == count;
  }
  std::vector<audit_record> audited() {
    std::lock_guard lock{mutex};
    return audits;
  }
};

inline bool works(client& session) {
  return session.call<bool>(put_drop_atom::value, uint64_t{1}).engaged();
}

}  // namespace et::test
