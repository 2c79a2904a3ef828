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

/// Why an entry is not added; code none: it is.
struct refusal {
  errc code = errc::none;
  std::string reason;
};

/// Tells whether entries, asked for in ascending order of their paths, are in the way of what is
/// held. One cursor goes through the workspace's paths once; where there are none, one seek serves
/// a whole chunk.
class held_check {
 public:
  held_check(const database& db, const record_reader& records,
             const std::unordered_map<uint64_t, batch_phase>& hidden, const batch_record& batch,
             held_rule rule)
      : records_(records),
        hidden_(hidden),
        batch_(batch.id),
        workspace_(batch.workspace),
        rule_(rule),
        paths_(db, nullptr, keys::paths_of(batch.workspace)) {}

  caf::expected<refusal> operator()(const file_entry& entry) {
    auto prefix = keys::path_prefix(workspace_, entry.path);
    go_to(prefix);
    std::optional<batch_id> newest;
    for (; paths_.valid() && prefix.begins(paths_.key()); paths_.next()) {
      auto holder = keys::batch_of_path_key(paths_.key());
      if (!holder) return fail(errc::corrupt, "the catalogue has a malformed key in path");
      if (*holder == batch_) return refusal{errc::already_exists, "listed twice in this batch"};
      auto phase = hidden_.find(holder->value);
      if (phase != hidden_.end() && phase->second == batch_phase::removing) continue;
      if (phase != hidden_.end())
        return refusal{errc::already_exists,
                       "in batch " + std::to_string(holder->value) + ", which is being registered"};
      auto failed = has_failed(*holder, entry.path);
      if (!failed) return failed.error();
      if (!*failed) newest = *holder;
    }
    if (auto error = paths_.error()) return error;
    if (!newest) return refusal{};
    return judge(*newest, entry);
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

  caf::expected<refusal> judge(batch_id holder, const file_entry& entry) {
    auto name = std::to_string(holder.value);
    if (rule_ == held_rule::refuse)
      return refusal{errc::already_exists, "already held by batch " + name};
    auto held = records_.file(holder, entry.path);
    if (!held) return held.error();
    if (!*held)
      return fail(errc::corrupt, "the catalogue has a path of batch " + name + " but not its file");
    bool same = (*held)->size_bytes == entry.size_bytes && (*held)->mtime_ns == entry.mtime_ns;
    return refusal{same ? errc::unchanged : errc::none, {}};
  }

  /// A file that failed in its batch is not held; it may be put again.
  caf::expected<bool> has_failed(batch_id holder, const std::string& path) {
    auto batch = holder_of(holder);
    if (!batch) return batch.error();
    if ((*batch)->failed_files == 0) return false;
    auto failure = records_.failure(holder, path);
    if (!failure) return failure.error();
    if (*failure) return true;
    if ((*batch)->in_state[static_cast<size_t>(state::failed)] == 0) return false;
    auto aggregation = records_.aggregation_at(**batch, path);
    if (!aggregation) return aggregation.error();
    return *aggregation && (*aggregation)->state == state::failed && covers(**aggregation, path);
  }

  caf::expected<const batch_record*> holder_of(batch_id id) {
    auto known = holders_.find(id.value);
    if (known != holders_.end()) return &known->second;
    auto batch = records_.batch(id);
    if (!batch) return batch.error();
    if (!*batch)
      return fail(errc::corrupt,
                  "the catalogue has paths of batch " + std::to_string(id.value) + " but not it");
    return &holders_.emplace(id.value, std::move(**batch)).first->second;
  }

  const record_reader& records_;
  const std::unordered_map<uint64_t, batch_phase>& hidden_;
  batch_id batch_;
  workspace_id workspace_;
  held_rule rule_;
  cursor<family::path> paths_;
  bool started_ = false;
  std::unordered_map<uint64_t, batch_record> holders_;
};

}  // namespace

caf::expected<std::vector<entry_error>> store::add_files(batch_id id,
                                                         const std::vector<file_entry>& entries,
                                                         held_rule rule) {
  return writing([&]() -> caf::expected<std::vector<entry_error>> {
    constexpr size_t usual_change_bytes = 200;
    auto pending = pending_batch(id);
    if (!pending) return pending.error();
    auto batch = std::move(*pending);
    auto t = begin(entries.size() * usual_change_bytes);
    std::vector<entry_error> errors;
    held_check check{*db_, now_, hidden_, batch, rule};
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
      auto held = check(entry);
      if (!held) return held.error();
      if (held->code != errc::none) {
        errors.push_back({index, held->code, std::move(held->reason)});
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
