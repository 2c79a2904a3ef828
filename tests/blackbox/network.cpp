#include "tests/blackbox/network.hpp"

#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <charconv>
#include <filesystem>

namespace et::blackbox {

namespace {

const char* ip_path() {
  for (const char* one : {"/usr/sbin/ip", "/sbin/ip", "/usr/bin/ip", "/bin/ip"})
    if (::access(one, X_OK) == 0) return one;
  return nullptr;
}

outcome ip(std::vector<std::string> words) {
  words.insert(words.begin(), ip_path());
  return run(words, {});
}

/// What tests left that did not come to their end: the number in a name is of the process.
void remove_leftovers() {
  constexpr std::string_view prefix = "et-";
  std::error_code none;
  for (auto& entry : std::filesystem::directory_iterator{"/run/netns", none}) {
    auto name = entry.path().filename().string();
    if (!name.starts_with(prefix)) continue;
    pid_t process = 0;
    auto end = name.data() + name.size();
    auto [rest, error] = std::from_chars(name.data() + prefix.size(), end, process);
    if (error == std::errc{} && rest != end && *rest == '-' &&
        !std::filesystem::exists("/proc/" + std::to_string(process)))
      ip({"netns", "delete", name});
  }
}

void need_ip(const std::vector<std::string>& words) {
  auto done = ip(words);
  INFO(done.err);
  REQUIRE(done.code == 0);
}

}  // namespace

std::string separate_networks::obstacle() {
  if (::geteuid() != 0) return "network namespaces need root";
  if (!ip_path()) return "network namespaces need the command ip (package iproute2)";
  auto name = "et-probe-" + std::to_string(::getpid());
  auto made = ip({"netns", "add", name});
  if (made.code != 0) return "no network namespace can be made: " + made.err;
  auto pair = ip({"-n", name, "link", "add", "name", "one", "type", "veth", "peer", "name", "other"});
  auto bridge = ip({"-n", name, "link", "add", "name", "hub", "type", "bridge"});
  auto address = ip({"-n", name, "address", "add", "10.77.0.1/24", "dev", "one"});
  auto entered = ip({"netns", "exec", name, "/bin/true"});
  ip({"netns", "delete", name});
  if (address.code != 0) return "no address can be given there: " + address.err;
  if (entered.code != 0) return "nothing can be run there: " + entered.err;
  if (pair.code != 0) return "no cable between namespaces can be made: " + pair.err;
  if (bridge.code != 0) return "no bridge can be made: " + bridge.err;
  return {};
}

separate_networks::separate_networks(const std::vector<std::string>& nodes)
    : prefix_("et-" + std::to_string(::getpid()) + "-"), nodes_(nodes) {
  remove_leftovers();
  auto hub = prefix_ + "hub";
  need_ip({"netns", "add", hub});
  need_ip({"-n", hub, "link", "add", "name", "bridge", "type", "bridge"});
  need_ip({"-n", hub, "link", "set", "bridge", "up"});
  for (auto& node : nodes_) {
    auto own = name_of(node), port = "port" + std::to_string(number_of(node));
    need_ip({"netns", "add", own});
    need_ip({"-n", hub, "link", "add", "name", port, "type", "veth", "peer", "name", "eth0", "netns", own});
    need_ip({"-n", hub, "link", "set", port, "master", "bridge", "up"});
    need_ip({"-n", own, "address", "add", host(node) + "/24", "dev", "eth0"});
    need_ip({"-n", own, "link", "set", "eth0", "up"});
    need_ip({"-n", own, "link", "set", "lo", "up"});
  }
}

separate_networks::~separate_networks() {
  for (auto& node : nodes_) ip({"netns", "delete", name_of(node)});
  ip({"netns", "delete", prefix_ + "hub"});
}

size_t separate_networks::number_of(const std::string& node) const {
  auto found = std::find(nodes_.begin(), nodes_.end(), node);
  REQUIRE(found != nodes_.end());
  return static_cast<size_t>(found - nodes_.begin()) + 1;
}

std::string separate_networks::name_of(const std::string& node) const {
  return prefix_ + node;
}

std::string separate_networks::host(const std::string& node) const {
  return "10.77.0." + std::to_string(number_of(node));
}

std::vector<std::string> separate_networks::on(const std::string& node) const {
  return {ip_path(), "netns", "exec", name_of(node)};
}

void separate_networks::cut(const std::string& node) const {
  need_ip({"-n", prefix_ + "hub", "link", "set", "port" + std::to_string(number_of(node)), "down"});
}

void separate_networks::mend(const std::string& node) const {
  need_ip({"-n", prefix_ + "hub", "link", "set", "port" + std::to_string(number_of(node)), "up"});
}

}  // namespace et::blackbox
