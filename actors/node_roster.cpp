#include "actors/node_roster.hpp"

namespace et {

void node_roster::put(storage_node node) {
  auto name = node.name;
  auto made = std::make_shared<const storage_node>(std::move(node));
  std::lock_guard lock{mutex_};
  nodes_[name] = std::move(made);
}

node_roster::entry node_roster::find(const std::string& name) const {
  std::lock_guard lock{mutex_};
  auto found = nodes_.find(name);
  return found == nodes_.end() ? nullptr : found->second;
}

std::vector<node_roster::entry> node_roster::all() const {
  std::vector<entry> list;
  std::lock_guard lock{mutex_};
  for (auto& [name, one] : nodes_) list.push_back(one);
  return list;
}

void node_roster::set_load(const std::string& name, const node_load& load) {
  std::lock_guard lock{mutex_};
  loads_[name] = load;
}

node_load node_roster::load(const std::string& name) const {
  std::lock_guard lock{mutex_};
  auto found = loads_.find(name);
  return found == loads_.end() ? node_load{} : found->second;
}

std::shared_ptr<node_roster> make_roster() {
  return std::make_shared<node_roster>();
}

}  // namespace et
