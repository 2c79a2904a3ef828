// Registration of chunks: the part of the store that handles every file one by one.
#include <algorithm>
#include <numeric>

#include "storage/catalogue/store_impl.hpp"

namespace et {

using keys::family;

namespace {

/// Longer paths would make keys unwieldy; the kernel takes 4,096 bytes at a time.
constexpr size_t most_path_bytes = 32 * 1024;

/// What is wrong with the entry by itself; nullptr: nothing.
const char* fault_of(const file_entry& entry) {
  const auto& path = entry.path;
  if (path.empty()) return "the path is empty";
  if (path.front() != '/') return "the path is not absolute";
  if (path.size() > most_path_bytes) return "the path is too long";
  if (path.find('\0') != std::string::npos) return "the path contains a zero byte";
  return nullptr;
}

/// Indices of `entries` in path order; equal paths stay in their order.
std::vector<uint32_t> path_order(const std::vector<file_entry>& entries) {
  std::vector<uint32_t> order(entries.size());
  std::iota(order.begin(), order.end(), 0u);
  auto less = [&](uint32_t a, uint32_t b) { return entries[a].path < entries[b].path; };
  if (!std::is_sorted(order.begin(), order.end(), less))
    std::stable_sort(order.begin(), order.end(), less);
  return order;
}

/// Tells whether paths, asked for in ascending order, are in the way of a new entry. One cursor
/// goes through the workspace's paths once; where there are none, one seek serves a whole chunk.
class held_check {
 public:
  held_check(const database& db, const record_reader& records,
             const std::unordered_map<uint64_t, batch_phase>& hidden, const batch_record& batch)
      : records_(records),
        hidden_(hidden),
        batch_(batch.id),
        workspace_(batch.workspace),
        paths_(db, nullptr, keys::paths_of(batch.workspace)) {}

  /// The reason why `path` cannot be added; empty: it can.
  caf::expected<std::string> operator()(const std::string& path) {
    auto prefix = keys::path_prefix(workspace_, path);
    go_to(prefix);
    for (; paths_.valid() && prefix.begins(paths_.key()); paths_.next()) {
      auto holder = keys::batch_of_path_key(paths_.key());
      if (!holder) return fail(errc::corrupt, "the catalogue has a malformed key in path");
      auto reason = refusal(*holder, path);
      if (!reason || !reason->empty()) return reason;
    }
    if (auto error = paths_.error()) return error;
    return std::string{};
  }

 private:
  /// Sources that were held before tend to come in a row: a few steps are cheaper than a seek.
  void go_to(const keys::key<family::path>& target) {
    constexpr int most_steps = 4;
    if (!started_) {
      started_ = true;
      return paths_.seek(target);
    }
    for (int i = 0; paths_.valid() && target.behind(paths_.key()); ++i) {
      if (i == most_steps) return paths_.seek(target);
      paths_.next();
    }
  }

  caf::expected<std::string> refusal(batch_id holder, const std::string& path) {
    if (holder == batch_) return std::string{"listed twice in this batch"};
    auto name = std::to_string(holder.value);
    auto phase = hidden_.find(holder.value);
    if (phase != hidden_.end()) {
      if (phase->second == batch_phase::removing) return std::string{};
      return "in batch " + name + ", which is being registered";
    }
    auto failures = failures_of(holder);
    if (!failures) return failures.error();
    if (*failures) {
      // A file that failed is not held; it may be put again.
      auto failure = records_.failure(holder, path);
      if (!failure) return failure.error();
      if (*failure) return std::string{};
    }
    return "already held by batch " + name;
  }

  caf::expected<bool> failures_of(batch_id holder) {
    auto known = has_failures_.find(holder.value);
    if (known != has_failures_.end()) return known->second;
    auto batch = records_.batch(holder);
    if (!batch) return batch.error();
    if (!*batch)
      return fail(errc::corrupt, "the catalogue has paths of batch " +
                                     std::to_string(holder.value) + " but not it");
    return has_failures_[holder.value] = (*batch)->failed_files > 0;
  }

  const record_reader& records_;
  const std::unordered_map<uint64_t, batch_phase>& hidden_;
  batch_id batch_;
  workspace_id workspace_;
  cursor<family::path> paths_;
  bool started_ = false;
  std::unordered_map<uint64_t, bool> has_failures_;
};

}  // namespace

caf::expected<std::vector<entry_error>> store::add_files(batch_id id,
                                                         const std::vector<file_entry>& entries) {
  return writing([&]() -> caf::expected<std::vector<entry_error>> {
    constexpr size_t usual_change_bytes = 200;
    auto pending = pending_batch(id);
    if (!pending) return pending.error();
    auto batch = std::move(*pending);
    auto t = begin(entries.size() * usual_change_bytes);
    std::vector<entry_error> errors;
    held_check check{*db_, now_, hidden_, batch};
    const std::string* last_added = nullptr;
    for (auto index : path_order(entries)) {
      const auto& entry = entries[index];
      if (const auto* fault = fault_of(entry)) {
        errors.push_back({index, errc::invalid_argument, fault});
        continue;
      }
      if (last_added && *last_added == entry.path) {
        errors.push_back({index, errc::already_exists, "listed twice in this batch"});
        continue;
      }
      auto refusal = check(entry.path);
      if (!refusal) return refusal.error();
      if (!refusal->empty()) {
        errors.push_back({index, errc::already_exists, std::move(*refusal)});
        continue;
      }
      if (__builtin_add_overflow(batch.size_bytes, entry.size_bytes, &batch.size_bytes)) {
        batch.size_bytes -= entry.size_bytes;
        errors.push_back({index, errc::invalid_argument, "the size is out of range"});
        continue;
      }
      ++batch.files;
      t.changes.put(keys::file(id, entry.path), values::encode(entry));
      t.changes.put(keys::path(batch.workspace, entry.path, id), {});
      last_added = &entry.path;
    }
    std::sort(errors.begin(), errors.end(),
              [](const entry_error& a, const entry_error& b) { return a.index < b.index; });
    if (t.changes.empty()) return errors;
    put(t, batch);
    if (auto error = apply(t, false)) return error;
    return errors;
  });
}

}  // namespace et
