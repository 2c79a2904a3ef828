#include <algorithm>

#include "storage/catalogue/store_impl.hpp"

namespace et {

namespace {

constexpr size_t most_name_bytes = 64;

bool is_name_character(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '.' || c == '-';
}

/// Absolute, with no empty, `.` or `..` part: files are compared with it byte by byte.
bool is_plain_root(const std::string& root) {
  if (root.empty() || root.front() != '/' || root.find('\0') != std::string::npos) return false;
  if (root == "/") return true;
  for (size_t at = 1; at <= root.size();) {
    auto end = std::min(root.find('/', at), root.size());
    auto part = std::string_view{root}.substr(at, end - at);
    if (part.empty() || part == "." || part == "..") return false;
    at = end + 1;
  }
  return true;
}

caf::error check(const workspace_record& record) {
  if (record.name.empty() || record.name.size() > most_name_bytes ||
      !std::all_of(record.name.begin(), record.name.end(), is_name_character))
    return fail(errc::invalid_argument,
                "a workspace's name is 1 to 64 letters, digits, or one of _ . -");
  if (record.roots.empty())
    return fail(errc::invalid_argument, "workspace " + record.name + " needs at least one root");
  for (const auto& root : record.roots)
    if (!is_plain_root(root))
      return fail(errc::invalid_argument,
                  "a root of workspace " + record.name + " is not a plain absolute path: " + root);
  return {};
}

}  // namespace

caf::expected<workspace_record> store::add_workspace(const workspace_record& record) {
  return writing([&]() -> caf::expected<workspace_record> {
    if (auto error = check(record)) return error;
    auto existing = now_.workspace(record.name);
    if (!existing) return existing.error();
    if (*existing)
      return fail(errc::already_exists, "workspace " + record.name + " exists already");
    auto t = begin();
    if (t.next.next_workspace > UINT32_MAX)
      return fail(errc::limit_reached, "there are no numbers left for workspaces");
    auto added = record;
    added.id = workspace_id{static_cast<uint32_t>(t.next.next_workspace++)};
    added.used_bytes = added.used_files = added.batches = 0;
    put(t, added);
    if (auto error = apply(t, true)) return error;
    return added;
  });
}

caf::expected<workspace_record> store::set_workspace(const workspace_record& record) {
  return writing([&]() -> caf::expected<workspace_record> {
    if (auto error = check(record)) return error;
    auto existing = now_.workspace(record.name);
    if (!existing) return existing.error();
    if (!*existing) return fail(errc::not_found, "there is no workspace " + record.name);
    auto changed = std::move(**existing);
    changed.roots = record.roots;
    changed.managers = record.managers;
    changed.quota_bytes = record.quota_bytes;
    auto t = begin();
    put(t, changed);
    if (auto error = apply(t, true)) return error;
    return changed;
  });
}

caf::error store::remove_workspace(const std::string& name) {
  return writing([&]() -> caf::error {
    auto existing = now_.workspace(name);
    if (!existing) return existing.error();
    if (!*existing) return fail(errc::not_found, "there is no workspace " + name);
    auto held = (*existing)->batches;
    for (const auto& [id, phase] : hidden_) {
      if (phase != batch_phase::pending) continue;
      auto batch = now_.batch(batch_id{id});
      if (!batch) return batch.error();
      if (*batch && (*batch)->workspace == (*existing)->id) ++held;
    }
    if (held > 0)
      return fail(errc::already_exists,
                  "workspace " + name + " holds " + std::to_string(held) + " batches");
    auto t = begin();
    t.changes.erase(keys::workspace(name));
    return apply(t, true);
  });
}

}  // namespace et
