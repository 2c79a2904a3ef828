#include "actors/placement.hpp"

#include <algorithm>
#include <tuple>

namespace et {

namespace {

bool sees_all(const place_facts& node, const std::vector<file_entry>& entries) {
  if (!node.reads_sources) return false;
  return std::all_of(entries.begin(), entries.end(),
                     [&](const file_entry& entry) { return is_beneath(entry.path, node.roots); });
}

/// Less is better.
auto rank(const place_facts& node, uint64_t size_bytes) {
  return std::tuple{node.free_bytes < size_bytes, node.jobs, ~node.free_bytes, node.node};
}

const place_facts* best(const std::vector<const place_facts*>& of, uint64_t size_bytes) {
  auto found = std::min_element(of.begin(), of.end(), [&](const auto* a, const auto* b) {
    return rank(*a, size_bytes) < rank(*b, size_bytes);
  });
  return found == of.end() ? nullptr : *found;
}

}  // namespace

bool is_beneath(const std::string& path, const std::vector<std::string>& roots) {
  return std::any_of(roots.begin(), roots.end(), [&](const std::string& root) {
    if (root == "/") return path.starts_with("/");
    return path.size() > root.size() && path.starts_with(root) && path[root.size()] == '/';
  });
}

std::optional<placement> place(const std::vector<place_facts>& nodes,
                               const std::vector<file_entry>& entries, uint64_t size_bytes,
                               std::string& why) {
  std::vector<const place_facts*> both, caches, readers;
  for (auto& node : nodes) {
    bool sees = sees_all(node, entries);
    if (node.has_cache && sees) both.push_back(&node);
    if (node.has_cache) caches.push_back(&node);
    if (sees) readers.push_back(&node);
  }
  if (readers.empty()) {
    why = "no node that is up sees " + (entries.empty() ? "the files" : entries.front().path);
    return std::nullopt;
  }
  if (caches.empty()) {
    why = "no node with a cache is up";
    return std::nullopt;
  }
  if (auto* here = best(both, size_bytes)) return placement{here->node, {}};
  return placement{best(caches, size_bytes)->node, best(readers, 0)->node};
}

}  // namespace et
