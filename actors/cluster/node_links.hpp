// TRANSIENT: replaced by the branch work-links.
#pragma once
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include "actors/caf_compat.hpp"
#include "storage/error.hpp"
namespace et::cluster {
struct link_facts {
  uint64_t number = 0;
  std::string node;
  std::string address;
};
using port_factory = std::function<caf::strong_actor_ptr(const link_facts&)>;
class node_links {
 public:
  struct options {
    std::string node;
    std::string listen;
    std::filesystem::path folder;
    std::set<std::string> interface;
    port_factory factory;
    std::function<void(uint64_t, const std::string&, const std::string&)> on_closed;
  };
  struct connected {
    link_facts facts;
    caf::strong_actor_ptr port;
  };
  static caf::expected<std::unique_ptr<node_links>> open(caf::actor_system&, options) {
    return fail(errc::unavailable, "no links yet");
  }
  std::string address() const { return {}; }
  caf::expected<connected> connect(const std::string&, const std::string&,
                                   std::chrono::milliseconds) {
    return fail(errc::unavailable, "no links yet");
  }
  void close(uint64_t, std::string) {}
  void stop() {}
};
}  // namespace et::cluster
