#include "storage/cache/cache_store.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <mutex>
#include <optional>
#include <set>

namespace et {

namespace fs = std::filesystem;

namespace {

// Users' data: for the service alone.
constexpr int file_mode = 0600;
constexpr int folder_mode = 0700;
// Disk writes begin while the file is being filled, so that little is left for the flush.
constexpr uint64_t writeback_bytes = 8 * 1024 * 1024;
constexpr unsigned folder_count = 256;

std::string folder_name(uint64_t batch) {
  char text[3];
  std::snprintf(text, sizeof text, "%02x", static_cast<unsigned>(batch % folder_count));
  return text;
}

caf::error make_folder(const fs::path& folder) {
  if (::mkdir(folder.c_str(), folder_mode) != 0 && errno != EEXIST)
    return fail_errno("cannot create " + folder.string(), errno);
  return {};
}

caf::error unlink_file(const fs::path& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT)
    return fail_errno("cannot remove " + path.string(), errno);
  return {};
}

// Takes a number without leading zeros off the front of `text`.
template <class Number>
bool take_number(std::string_view& text, Number& value) {
  if (text.empty() || text[0] == '0') return false;
  auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc{}) return false;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return true;
}

// Takes `BATCH.NUMBER` off the front of `text`.
std::optional<aggregation_id> take_id(std::string_view& text) {
  aggregation_id id;
  if (!take_number(text, id.batch.value) || !text.starts_with('.')) return std::nullopt;
  text.remove_prefix(1);
  if (!take_number(text, id.number)) return std::nullopt;
  return id;
}

bool is_recall_name(std::string_view name) {
  uint64_t recall = 0;
  if (!take_id(name) || !name.starts_with('.')) return false;
  name.remove_prefix(1);
  return take_number(name, recall) && name.empty();
}

void add_cache_file(const fs::directory_entry& entry, const std::string& folder,
                    cache_store::contents& found) {
  auto text = entry.path().filename().string();
  std::string_view name = text;
  auto id = take_id(name);
  if (!id || folder_name(id->batch.value) != folder || !entry.is_regular_file()) return;
  if (name == ".part") found.leftovers.push_back(entry.path());
  if (name.empty()) found.files.push_back({*id, entry.file_size()});
}

}  // namespace

cache_file_sink::cache_file_sink(cache_file_sink&& other) noexcept
    : id_(other.id_),
      claim_(std::move(other.claim_)),
      fd_(std::move(other.fd_)),
      temporary_(std::exchange(other.temporary_, {})),
      size_bytes_(other.size_bytes_),
      started_bytes_(other.started_bytes_) {}

cache_file_sink::~cache_file_sink() {
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

caf::error cache_file_sink::write(std::span<const uint8_t> data) {
  if (auto error = write_at(fd_.get(), data.data(), data.size(), size_bytes_))
    return with_context(error, temporary_.string());
  size_bytes_ += data.size();
  if (size_bytes_ - started_bytes_ >= writeback_bytes) {
    start_writeback(fd_.get(), started_bytes_, size_bytes_ - started_bytes_);
    started_bytes_ = size_bytes_;
  }
  return {};
}

struct cache_store::shared_lists {
  std::mutex mutex;
  std::set<std::pair<aggregation_id, uint64_t>> lent;
  std::set<aggregation_id> being_written;
};

cache_store::cache_store(fs::path folder)
    : folder_(std::move(folder)), lists_(std::make_shared<shared_lists>()) {}

caf::expected<cache_store> cache_store::open(const fs::path& folder) {
  if (auto error = make_folders(folder)) return error;
  std::error_code problem;
  cache_store store{fs::absolute(folder, problem).lexically_normal()};
  if (auto error = make_folder(store.folder_ / "files")) return error;
  if (auto error = make_folder(store.folder_ / "recalls")) return error;
  if (auto error = sync_folder(store.folder_)) return error;
  return store;
}

fs::path cache_store::folder_of(aggregation_id id) const {
  return folder_ / "files" / folder_name(id.batch.value);
}

fs::path cache_store::path_of(aggregation_id id) const {
  return folder_of(id) / to_string(id);
}

fs::path cache_store::recall_path(aggregation_id id, uint64_t recall) const {
  return folder_ / "recalls" / (to_string(id) + "." + std::to_string(recall));
}

std::shared_ptr<void> cache_store::claim(aggregation_id id) {
  std::lock_guard lock{lists_->mutex};
  if (!lists_->being_written.insert(id).second) return nullptr;
  auto give_back = [lists = lists_, id](void*) {
    std::lock_guard lock_again{lists->mutex};
    lists->being_written.erase(id);
  };
  return {lists_.get(), give_back};
}

caf::expected<cache_file_sink> cache_store::create_temporary(aggregation_id id) {
  // Not by the file's being there: one that could not be removed would be in the way for ever.
  cache_file_sink sink{id, claim(id)};
  if (!sink.claim_)
    return fail(errc::already_exists, "aggregation " + to_string(id) + " is being cached already");
  auto path = folder_of(id) / (to_string(id) + ".part");
  constexpr int flags = O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC;
  sink.fd_.reset(::open(path.c_str(), flags, file_mode));
  if (!sink.fd_ && errno == ENOENT) {
    if (auto error = make_folder(folder_of(id))) return error;
    sink.fd_.reset(::open(path.c_str(), flags, file_mode));
  }
  if (!sink.fd_) return fail_errno("cannot create " + path.string(), errno);
  sink.temporary_ = std::move(path);
  return sink;
}

caf::error cache_store::publish(cache_file_sink& sink) {
  if (sink.temporary_.empty()) return fail(errc::internal, "a cache file is published once");
  if (auto error = sync_data(sink.fd_.get())) return with_context(error, sink.temporary_.string());
  auto path = path_of(sink.id_);
  if (::rename(sink.temporary_.c_str(), path.c_str()) != 0)
    return fail_errno("cannot rename " + sink.temporary_.string(), errno);
  sink.temporary_.clear();
  sink.fd_.reset();
  auto error = sync_folder(folder_of(sink.id_));
  // Its folder may be new as well, made by us or a moment ago by another thread.
  if (!error) error = sync_folder(folder_ / "files");
  if (error) ::unlink(path.c_str());
  sink.claim_.reset();
  return error;
}

caf::expected<unique_fd> cache_store::open_read(aggregation_id id) const {
  return open_file(path_of(id), O_RDONLY);
}

caf::expected<uint64_t> cache_store::size_bytes(aggregation_id id) const {
  auto path = path_of(id);
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0)
    return fail_errno("cannot examine " + path.string(), errno,
                      errno == ENOENT ? errc::not_found : errc::io_error);
  return static_cast<uint64_t>(status.st_size);
}

caf::error cache_store::remove(aggregation_id id) {
  return remove_file(path_of(id), id, 0);
}

void cache_store::will_lend(aggregation_id id, uint64_t recall) {
  std::lock_guard lock{lists_->mutex};
  lists_->lent.emplace(id, recall);
}

caf::error cache_store::remove_file(const fs::path& path, aggregation_id id, uint64_t recall) {
  bool lent = false;
  {
    std::lock_guard lock{lists_->mutex};
    lent = lists_->lent.erase({id, recall}) > 0;
  }
  // Who has it open would hold its space for as long as he likes.
  if (lent && ::truncate(path.c_str(), 0) != 0 && errno != ENOENT)
    return fail_errno("cannot empty " + path.string(), errno);
  return unlink_file(path);
}

caf::expected<unique_fd> cache_store::create_recall(aggregation_id id, uint64_t recall) {
  return open_file(recall_path(id, recall), O_RDWR | O_CREAT | O_TRUNC, file_mode);
}

caf::expected<unique_fd> cache_store::open_recall(aggregation_id id, uint64_t recall) const {
  return open_file(recall_path(id, recall), O_RDONLY);
}

caf::error cache_store::remove_recall(aggregation_id id, uint64_t recall) {
  return remove_file(recall_path(id, recall), id, recall);
}

caf::expected<cache_store::contents> cache_store::scan() const {
  contents found;
  try {
    for (unsigned i = 0; i < folder_count; ++i) {
      auto folder = folder_ / "files" / folder_name(i);
      if (!fs::exists(folder)) continue;
      for (auto& entry : fs::directory_iterator{folder})
        add_cache_file(entry, folder_name(i), found);
    }
    for (auto& entry : fs::directory_iterator{folder_ / "recalls"})
      if (is_recall_name(entry.path().filename().string()) && entry.is_regular_file())
        found.leftovers.push_back(entry.path());
  } catch (const fs::filesystem_error& problem) {
    return fail_errno("cannot list the cache " + folder_.string(), problem.code().value());
  }
  std::ranges::sort(found.files, {}, &cached_file::id);
  std::ranges::sort(found.leftovers);
  return found;
}

caf::error cache_store::remove_leftovers() {
  auto found = scan();
  if (!found) return found.error();
  for (auto& path : found->leftovers)
    if (auto error = unlink_file(path)) return error;
  return {};
}

caf::expected<uint64_t> cache_store::free_bytes() const {
  struct statvfs status {};
  if (::statvfs(folder_.c_str(), &status) != 0)
    return fail_errno("cannot examine the file system of " + folder_.string(), errno);
  return uint64_t{status.f_bavail} * status.f_frsize;
}

}  // namespace et
